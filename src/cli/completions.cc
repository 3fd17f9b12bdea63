#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/cli/command_tree.h"

// Each shell gets one table of what may follow each command, and a few lines that find the command in the words typed
// so far: the words before the first one that is no command name.

namespace lathe::cli {

namespace {

std::vector<std::string> words_after(const CommandDoc& command) {
  std::vector<std::string> words;
  for (const auto& [name, summary] : command.commands) words.push_back(name);
  for (const auto& option : command.options) words.insert(words.end(), option.names.begin(), option.names.end());
  return words;
}

/// The fixed values of an option ("deny|wait|tty"), or none.
std::vector<std::string> choices_of(const CommandDoc::Option& option) {
  if (!option.value.contains('|')) return {};
  std::vector<std::string> choices;
  for (const std::string_view choice : base::split(option.value, '|')) choices.emplace_back(choice);
  return choices;
}

std::string path_of(const CommandDoc& command) { return base::join(command.path, " "); }

/// What may follow an option that takes one of a few words: "exec --ask" and the words.
std::vector<std::pair<std::string, std::vector<std::string>>> words_after_options(
    const std::vector<CommandDoc>& commands) {
  std::vector<std::pair<std::string, std::vector<std::string>>> all;
  for (const CommandDoc& command : commands) {
    for (const auto& option : command.options) {
      const auto choices = choices_of(option);
      if (choices.empty()) continue;
      for (const std::string& name : option.names) all.emplace_back(path_of(command) + " " + name, choices);
    }
  }
  return all;
}

std::string bash_script(const std::vector<CommandDoc>& commands) {
  std::string out =
      "_lathe() {\n"
      "  local word path='' words='' i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case \"$path${path:+ }$word\" in\n      ";
  std::vector<std::string> paths;
  for (const CommandDoc& command : commands) {
    if (!command.path.empty()) paths.push_back(base::shell_quote(path_of(command)));
  }
  out += base::join(paths, "|") + ") path=\"$path${path:+ }$word\" ;;\n      *) break ;;\n    esac\n  done\n";
  out += "  case \"$path ${COMP_WORDS[COMP_CWORD-1]}\" in\n";
  for (const auto& [option, choices] : words_after_options(commands)) {
    out += fmt::format("    {}) words={} ;;\n", base::shell_quote(option), base::shell_quote(base::join(choices, " ")));
  }
  out += "  esac\n  if [ -z \"$words\" ]; then case \"$path\" in\n";
  for (const CommandDoc& command : commands) {
    std::vector<std::string> words = words_after(command);
    for (const auto& option : command.options) {
      const auto choices = choices_of(option);
      if (!option.positional.empty()) words.insert(words.end(), choices.begin(), choices.end());
    }
    out += fmt::format("    {}) words={} ;;\n", base::shell_quote(path_of(command)),
                       base::shell_quote(base::join(words, " ")));
  }
  out +=
      "  esac; fi\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      "}\n"
      "complete -o default -F _lathe lathe\n";
  return out;
}

/// For _describe, which splits name and text at a colon.
std::string zsh_entry(const std::string& name, const std::string& doc) {
  return base::shell_quote(base::replace_all(name, ":", "\\:") + ":" + doc);
}

std::string zsh_script(const std::vector<CommandDoc>& commands) {
  std::string out =
      "#compdef lathe\n"
      "_lathe() {\n"
      "  local path_='' i\n"
      "  local -a entries\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    case \"$path_${path_:+ }$words[i]\" in\n      (";
  std::vector<std::string> paths;
  for (const CommandDoc& command : commands) {
    if (!command.path.empty()) paths.push_back(base::shell_quote(path_of(command)));
  }
  out += base::join(paths, "|") + ") path_=\"$path_${path_:+ }$words[i]\" ;;\n      (*) break ;;\n    esac\n  done\n";
  out += "  case \"$path_ $words[CURRENT-1]\" in\n";
  for (const auto& [option, choices] : words_after_options(commands)) {
    out += fmt::format("    ({}) entries=({}) ;;\n", base::shell_quote(option), base::join(choices, " "));
  }
  out += "  esac\n  if (( ! $#entries )); then case \"$path_\" in\n";
  for (const CommandDoc& command : commands) {
    std::vector<std::string> entries;
    for (const auto& [name, summary] : command.commands) entries.push_back(zsh_entry(name, summary));
    for (const auto& option : command.options) {
      for (const std::string& name : option.names) entries.push_back(zsh_entry(name, option.doc));
      if (option.names.empty()) {
        for (const std::string& choice : choices_of(option)) entries.push_back(zsh_entry(choice, option.doc));
      }
    }
    out += fmt::format("    ({}) entries=({}) ;;\n", base::shell_quote(path_of(command)), base::join(entries, " "));
  }
  out += "  esac; fi\n  _describe 'lathe' entries\n  _files\n}\ncompdef _lathe lathe\n";
  return out;
}

std::string fish_script(const std::vector<CommandDoc>& commands) {
  std::string out =
      "function __lathe_at\n"
      "  set -l words (commandline -opc)[2..-1]\n"
      "  set -l n (count $argv)\n"
      "  test (count $words) -ge $n; or return 1\n"
      "  test $n -eq 0; or test \"$words[1..$n]\" = \"$argv\"\n"
      "end\n"
      "function __lathe_exactly\n"
      "  set -l words (commandline -opc)[2..-1]\n"
      "  test \"$words\" = \"$argv\"\n"
      "end\n";
  for (const CommandDoc& command : commands) {
    for (const auto& [name, summary] : command.commands) {
      out += fmt::format("complete -c lathe -f -n {} -a {} -d {}\n",
                         base::shell_quote("__lathe_exactly " + path_of(command)), name, base::shell_quote(summary));
    }
    for (const auto& option : command.options) {
      std::string line = fmt::format("complete -c lathe -n {}", base::shell_quote("__lathe_at " + path_of(command)));
      for (const std::string& name : option.names) {
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      const auto choices = choices_of(option);
      if (!choices.empty()) line += fmt::format(" -f -a {}", base::shell_quote(base::join(choices, " ")));
      if (!option.value.empty() && !option.names.empty()) line += " -r";
      if (option.names.empty() && choices.empty()) continue;
      out += line + fmt::format(" -d {}\n", base::shell_quote(option.doc));
    }
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const std::vector<CommandDoc> commands = describe_commands(app);
  if (shell == "bash") return bash_script(commands);
  if (shell == "zsh") return zsh_script(commands);
  return fish_script(commands);
}

}  // namespace lathe::cli
