#include <algorithm>
#include <optional>
#include <utility>

#include "lathe/syntax/starter.h"

// Shells and their builtins: which text they run, and what of it cannot be known.

namespace lathe::syntax {
namespace {

/// Shells with a grammar of their own.
constexpr std::string_view kOtherShells = "fish csh tcsh pwsh nu xonsh elvish rc es";
/// They need not have more than POSIX asks for.
constexpr std::string_view kPlainShells = "sh dash ash";
constexpr std::string_view kShellNames =
    "login posix norc noprofile noediting restricted verbose version help debugger dump-strings dump-po-strings "
    "pretty-print";
/// Builtins that evaluate the index of a variable which they are given the name of, and a substitution in it.
constexpr std::string_view kNameBuiltins = "read unset declare typeset export local readonly mapfile readarray";
constexpr std::string_view kDeclarations = "declare typeset export local readonly";
/// Variables whose text a shell expands, or takes for a file to read commands from.
constexpr std::string_view kExpanded = "PS0 PS1 PS2 PS3 PS4 BASH_ENV ENV";
/// Variables that hold a command.
constexpr std::string_view kCommandVariables =
    "PROMPT_COMMAND PAGER GIT_PAGER MANPAGER EDITOR VISUAL FCEDIT GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_SSH "
    "GIT_SSH_COMMAND GIT_ASKPASS SSH_ASKPASS SUDO_ASKPASS GIT_EXTERNAL_DIFF GIT_DIFFTOOL_EXTCMD GIT_PROXY_COMMAND "
    "RSYNC_RSH CVS_RSH "
    "BROWSER "
    "LESSOPEN LESSCLOSE";

bool has_letter(const Word& word, char letter) {
  return word.text.size() > 1 && word.text[0] == '-' && word.text[1] != '-' && word.text.contains(letter);
}

bool any_has_letter(const std::vector<Word>& words, char letter) {
  return std::ranges::any_of(words, [&](const Word& word) { return has_letter(word, letter); });
}

/// Builtins that change what later names mean, or complete them by commands.
bool redefines_names(std::string_view name, const std::vector<Word>& words) {
  if (lists("alias enable complete compgen bind fc", name)) return words.size() > 1;
  const auto sets_table = [](const Word& word) {
    return word.text.contains("BASH_CMDS") || word.text.contains("BASH_ALIASES");
  };
  if ((name == "printf" || lists(kNameBuiltins, name)) && std::ranges::any_of(words, sets_table)) return true;
  if (name == "hash") {
    // zsh has hash NAME=PATH.
    return any_has_letter(words, 'p') ||
           std::ranges::any_of(words, [](const Word& word) { return word.text.contains('='); });
  }
  return (name == "mapfile" || name == "readarray") && any_has_letter(words, 'C');
}

/// What a shell takes for the name of a variable holds an index that it evaluates, or is computed.
bool evaluates(const Word& word) {
  const std::string_view name = std::string_view(word.text).substr(0, word.text.find('='));
  const std::size_t computed = name.find_first_of("$`");
  if (computed == std::string_view::npos) return false;
  return word.dynamic || name.substr(0, computed).contains('[');
}

bool evaluates_names(std::string_view name, const std::vector<Word>& words) {
  if (name == "let") return words.size() > 1;
  std::vector<Word> arguments = words_from(words, 1);
  // Integers, and names for other variables: what is set then is evaluated whenever it is set or used.
  const bool refers = name != "export" && any_has_letter(arguments, 'n');
  if (lists(kDeclarations, name) && (refers || any_has_letter(arguments, 'i'))) return true;
  if (name == "printf") {
    // -v NAME, or -vNAME, and then what is printed.
    if (arguments.empty() || !has_letter(arguments.front(), 'v')) return false;
    arguments.resize(std::min<std::size_t>(arguments.size(), 2));
  } else if (name == "[" || name == "test") {
    if (!any_has_letter(words, 'v') && !any_has_letter(words, 'R')) return false;
  } else if (!lists(kNameBuiltins, name)) {
    return false;
  }
  return std::ranges::any_of(arguments, evaluates);
}

void trap(Starter& starter) {
  const std::vector<Word> words = words_from(starter.words(), 1);
  if (std::ranges::any_of(words, &Word::dynamic)) starter.not_known("what a trap runs is computed");
  const std::size_t at = !words.empty() && words[0].text == "--" ? 1 : 0;
  if (at + 1 >= words.size() || words[at].text.empty() || words[at].text == "-") return;
  starter.script(words[at]);
}

void source(Starter& starter) {
  OptionReader options(starter.words(), {"p:"});
  while (options.next()) {
  }
  if (options.at() < starter.words().size()) starter.file(starter.words()[options.at()]);
}

/// export PAGER='less -R' sets it as an assignment does.
std::vector<Assignment> declared(const std::vector<Word>& words) {
  std::vector<Assignment> set;
  for (const Word& word : words) {
    const std::size_t equals = word.text.find('=');
    if (equals == std::string::npos) continue;
    Word value = word;
    value.text.erase(0, equals + 1);
    set.push_back({.name = word.text.substr(0, equals), .value = std::move(value)});
  }
  return set;
}

void other_shell(Starter& starter) {
  starter.not_known("a shell has a grammar that is not known here");
  OptionReader options(starter.words(), {"c:C:", "command= init-command="});
  while (const std::optional<Option> option = options.next()) {
    if (option->value) starter.script(*option->value);
  }
}

/// While it lives, texts are for that shell.
class ForShell final {
 public:
  ForShell(Budget& budget, std::string_view name)
      : budget_(budget), before_(std::exchange(budget.for_plain_sh, lists(kPlainShells, name))) {}
  ~ForShell() { budget_.for_plain_sh = before_; }
  ForShell(const ForShell&) = delete;
  ForShell& operator=(const ForShell&) = delete;

