#include "lathe/chain/text_places.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace lathe::chain {

using formats::Position;

namespace {

/// Steps through the file byte by byte.
class Walk final {
 public:
  Walk(std::string_view source, Position at) : source_(source), at_(at) {
    for (std::size_t line = 1; line < at.line && offset_ != std::string_view::npos; ++line) {
      offset_ = source_.find('\n', offset_);
      if (offset_ != std::string_view::npos) ++offset_;
    }
    offset_ = offset_ == std::string_view::npos ? source_.size() : std::min(offset_ + at.column - 1, source_.size());
  }
  [[nodiscard]] bool done() const { return offset_ >= source_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return offset_ + ahead < source_.size() ? source_[offset_ + ahead] : '\0';
  }
  [[nodiscard]] std::string_view rest() const { return source_.substr(offset_); }
  [[nodiscard]] Position at() const { return at_; }
  void step(std::size_t count = 1) {
    for (; count > 0 && offset_ < source_.size(); --count) {
      if (source_[offset_++] == '\n') {
        at_ = {.line = at_.line + 1, .column = 1};
      } else {
        ++at_.column;
      }
    }
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') step();
  }
  /// Anchors and tags stand in front of their value.
  void skip_properties() {
    while (peek() == '&' || peek() == '!') {
      while (!done() && peek() != ' ' && peek() != '\n') step();
      while (peek() == ' ' || peek() == '\n') step();
    }
  }

 private:
  std::string_view source_;
  Position at_;
  std::size_t offset_ = 0;
};

std::size_t utf8_length(std::uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

std::uint32_t hex(std::string_view digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

/// A line end in a quoted or plain YAML text, at which `walk` stands: how many bytes of the text it is.
std::size_t step_over_fold(Walk& walk) {
  std::size_t line_ends = 0;
  while (walk.peek() == '\n' || walk.peek() == '\r' || walk.peek() == ' ' || walk.peek() == '\t') {
    if (walk.peek() == '\n') ++line_ends;
    walk.step();
  }
  return line_ends > 1 ? line_ends - 1 : 1;
}

/// The escape at which `walk` stands: how many bytes of the text it is.
std::size_t step_over_escape(Walk& walk) {
  const std::string_view rest = walk.rest();
  const char kind = walk.peek(1);
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0) {
    const bool line_end = kind == '\n';
    walk.step(2);
    if (line_end) walk.skip_blanks();
    return line_end ? 0 : 1;
  }
  const std::uint32_t code = hex(rest.substr(2, digits));
  walk.step(2 + digits);
  if (code < 0xD800 || code > 0xDBFF) return utf8_length(code);
  walk.step(6);  // the other half of the pair
  return 4;
}

Position in_double_quotes(Walk walk, std::size_t offset) {
  walk.step();
  for (std::size_t text = 0; text < offset && !walk.done() && walk.peek() != '"';) {
    if (walk.peek() == '\\') {
      text += step_over_escape(walk);
    } else if (walk.peek() == '\n') {
      text += step_over_fold(walk);
    } else {
      walk.step();
      ++text;
    }
  }
  return walk.at();
}

Position in_single_quotes(Walk walk, std::size_t offset) {
  walk.step();
  for (std::size_t text = 0; text < offset && !walk.done();) {
    if (walk.peek() == '\n') {
      text += step_over_fold(walk);
      continue;
    }
    if (walk.peek() == '\'' && walk.peek(1) != '\'') break;
    walk.step(walk.peek() == '\'' ? 2 : 1);
    ++text;
  }
  return walk.at();
}

Position in_plain(Walk walk, std::size_t offset) {
  for (std::size_t text = 0; text < offset && !walk.done();) {
    if (walk.peek() == '\n') {
      text += step_over_fold(walk);
    } else {
      walk.step();
      ++text;
    }
  }
  return walk.at();
}

std::size_t line_indent(std::string_view rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  return std::min(line.find_first_not_of(' '), line.size());
}

/// The indentation of a block is that of its first line that is not blank.
std::size_t block_indent(std::string_view rest) {
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (rest.substr(0, end).find_first_not_of(" \r") != std::string_view::npos) return line_indent(rest);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}

Position in_block(Walk walk, std::size_t offset) {
  const bool folded = walk.peek() == '>';
  while (!walk.done() && walk.peek() != '\n') walk.step();
  walk.step();
  const std::size_t indent = block_indent(walk.rest());
  std::size_t text = 0;
  while (!walk.done()) {
    walk.step(std::min(indent, line_indent(walk.rest())));
    while (text < offset && !walk.done() && walk.peek() != '\n') {
      walk.step();
      ++text;
    }
    if (text >= offset || walk.done()) break;
    // Folding makes one blank of a line end; of several it drops the first.
    const bool drops = folded && walk.peek(1) == '\n' && walk.at().column > 1 + indent;
    walk.step();
    if (!drops) ++text;
  }
  return walk.at();
}

}  // namespace

Position place_in_text(std::string_view source, Position scalar, std::size_t offset) {
  Walk walk(source, scalar);
  if (walk.done()) return scalar;
  walk.skip_properties();
  switch (walk.peek()) {
    case '"':
      return in_double_quotes(walk, offset);
    case '\'':
      return in_single_quotes(walk, offset);
    case '|':
    case '>':
      return in_block(walk, offset);
    default:
      return in_plain(walk, offset);
  }
}

}  // namespace lathe::chain
