#include "lathe/policy/command_paths.h"

#include <algorithm>
#include <array>
#include <optional>

#include "lathe/base/strings.h"

namespace lathe::policy {

using syntax::Redirection;
using syntax::SimpleCommand;
using syntax::Word;

namespace {

constexpr std::size_t kMaxFolders = 8;
/// They open nothing that their words name.
constexpr std::array<std::string_view, 27> kOpenNothing{
    "echo", "printf", "export", "declare", "typeset", "local", "readonly", "unset", "read",
    "set",  "shift",  "exit",   "return",  "kill",    "sleep", "seq",      "expr",  "let",
    "test", "[",      ":",      "true",    "false",   "wait",  "trap",     "cd",    "pushd"};

/// The first word of a command's that is no option.
const Word* first_operand(const SimpleCommand& command) {
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    if (!command.words[i].text.starts_with('-')) return &command.words[i];
  }
  return nullptr;
}

bool changes_folder(const SimpleCommand& command) {
  return command.name() == "cd" || command.name() == "pushd" || command.name() == "chdir";
}

/// The folders that a command is told to work in: env -C x, make -Cx, tar --directory=x.
std::vector<Word> told_folders(const SimpleCommand& command) {
  std::vector<Word> folders;
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    const Word& word = command.words[i];
    const bool here = word.text == "-C" || word.text == "--chdir" || word.text == "--directory";
    if (here && i + 1 < command.words.size()) folders.push_back(command.words[i + 1]);
    for (const std::string_view option : {"-C", "--chdir=", "--directory="}) {
      if (here || !word.text.starts_with(option)) continue;
      Word folder = word;
      folder.text.erase(0, option.size());
      folders.push_back(std::move(folder));
    }
  }
  return folders;
}

void add_folder(Folders& folders, const Word& word) {
  if (word.dynamic || word.pattern || word.tilde) {
    folders.any = true;
    return;
  }
  const std::vector<std::string> before = folders.possible;
  for (const std::string& folder : before) {
    std::string path = absolute_path(folder, word.text);
    if (std::ranges::find(folders.possible, path) != folders.possible.end()) continue;
    if (folders.possible.size() >= kMaxFolders) {
      folders.any = true;
      return;
    }
    folders.possible.push_back(std::move(path));
  }
}

/// All that the script may run in; `current` is still where it begins.
Folders folders_of(std::span<const SimpleCommand> commands, const std::string& cwd) {
  Folders folders{.current = cwd, .possible = {cwd}};
  for (const SimpleCommand& command : commands) {
    for (const syntax::Assignment& set : command.assignments) folders.any = folders.any || set.name == "CDPATH";
    for (const Word& word : command.words)
      folders.any = folders.any || word.text == "-execdir" || word.text == "-okdir";
    folders.dotted = folders.dotted || command.name() == "shopt";
    for (const Word& folder : told_folders(command)) add_folder(folders, folder);
    if (!changes_folder(command)) continue;
    const Word* to = first_operand(command);
    if (to != nullptr) {
      add_folder(folders, *to);
    } else if (command.words.size() == 1) {
      folders.any = true;
    }
  }
  return folders;
}

/// Where what is computed of a word ends, for the one that begins there.
std::size_t end_of_computed(std::string_view text, std::size_t at) {
  const auto behind_last = [&](char closing) {
    const std::size_t last = text.rfind(closing);
    return last == std::string_view::npos || last <= at ? text.size() : last + 1;
  };
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  if (text[at] == '`') return behind_last('`');
  if (text[at] == '{' || next == '{') return behind_last('}');
  if (next == '(') return behind_last(')');
  std::size_t end = at + 1;
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  while (end < text.size() && in_name(text[end])) ++end;
  return end == at + 1 ? std::min(at + 2, text.size()) : end;
}

/// What stands behind the last computed part of a word; nothing where that part is not marked.
std::string_view known_end(const Word& word) {
  const std::string_view text = word.text;
  std::size_t known = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool substitutes = (text[i] == '<' || text[i] == '>') && i + 1 < text.size() && text[i + 1] == '(';
    if (text[i] != '$' && text[i] != '`' && text[i] != '{' && !substitutes) continue;
    known = end_of_computed(text, i);
    i = known - 1;
  }
  return text.substr(known);
}

/// [ab] is any text here.
std::string without_brackets(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '[') {
      out += text[i];
      continue;
    }
    out += '*';
    i = std::min(text.find('/', i), text.size()) - 1;
  }
  return out;
}