 private:
  Budget& budget_;
  const bool before_;
};

}  // namespace

void start_shell(Starter& starter) {
  const std::vector<Word>& words = starter.words();
  const ForShell shell(starter.budget(), starter.name());
  bool takes_text = false;
  bool reads_input = false;
  std::size_t at = 1;
  for (; at < words.size(); ++at) {
    const Word& word = words[at];
    if (word.dynamic || word.pattern) starter.not_known("what a shell is to run is computed");
    const std::string& text = word.text;
    if (text == "--" || text == "-") {
      ++at;
      break;
    }
    if (text.size() < 2 || (text[0] != '-' && text[0] != '+')) break;
    if (text.starts_with("--")) {
      if (!lists(kShellNames, std::string_view(text).substr(2)))
        starter.not_known("a shell has an option that is not known here");
      continue;
    }
    if (text.find_first_of(" \t\n;|&$`") != std::string::npos) {
      starter.not_known("a shell has an option that is not known here");
    }
    takes_text = takes_text || (text[0] == '-' && text.contains('c'));
    reads_input = reads_input || (text[0] == '-' && text.contains('s'));
    // Each of these takes a word behind this one.
    at += static_cast<std::size_t>(std::ranges::count(text, 'o') + std::ranges::count(text, 'O'));
  }
  if (takes_text) {
    if (at < words.size()) starter.script(words[at]);
  } else if (at < words.size() && !reads_input) {
    starter.file(words[at]);
  } else {
    starter.input();
  }
}

void start_builtin(Starter& starter) {
  const std::string_view name = starter.name();
  const std::vector<Word>& words = starter.words();
  if (lists(kOtherShells, name)) return other_shell(starter);
  if (redefines_names(name, words)) starter.not_known("it changes what the names of commands mean");
  if (evaluates_names(name, words)) starter.not_known("a builtin evaluates the name of a variable");
  if (lists(kDeclarations, name)) add_values(starter.budget(), declared(words_from(words, 1)));
  if (name == "trap") trap(starter);
  if (name == "source" || name == ".") source(starter);
}

void add_values(Budget& budget, const std::vector<Assignment>& assignments) {
  for (const Assignment& set : assignments) {
    const std::string_view name = set.name;
    const Word& value = set.value;
    if (lists(kExpanded, name) && (value.text.find_first_of("$`") != std::string::npos || names_input(value.text))) {
      budget.not_known("a shell expands the value of a variable");
    }
    if (name.starts_with("GIT_CONFIG") || name.starts_with("BASH_FUNC_") || name == "GIT_EXEC_PATH" ||
        name == "BASH_CMDS" || name == "BASH_ALIASES") {
      budget.not_known("a variable changes which programs run");
    }
    if (!lists(kCommandVariables, name) || budget.gave_up()) continue;
    if (value.dynamic) budget.not_known("a variable that holds a command is computed");
    const std::size_t start = name == "LESSOPEN" ? value.text.find_first_not_of("|-") : 0;
    // The shell itself runs it, or a program in a folder of its choice.
    const InScope later(budget, name == "PROMPT_COMMAND" ? Scope::Kind::kLater : Scope::Kind::kElsewhere);
    if (start != std::string::npos) parse_into(budget, std::string_view(value.text).substr(start));
  }
}

}  // namespace lathe::syntax
