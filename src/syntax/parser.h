#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "lathe/syntax/shell.h"

namespace lathe::syntax {

/// What one parse may use up, its nested scripts included, and where its commands go.
struct Budget {
  Script& script;
  std::size_t depth = 0;
  std::size_t bytes_left = std::size_t{1} << 20;
  /// Names of the functions that it defines.
  std::set<std::string, std::less<>> functions = {};
  /// Where the commands that come now belong, of Script::scopes.
  std::size_t scope = 0;

  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxCommands = 2'000;

  /// Something of it is not known; the rest is read all the same.
  void not_known(std::string_view why);
  /// The grammar is lost: the rest of this text is not looked at.
  void give_up(std::string_view why);
  /// A bound is reached: nothing more is looked at.
  void exhaust(std::string_view why);
  [[nodiscard]] bool gave_up() const { return lost || exhausted; }

  bool lost = false;
  bool exhausted = false;
  /// The text is for a shell that need not know what bash has beyond POSIX.
  bool for_plain_sh = false;
};

/// A word of the grammar where a command could stand: if, {, [[, … .
[[nodiscard]] bool is_reserved(std::string_view word);

/// Counts one level of nesting for as long as it lives.
class Nested final {
 public:
  explicit Nested(Budget& budget) : budget_(budget) {
    if (++budget_.depth > Budget::kMaxDepth) budget_.exhaust("it is nested too deeply");
  }
  ~Nested() { --budget_.depth; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  Budget& budget_;
};

/// What is added while it lives belongs to a scope of its own.
class InScope final {
 public:
  InScope(Budget& budget, Scope::Kind kind) : budget_(budget), scope_(budget.script.scopes.size()) {
    budget_.script.scopes.push_back({.kind = kind, .outer = budget_.scope});
    budget_.scope = scope_;
  }
  ~InScope() { budget_.scope = budget_.script.scopes[scope_].outer; }
  InScope(const InScope&) = delete;
  InScope& operator=(const InScope&) = delete;

  /// Of some scopes it is seen behind them what they are.
  void becomes(Scope::Kind kind) { budget_.script.scopes[scope_].kind = kind; }

 private:
  Budget& budget_;
  const std::size_t scope_;
};

/// Reads a whole script and adds its commands.
void parse_into(Budget& budget, std::string_view text);
/// Adds the command and those that it starts.
void add_command(Budget& budget, SimpleCommand command);

/// Adds what programs run of the values that are set for them (PAGER='less -R').
void add_values(Budget& budget, const std::vector<Assignment>& assignments);
/// Adds the command as it stands in a script, with what its assignments run.
void add_simple(Budget& budget, SimpleCommand command);

/// Recursive descent over the text of one script. Nothing is read once the budget gave up. Used for one parse.
class Parser final {
 public:
  Parser(Budget& budget, std::string_view text) : budget_(budget), text_(text) {}
  void script();

 private:
  // ---- commands (parser.cc)
  void list();
  void pipeline();
  void coproc_name();
  void command();
  bool compound(std::string_view reserved);
  void if_command();
  void loop();
  void for_command();
  void case_command();
  void test_command();
  void function_keyword();
  void define_function(const Word& name);
  void function_body();
  void simple();
  void redirections(SimpleCommand& into);
  bool redirection(SimpleCommand& into);
  void finish(SimpleCommand command);
  void expect(std::string_view reserved);

  // ---- words (words.cc)
  std::optional<Assignment> assignment();
  Assignment element(const std::string& name);
  Word word();
  void single_quoted(Word& word);
  void double_quoted(Word& word);
  void ansi_quoted(Word& word);
  void escaped(Word& word);
  /// At a "$" or "`": reads the expansion, adds its source to the word and its commands to the script.
  void expansion(Word& word, bool in_quotes);
  /// The text of a here-document.
  void text_with_expansions(Word& word);
  void parameter(bool in_quotes);
  void backquoted(bool in_quotes);
  void substitution();
  /// Whether what is opened by two parentheses that end `opening` characters further is closed by two.
  [[nodiscard]] bool arithmetic_ahead(std::size_t opening) const;
  void arithmetic(std::string_view close);

  // ---- text
  [[nodiscard]] bool done() const { return budget_.gave_up() || at_ >= text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool ahead(std::string_view what) const {
    return text_.substr(std::min(at_, text_.size())).starts_with(what);
  }
  bool take(std::string_view what);
  void blanks();
  void blanks_and_lines();
  void newline();
  [[nodiscard]] bool at_delimiter() const;
  [[nodiscard]] bool at_list_end() const;
  [[nodiscard]] bool is_meta_after() const;
  /// The reserved word here, or nothing.
  [[nodiscard]] std::string_view reserved_word() const;
  void not_known(std::string_view why) { budget_.not_known(why); }
  void give_up(std::string_view why) { budget_.give_up(why); }

  /// At the delimiter after "<<": reads it and the body below this line.
  Word here_document();
  /// The lines below this one up to the delimiter.
  std::string here_lines(const std::string& delimiter, bool strip_tabs, bool joins_lines);

  Budget& budget_;
  std::string_view text_;
  std::size_t at_ = 0;
  /// Where the line ends below which here-documents stand, and where the text goes on after them.
  struct HereLines {
    std::size_t line_end;
    std::size_t resume;
  };
  std::optional<HereLines> here_;
};

}  // namespace lathe::syntax
