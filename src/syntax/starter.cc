#include "lathe/syntax/starter.h"

#include <algorithm>

#include "lathe/syntax/git.h"

namespace lathe::syntax {

/// Builtins run what they start in the shell itself, a trap when it is sprung; everything else is a process of its own.
Scope::Kind Starter::scope_of(Where where) const {
  if (where == Where::kElsewhere) return Scope::Kind::kElsewhere;
  if (name() == "trap") return Scope::Kind::kLater;
  return lists("eval command builtin source .", name()) ? Scope::Kind::kSame : Scope::Kind::kOwn;
}

void Starter::command(std::vector<Word> words, std::vector<Assignment> set, Where where) {
  const Nested nested(budget_);
  if (budget_.gave_up() || words.empty()) return;
  if (budget_.script.commands.size() >= Budget::kMaxCommands) return budget_.exhaust("it has too many commands");
  SimpleCommand inner{.assignments = outer_.assignments, .words = std::move(words)};
  const std::vector<Assignment> own = set;
  std::ranges::move(set, std::back_inserter(inner.assignments));
  const InScope started(budget_, scope_of(where));
  // What a shell is fed by its wrapper's redirection it reads all the same.
  if (is_shell(inner.name())) inner.redirections = outer_.redirections;
  add_command(budget_, std::move(inner));
  add_values(budget_, own);
}

void Starter::script(const Word& text, Where where) {
  if (text.dynamic || text.pattern) not_known("a shell is given text that is computed");
  if (budget_.gave_up()) return;
  const std::size_t from = budget_.script.commands.size();
  const InScope started(budget_, scope_of(where));
  parse_into(budget_, text.text);
  hand_on_assignments(from);
}

/// What is set for a shell is set for the programs that it starts.
void Starter::hand_on_assignments(std::size_t from) {
  std::size_t bytes = 0;
  for (const Assignment& set : outer_.assignments) bytes += set.name.size() + set.value.text.size();
  std::vector<SimpleCommand>& commands = budget_.script.commands;
  for (std::size_t i = from; bytes > 0 && i < commands.size(); ++i) {
    if (bytes > budget_.bytes_left) return budget_.exhaust("it holds too many scripts inside scripts");
    budget_.bytes_left -= bytes;
    std::vector<Assignment>& inner = commands[i].assignments;
    inner.insert(inner.begin(), outer_.assignments.begin(), outer_.assignments.end());
  }
}

void Starter::joined(std::size_t from, Where where) {
  Word all;
  for (std::size_t i = from; i < words().size(); ++i) {
    all.dynamic = all.dynamic || words()[i].dynamic || words()[i].pattern;
    all.text += (i > from ? " " : "") + words()[i].text;
  }
  if (!all.text.empty()) script(all, where);
}

void Starter::input(Where where) {
  bool here = false;
  bool elsewhere = false;
  for (const Redirection& redirection : outer_.redirections) {
    if (redirection.other_descriptor || redirection.kind == Redirection::Kind::kWrite) continue;
    if (redirection.kind == Redirection::Kind::kHereText) {
      here = true;
      script(redirection.target, where);
    } else {
      elsewhere = true;
    }
  }
  if (!here || elsewhere) not_known("a shell reads its commands from elsewhere");
}

void Starter::file(const Word& path) {
  if (path.dynamic || path.pattern) {
    not_known("what a shell is to run is computed");
  } else if (names_input(path.text)) {
    input();
  }
}

bool names_input(std::string_view path) {
  const std::string_view last = path.substr(path.rfind('/') + 1);
  const bool is_number = !last.empty() && std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
  return path.contains("/fd/") || path.starts_with("fd/") || last == "stdin" || is_number;
}

std::vector<Word> words_from(const std::vector<Word>& words, std::size_t from) {
  return {words.begin() + static_cast<std::ptrdiff_t>(std::min(from, words.size())), words.end()};
}

void add_simple(Budget& budget, SimpleCommand command) {
  const std::vector<Assignment> set = command.assignments;
  add_command(budget, std::move(command));
  add_values(budget, set);
}

namespace {

/// A shell reads it as a part of its grammar once it has joined lines, and as the name of a program only where it is
/// quoted: if, { or NAME=value.
bool reads_two_ways(const Word& first) {
  const std::string_view text = first.text;
  // "time" starts the same either way. zsh looks for =NAME in PATH.
  if ((is_reserved(text) && text != "time") || text.starts_with('=')) return true;
  const std::size_t end = text.find_first_of("+[=");
  if (end == 0 || end == std::string_view::npos || text.find('=', end) == std::string_view::npos) return false;
  return std::ranges::all_of(text.substr(0, end), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

void add_command(Budget& budget, SimpleCommand command) {
  if (!command.words.empty() && reads_two_ways(command.words.front())) {
    budget.not_known("a word may be the name of a program, or not");
  }
  const std::size_t place = budget.script.commands.size();
  command.scope = budget.scope;
  const SimpleCommand outer = command;
  budget.script.commands.push_back(std::move(command));
  Starter starter(budget, outer);
  const std::string_view name = outer.name();
  bool plain = false;
  if (const WrapperSpec* wrapper = find_wrapper(name); wrapper != nullptr) {
    plain = start_wrapped(starter, *wrapper);
  } else if (is_shell(name)) {
    start_shell(starter);
    plain = true;
  } else if (name == "find") {
    start_found(starter);
  } else if (name == "git" || is_dashed_git(name)) {
    start_git(starter);
  } else if (!name.empty()) {
    start_builtin(starter);
  }
  const bool started_one = budget.script.commands.size() > place + 1;
  budget.script.commands[place].only_wraps = started_one && plain;
}

}  // namespace lathe::syntax
