#include <algorithm>
#include <utility>

#include "lathe/syntax/parser.h"

// The part of the parser that reads words: quotes are removed, what expansions would run is parsed, what they would
// give is not known.

namespace lathe::syntax {
namespace {

bool is_decimal(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || is_decimal(c); }

int hex_value(char c) {
  if (is_decimal(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// What "\c" in $'…' stands for, when that is one fixed character.
char simple_escape(char c) {
  constexpr std::string_view kFrom = "abefnrtv\\'\"?E";
  constexpr std::string_view kTo = "\a\b\x1b\f\n\r\t\v\\'\"?\x1b";
  const std::size_t found = kFrom.find(c);
  return found == std::string_view::npos ? '\0' : kTo[found];
}

}  // namespace

std::optional<Assignment> Parser::assignment() {
  std::size_t end = 0;
  if (!is_name_start(peek())) return std::nullopt;
  while (is_name(peek(end))) ++end;
  const std::string name(text_.substr(at_, end));
  if (peek(end) == '[') {
    const std::size_t close = text_.find_first_of("]\n", at_ + end);
    if (close == std::string_view::npos || text_[close] == '\n') return std::nullopt;
    const bool sets = text_.substr(close + 1).starts_with('=') || text_.substr(close + 1).starts_with("+=");
    if (!sets) return std::nullopt;
    return element(name);
  }
  if (peek(end) == '+') ++end;
  if (peek(end) != '=') return std::nullopt;
  at_ += end + 1;
  if (!take("(")) return Assignment{.name = name, .value = word()};
  Assignment array{.name = name, .value = {.text = "(…)", .dynamic = true}};
  while (true) {
    blanks_and_lines();
    if (done()) break;
    if (take(")")) {
      // What stands right behind it is of the value too.
      if (!at_delimiter()) not_known("an array has text behind it");
      (void)word();
      return array;
    }
    if (at_delimiter() && !ahead("<(") && !ahead(">(")) break;
    (void)word();
  }
  give_up("an array is not closed");
  return array;
}

/// NAME[…]=VALUE. The index is arithmetic, of which only the substitutions are read.
Assignment Parser::element(const std::string& name) {
  not_known("it sets an element of an array");
  Word value = word();
  const std::size_t equals = value.text.find('=', value.text.find(']'));
  value.text.erase(0, equals == std::string::npos ? equals : equals + 1);
  return {.name = name, .value = std::move(value)};
}

Word Parser::word() {
  Word made{.tilde = peek() == '~'};
  while (!done()) {
    const char c = peek();
    if (c == '\'') {
      single_quoted(made);
    } else if (c == '"') {
      double_quoted(made);
    } else if (c == '\\') {
      escaped(made);
    } else if (c == '$' || c == '`') {
      expansion(made, /*in_quotes=*/false);
    } else if (ahead("<(") || ahead(">(")) {
      const std::size_t start = at_;
      at_ += 2;
      substitution();
      made.dynamic = true;
      made.text += text_.substr(std::min(start, text_.size()), at_ - start);
    } else if (at_delimiter()) {
      break;
    } else {
      if (c == '*' || c == '?' || c == '[') made.pattern = true;
      const bool placeholder = ahead("{}") || (made.text.empty() && c == '{' && is_meta_after());
      if (c == '{' && !placeholder) made.dynamic = made.splits = true;
      made.text += c;
      ++at_;
    }
  }
  return made;
}

bool Parser::is_meta_after() const {
  const char next = peek(1);
  return next == '\0' || next == ' ' || next == '\t' || next == '\n' || next == ';' || next == '&' || next == '|';
}

void Parser::escaped(Word& word) {
  ++at_;
  if (at_ >= text_.size()) {
    word.text += '\\';
  } else if (peek() != '\n') {
    word.text += peek();
    ++at_;
  } else {
    ++at_;
  }
}

void Parser::single_quoted(Word& word) {
  const std::size_t end = text_.find('\'', at_ + 1);
  if (end == std::string_view::npos) return give_up("a quote is not closed");
  word.text += text_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
}

void Parser::double_quoted(Word& word) {
  ++at_;
  while (!done()) {
    const char c = peek();
    if (c == '"') {
      ++at_;
      return;
    }
    if (c == '\\' && (peek(1) == '$' || peek(1) == '`' || peek(1) == '"' || peek(1) == '\\' || peek(1) == '\n')) {
      escaped(word);
    } else if (c == '$' || c == '`') {
      expansion(word, /*in_quotes=*/true);
    } else {
      word.text += c;
      ++at_;
    }
  }
  give_up("a quote is not closed");
}

void Parser::ansi_quoted(Word& word) {
  at_ += 2;
  while (!done()) {
    const char c = peek();
    ++at_;
    if (c == '\'') return;
    if (c != '\\') {
      word.text += c;
      continue;
    }
    const char kind = peek();
    at_ = std::min(at_ + 1, text_.size());
    // Where $'…' is a dollar and a quote, this one ends it.
    if (kind == '\'' && budget_.for_plain_sh) not_known("a quoted word ends at another place for other shells");
    if (const char fixed = simple_escape(kind); fixed != '\0') {
      word.text += fixed;
      continue;
    }
    int value = 0;
    if (kind == 'x' && hex_value(peek()) >= 0) {
      for (int digits = 0; digits < 2 && hex_value(peek()) >= 0; ++digits, ++at_)
        value = value * 16 + hex_value(peek());
    } else if (kind >= '0' && kind <= '7') {
      value = kind - '0';
      for (int digits = 0; digits < 2 && peek() >= '0' && peek() <= '7'; ++digits, ++at_)
        value = value * 8 + (peek() - '0');
    } else {
      not_known("a quoted word has an escape that is not known here");
      word.dynamic = true;
      continue;
    }
    if ((value & 0xff) == 0) {
      not_known("a quoted word has a NUL byte");
      word.dynamic = true;
      continue;
    }
    word.text += static_cast<char>(value & 0xff);
  }
  give_up("a quote is not closed");
}

void Parser::expansion(Word& word, bool in_quotes) {
  const Nested nested(budget_);
  const std::size_t start = at_;
  const char next = peek(1);
  // Shells join the lines first, and then it may be any expansion.
  if (ahead("$\\\n")) not_known("a line ends inside an expansion");
  if (peek() == '`') {
    backquoted(in_quotes);
  } else if (next == '(') {
    if (ahead("$((") && arithmetic_ahead(3)) {
      at_ += 3;
      arithmetic("))");
    } else {
      at_ += 2;
      substitution();
    }
  } else if (next == '{') {
    parameter(in_quotes);
  } else if (next == '[') {
    not_known("it has an old form of arithmetic");
    at_ += 2;
    arithmetic("]");
  } else if (next == '\'' && !in_quotes) {
    return ansi_quoted(word);
  } else if (next == '"' && !in_quotes) {
    ++at_;
    return double_quoted(word);
  } else if (is_name_start(next)) {
    ++at_;
    while (is_name(peek())) ++at_;
  } else if (is_decimal(next) || (next != '\0' && std::string_view("@*#?$!-").contains(next))) {
    at_ += 2;
  } else {
    word.text += '$';
    ++at_;
    return;
  }
  word.dynamic = true;
  const std::string_view source = text_.substr(std::min(start, text_.size()), at_ - start);
  // "$@" is as many words as there are arguments.
  word.splits = word.splits || !in_quotes || source.contains('@');
  word.text += source;
}

void Parser::parameter(bool in_quotes) {
  at_ += 2;
  if (peek() == '(') not_known("the value of a variable may be expanded again");
  if (peek() == '|' || peek() == ' ' || peek() == '\t' || peek() == '\n') {
    // ${ command; } of newer shells.
    not_known("a command may run in braces");
    ++at_;
    list();
    if (!take("}")) give_up("a parameter is not closed");
    return;
  }
  if (take("!")) not_known("it names a variable by another one");
  const std::size_t name = at_;
  while (is_name(peek())) ++at_;
  constexpr std::string_view kFixed = "-=+?0123456789 ";
  const bool has_name = at_ > name;
  if (has_name && peek() == ':' && !kFixed.contains(peek(1))) not_known("it computes a part of a variable");
  if (has_name && peek() == '[' && peek(1) != '@' && peek(1) != '*' && !is_decimal(peek(1))) {
    not_known("it computes an element of an array");
  }
  Word ignored;
  while (!done()) {
    const char c = peek();
    if (c == '}') {
      ++at_;
      return;
    }
    if (ahead("@P}")) not_known("it expands the value of a variable");
    if (ahead("\\\n")) not_known("a line ends inside an expansion");
    if (c == '\\') {
      at_ = std::min(at_ + 2, text_.size());
    } else if (c == '\'' && !in_quotes) {
      single_quoted(ignored);
    } else if (c == '"') {
      double_quoted(ignored);
    } else if (c == '$' || c == '`') {
      expansion(ignored, in_quotes);
    } else if (!in_quotes && (ahead("<(") || ahead(">("))) {
      at_ += 2;
      substitution();
    } else {
      ++at_;
    }
  }
  give_up("a parameter is not closed");
}

void Parser::backquoted(bool in_quotes) {
  ++at_;
  std::string inner;
  while (!done() && peek() != '`') {
    const bool quote = in_quotes && ahead("\\\"");
    // Not every shell takes the backslash away in all the places that are like quotes, such as a here-document.
    if (quote) not_known("a quote stands behind a backslash in backquotes");
    if (quote || (peek() == '\\' && (peek(1) == '`' || peek(1) == '$' || peek(1) == '\\'))) ++at_;
    inner += peek();
    ++at_;
  }
  if (!take("`")) return give_up("a backquote is not closed");
  const InScope own(budget_, Scope::Kind::kOwn);
  parse_into(budget_, inner);
}

void Parser::substitution() {
  const InScope own(budget_, Scope::Kind::kOwn);
  list();
  if (!take(")")) give_up("a substitution is not closed");
}

bool Parser::arithmetic_ahead(std::size_t opening) const {
  int depth = 2;
  for (std::size_t i = at_ + opening; i < text_.size(); ++i) {
    if (text_[i] == '(') ++depth;
    if (text_[i] == ')' && --depth == 1) return i + 1 < text_.size() && text_[i + 1] == ')';
  }
  return false;
}

/// Only numbers and operators run nothing: a name in arithmetic is evaluated in turn, and what it holds may run a
/// command.
void Parser::arithmetic(std::string_view close) {
  int depth = 0;
  char before = ' ';
  while (!done()) {
    const char c = peek();
    if (depth == 0 && take(close)) return;
    if (c == '$' || c == '`' || (is_name_start(c) && !is_name(before))) {
      not_known("arithmetic that evaluates a variable");
    }
    before = c;
    if (c == '$' || c == '`') {
      Word ignored;
      expansion(ignored, /*in_quotes=*/true);
      continue;
    }
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    ++at_;
  }
  give_up("arithmetic is not closed");
}

void Parser::text_with_expansions(Word& word) {
  while (!done()) {
    const char c = peek();
    if (c == '$' || c == '`') {
      expansion(word, /*in_quotes=*/true);
    } else if (c == '\\' && (peek(1) == '$' || peek(1) == '`' || peek(1) == '\\' || peek(1) == '\n')) {
      escaped(word);
    } else {
      word.text += c;
      ++at_;
    }
  }
}

Word Parser::here_document() {
  at_ += 2;
  const bool strip_tabs = take("-");
  blanks();
  const std::size_t start = at_;
  const Word delimiter = word();
  const std::string_view raw = text_.substr(start, at_ - start);
  if (raw.empty() || delimiter.dynamic) {
    give_up("a here-document has no plain end");
    return {};
  }
  const bool quoted = raw.find_first_of("'\"\\") != std::string_view::npos;
  if (raw.contains("\\\n")) not_known("a line ends inside the delimiter of a here-document");
  if (!here_) {
    const std::size_t line_end = text_.find('\n', at_);
    if (line_end == std::string_view::npos) {
      give_up("a here-document has no text");
      return {};
    }
    here_ = HereLines{.line_end = line_end, .resume = line_end + 1};
  }
  Word body{.text = here_lines(delimiter.text, strip_tabs, /*joins_lines=*/!quoted)};
  if (quoted || budget_.gave_up()) return body;
  Word expanded;
  if (body.text.size() > budget_.bytes_left) {
    budget_.exhaust("it holds too many scripts inside scripts");
    return body;
  }
  budget_.bytes_left -= body.text.size();
  Parser(budget_, body.text).text_with_expansions(expanded);
  budget_.lost = false;
  return expanded;
}

std::string Parser::here_lines(const std::string& delimiter, bool strip_tabs, bool joins_lines) {
  std::string body;
  // The line before ends in a backslash; `begun` is what it makes with those before it, as far as that matters.
  bool goes_on = false;
  std::string begun;
  while (here_->resume < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', here_->resume), text_.size());
    std::string_view line = text_.substr(here_->resume, end - here_->resume);
    here_->resume = std::min(end + 1, text_.size());
    if (strip_tabs) line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
    const bool ends = line == delimiter || (goes_on && begun + std::string(line) == delimiter);
    // Some shells join lines before they look for the delimiter, others do not.
    if (ends && goes_on) not_known("a here-document ends at another place for other shells");
    if (ends) return body;
    body.append(line).append("\n");
    const std::size_t kept = line.find_last_not_of('\\');
    const std::size_t backslashes = line.size() - (kept == std::string_view::npos ? 0 : kept + 1);
    if (!goes_on) begun.clear();
    goes_on = joins_lines && backslashes % 2 == 1;
    if (goes_on && begun.size() <= delimiter.size()) begun += line.substr(0, line.size() - 1);
  }
  give_up("a here-document has no end");
  return body;
}

}  // namespace lathe::syntax