/// Any folder, and then the path. Its parts ".." lead where nobody knows.
PathPattern anywhere(std::string_view path) {
  PathPattern pattern{.parts = {"**"}};
  for (const std::string_view part : base::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      pattern.parts.emplace_back(part);
    } else if (pattern.parts.size() > 1) {
      pattern.parts.pop_back();
    }
  }
  return pattern;
}

PathPattern pattern_of(std::string_view path) {
  PathPattern pattern;
  for (const std::string_view part : base::split(path, '/')) pattern.parts.emplace_back(part);
  return pattern;
}

/// Numbers that a shell computes.
bool is_number(std::string_view text) { return text == "$?" || text == "$#" || text == "$$" || text == "$!"; }

class PathReader final {
 public:
  PathReader(const Folders& folders, NamedPaths& into) : folders_(folders), into_(into) {}

  void read(const Word& word) {
    if (word.dynamic) return computed(word);
    for (const std::string_view path : path_candidates(word.text)) {
      if (word.pattern) {
        matched(path);
      } else {
        literal(path);
      }
    }
    if (word.tilde) {
      // A person's home, which is not known here.
      const std::size_t slash = std::min(word.text.find('/'), word.text.size());
      into_.patterns.push_back(anywhere(without_brackets(std::string_view(word.text).substr(slash))));
    }
  }

 private:
  void literal(std::string_view path) {
    into_.paths.push_back(absolute_path(folders_.current, path));
    if (path.starts_with('/')) return;
    for (const std::string& folder : folders_.possible) {
      if (folder != folders_.current) into_.patterns.push_back(pattern_of(absolute_path(folder, path)));
    }
    if (folders_.any) into_.patterns.push_back(anywhere(path));
  }

  void matched(std::string_view path) {
    into_.paths.push_back(absolute_path(folders_.current, path));
    const std::string text = without_brackets(path);
    const auto add = [&](PathPattern pattern) {
      pattern.hides_dots = !folders_.dotted;
      into_.patterns.push_back(std::move(pattern));
    };
    if (path.starts_with('/')) return add(pattern_of(clean_path(text)));
    for (const std::string& folder : folders_.possible) add(pattern_of(absolute_path(folder, text)));
    if (folders_.any) add(anywhere(text));
  }

  /// What is computed may hold ".." and, outside of quotes, blanks: only what stands behind it is sure.
  void computed(const Word& word) {
    if (is_number(word.text)) return;
    const bool only_braces = word.text.contains('{') && word.text.find_first_of("$`") == std::string::npos;
    if (word.splits && !only_braces) {
      into_.patterns.push_back(anywhere(""));
      return;
    }
    const std::string end = without_brackets(known_end(word));
    into_.patterns.push_back(anywhere(end.starts_with('/') ? end : "*" + end));
    for (const std::string_view path : path_candidates(end)) {
      if (path != end) into_.patterns.push_back(anywhere(path));
    }
  }

  const Folders& folders_;
  NamedPaths& into_;
};

}  // namespace

std::vector<NamedPaths> named_by(std::span<const SimpleCommand> commands, const std::string& cwd) {
  std::vector<NamedPaths> named;
  Folders folders = folders_of(commands, cwd);
  for (const SimpleCommand& command : commands) {
    PathReader reader(folders, named.emplace_back());
    const bool opens = std::ranges::find(kOpenNothing, command.name()) == kOpenNothing.end();
    for (const Word& word : command.words) {
      if (opens || !(word.dynamic || word.pattern)) reader.read(word);
    }
    for (const Redirection& redirection : command.redirections) {
      const bool names_file =
          redirection.kind != Redirection::Kind::kHereText && redirection.kind != Redirection::Kind::kDuplicate;
      if (names_file) reader.read(redirection.target);
    }
    const Word* to = changes_folder(command) ? first_operand(command) : nullptr;
    if (to != nullptr && !to->dynamic && !to->pattern && !to->tilde)
      folders.current = absolute_path(folders.current, to->text);
  }
  return named;
}

std::vector<std::string_view> path_candidates(std::string_view word) {
  std::vector<std::string_view> candidates{word};
  const std::size_t mark = word.find_first_of("=@");
  if (mark != std::string_view::npos && mark + 1 < word.size()) candidates.push_back(word.substr(mark + 1));
  const std::size_t colon = word.find(':');
  if (colon != std::string_view::npos && colon > 0) candidates.push_back(word.substr(0, colon));
  if (colon != std::string_view::npos && colon + 1 < word.size()) candidates.push_back(word.substr(colon + 1));
  if (word.size() > 2 && word[0] == '-' && word[1] != '-') candidates.push_back(word.substr(2));
  return candidates;
}

}  // namespace lathe::policy
