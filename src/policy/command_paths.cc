#include "lathe/policy/command_paths.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "lathe/base/strings.h"
#include "lathe/policy/command_folders.h"

namespace lathe::policy {

using syntax::Redirection;
using syntax::SimpleCommand;
using syntax::Word;

namespace {

/// They open nothing that their words name.
constexpr std::array<std::string_view, 27> kOpenNothing{
    "echo", "printf", "export", "declare", "typeset", "local", "readonly", "unset", "read",
    "set",  "shift",  "exit",   "return",  "kill",    "sleep", "seq",      "expr",  "let",
    "test", "[",      ":",      "true",    "false",   "wait",  "trap",     "cd",    "pushd"};

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

/// What stands between those characters, unless that is all of the text.
std::vector<std::string_view> pieces_of(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> pieces;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    if (end > start && end - start < text.size()) pieces.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return pieces;
}

/// A word with one of these is more than one name; with the others they stand around names in it.
constexpr std::string_view kOfTexts = " \t\n'\"`;(";
constexpr std::string_view kBetweenPaths = " \t\n'\"`;(){}[]<>|&=,:@+";

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
  PathReader(const Folders& folders, std::span<const std::string> homes, NamedPaths& into)
      : folders_(folders), homes_(homes), into_(into) {}

  void read(const Word& word) {
    bool in_home = false;
    for (const std::string& home : homes_) {
      const Word at = at_home(word, home);
      if (at == word) continue;
      read_word(at);
      in_home = true;
    }
    if (!in_home) read_word(word);
  }

  /// Files that a text may name, whatever language it is in.
  void read_text(std::string_view text) {
    if (text.find_first_of(kOfTexts) == std::string_view::npos) return;
    for (const std::string_view piece : pieces_of(text, kBetweenPaths)) {
      for (const std::string& folder : folders_.possible) into_.possible.push_back(absolute_path(folder, piece));
      if (folders_.any && !piece.starts_with('/')) into_.patterns.push_back(anywhere(piece));
    }
  }

 private:
  void read_word(const Word& word) {
    if (word.dynamic) return computed(word);
    for (const std::string_view path : path_candidates(word.text)) {
      if (word.pattern) {
        matched(path);
      } else {
        literal(path);
      }
    }
    if (word.tilde) {
      // The home of another person, or one that is not known here.
      const std::size_t slash = std::min(word.text.find('/'), word.text.size());
      into_.patterns.push_back(anywhere(without_brackets(std::string_view(word.text).substr(slash))));
    }
  }

  void literal(std::string_view path) {
    into_.paths.push_back(absolute_path(folders_.current, path));
    if (path.starts_with('/')) return;
    for (const std::string& folder : folders_.possible) {
      if (folder != folders_.current) into_.possible.push_back(absolute_path(folder, path));
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
  const std::span<const std::string> homes_;
  NamedPaths& into_;
};

/// A program whose commands may have another home than the script, by its very name or when it has options.
bool may_run_elsewhere(const SimpleCommand& command) {
  constexpr std::array<std::string_view, 10> kAlways{"source", ".",       "sudo",   "su",      "doas",
                                                     "login",  "runuser", "chroot", "setpriv", "pkexec"};
  constexpr std::array<std::string_view, 5> kWithOptions{"env", "exec", "declare", "typeset", "local"};
  const std::string_view name = command.name();
  if (std::ranges::find(kAlways, name) != kAlways.end()) return true;
  return std::ranges::find(kWithOptions, name) != kWithOptions.end() &&
         std::ranges::any_of(command.words, [](const Word& word) { return word.text.starts_with('-'); });
}

/// The name HOME, other than where its value is used.
bool names_home(std::string_view text) {
  constexpr std::string_view kHome = "HOME";
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = text.find(kHome); at != std::string_view::npos; at = text.find(kHome, at + 1)) {
    const std::string_view before = text.substr(0, at);
    const std::string_view behind = text.substr(at + kHome.size());
    if ((!before.empty() && in_name(before.back())) || (!behind.empty() && in_name(behind.front()))) continue;
    if (before.ends_with('$') || (before.ends_with("${") && behind.starts_with('}'))) continue;
    return true;
  }
  return false;
}

/// A program's text may name files in its own way: awk, sed -e 'r x', python -c. What git is given so is for people.
bool takes_texts(const SimpleCommand& command) { return !command.only_wraps && command.name() != "git"; }

}  // namespace

bool may_change_home(const syntax::Script& script, std::string_view text) {
  if (names_home(text)) return true;
  return std::ranges::any_of(script.commands, [](const SimpleCommand& command) {
    return may_run_elsewhere(command) ||
           std::ranges::any_of(command.words, [](const Word& word) { return names_home(word.text); });
  });
}

std::vector<NamedPaths> named_by(const syntax::Script& script, const std::string& cwd,
                                 std::span<const std::string> homes) {
  std::vector<NamedPaths> named;
  FolderWalk walk(script, cwd, homes);
  for (const SimpleCommand& command : script.commands) {
    PathReader reader(walk.enter(command), homes, named.emplace_back());
    const bool opens = std::ranges::find(kOpenNothing, command.name()) == kOpenNothing.end();
    for (const Word& word : command.words) {
      if (opens || !(word.dynamic || word.pattern)) reader.read(word);
      if (opens && takes_texts(command)) reader.read_text(word.text);
    }
    for (const Redirection& redirection : command.redirections) {
      const bool names_file =
          redirection.kind != Redirection::Kind::kHereText && redirection.kind != Redirection::Kind::kDuplicate;
      if (names_file) reader.read(redirection.target);
    }
    walk.leave(command);
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
  std::ranges::copy(pieces_of(word, "=@:,<"), std::back_inserter(candidates));
  return candidates;
}

}  // namespace lathe::policy
