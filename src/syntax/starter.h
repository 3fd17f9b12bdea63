#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "lathe/syntax/parser.h"
#include "lathe/syntax/shell.h"
#include "lathe/syntax/wrappers.h"

// What the parser of a script and the readers of programs that start programs share.

namespace lathe::syntax {

/// Adds to a script what one of its commands starts. Lives while that command is added.
class Starter final {
 public:
  Starter(Budget& budget, const SimpleCommand& outer) : budget_(budget), outer_(outer) {}

  [[nodiscard]] std::string_view name() const { return outer_.name(); }
  /// The program's name first.
  [[nodiscard]] const std::vector<Word>& words() const { return outer_.words; }

  /// The folder that something is started in: that of the command, or one that is not known here.
  enum class Where { kHere, kElsewhere };
  /// A program with its arguments; `set` is set for it besides what is set for the outer one.
  void command(std::vector<Word> words, std::vector<Assignment> set = {}, Where where = Where::kHere);
  /// Text for a shell.
  void script(const Word& text, Where where = Where::kHere);
  /// The words from there on as text for a shell.
  void joined(std::size_t from, Where where = Where::kHere);
  /// What a shell reads that is given no script.
  void input(Where where = Where::kHere);
  /// A file that a shell reads its commands from, which is not looked at.
  void file(const Word& path);
  void not_known(std::string_view why) { budget_.not_known(why); }
  [[nodiscard]] Budget& budget() { return budget_; }

 private:
  [[nodiscard]] Scope::Kind scope_of(Where where) const;
  void hand_on_assignments(std::size_t from);

  Budget& budget_;
  const SimpleCommand& outer_;
};

/// Whether a path is the standard input, or another open file, by a name.
[[nodiscard]] bool names_input(std::string_view path);
/// The words from there on.
[[nodiscard]] std::vector<Word> words_from(const std::vector<Word>& words, std::size_t from);

/// env, sudo, timeout, xargs, su, … Whether it is judged only by what it starts.
[[nodiscard]] bool start_wrapped(Starter& starter, const WrapperSpec& spec);
void start_shell(Starter& starter);
void start_found(Starter& starter);
/// Builtins of a shell: source, trap, export, and those that change what names mean or evaluate them.
void start_builtin(Starter& starter);
void start_git(Starter& starter);

}  // namespace lathe::syntax
