#include "lathe/templates/constants.h"

#include <fmt/format.h>

#include <charconv>

#include "lathe/templates/letters.h"

namespace lathe::templates {
namespace {

/// "_" stands between digits only.
std::optional<std::string> without_underscores(std::string_view word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '_') {
      out += word[i];
    } else if (i == 0 || i + 1 == word.size() || word[i - 1] == '_') {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::int64_t> whole_number(std::string_view digits, bool negative, int base) {
  std::uint64_t magnitude = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (error != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;
  if (magnitude > kLimit || (magnitude == kLimit && !negative)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude);
}

int base_of(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  const char kind = digits[1];
  const bool named = kind == 'x' || kind == 'X' || kind == 'b' || kind == 'B' || kind == 'o' || kind == 'O';
  if (!named && (kind < '0' || kind > '9')) return 10;
  digits.remove_prefix(named ? 2 : 1);
  if (kind == 'x' || kind == 'X') return 16;
  return kind == 'b' || kind == 'B' ? 2 : 8;
}

/// Reads one character of a quoted constant.
class QuotedReader {
 public:
  explicit QuotedReader(std::string_view text) : text_(text), quote_(text.front()) { out_.bytes = 1; }

  Quoted read() {
    if (quote_ == '`') {
      raw();
    } else {
      characters();
    }
    return std::move(out_);
  }

 private:
  void fail(std::size_t at, std::string message) {
    out_.fault = std::move(message);
    out_.fault_at = at;
  }

  void raw() {
    const std::size_t close = text_.find('`', 1);
    if (close == std::string_view::npos) return fail(0, "the quoted text has no closing `");
    out_.bytes = close + 1;
    // Go leaves carriage returns out.
    for (const char c : text_.substr(1, close - 1)) {
      if (c != '\r') out_.text += c;
    }
  }

  void characters() {
    int count = 0;
    for (; out_.bytes < text_.size() && text_[out_.bytes] != quote_ && text_[out_.bytes] != '\n'; ++count) {
      step();
      if (!out_.fault.empty()) return;
    }
    if (out_.bytes >= text_.size() || text_[out_.bytes] == '\n') {
      return fail(0, quote_ == '"' ? "the quoted text has no closing \"" : "the character has no closing '");
    }
    ++out_.bytes;
    if (quote_ == '\'' && count != 1) fail(0, "'…' holds one character");
  }

  void step() {
    if (text_[out_.bytes] == '\\') return escape();
    const Letter letter = letter_at(text_, out_.bytes);
    out_.text += text_.substr(out_.bytes, letter.bytes);
    out_.character = letter.code;
    out_.bytes += letter.bytes;
  }

  void escape() {
    const char kind = out_.bytes + 1 < text_.size() ? text_[out_.bytes + 1] : '\0';
    static constexpr std::string_view kNames = "abfnrtv\\";
    static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";
    const std::size_t known = kNames.find(kind);
    if (known != std::string_view::npos || kind == quote_) {
      out_.character = static_cast<unsigned char>(known != std::string_view::npos ? kMeanings[known] : kind);
      out_.text += static_cast<char>(out_.character);
      out_.bytes += 2;
    } else if (kind == 'x') {
      digits(2, 2, 16);
    } else if (kind == 'u' || kind == 'U') {
      digits(2, kind == 'u' ? 4 : 8, 16);
    } else if (kind >= '0' && kind <= '7') {
      digits(1, 3, 8);
    } else {
      fail(out_.bytes, "an escape that Go does not know");
    }
  }

  void digits(std::size_t skipped, std::size_t count, int base) {
    const std::string_view number = text_.substr(out_.bytes).substr(0, skipped + count).substr(skipped);
    std::uint32_t code = 0;
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), code, base);
    const bool whole = error == std::errc() && stop == number.data() + number.size() && number.size() == count;
    const bool byte = count < 4;
    if (!whole || code > (byte ? 0xffU : 0x10ffffU) || (!byte && code >= 0xd800 && code <= 0xdfff)) {
      fail(out_.bytes, fmt::format("an escape with {} digits of a character is expected", count));
      return;
    }
    out_.character = code;
    if (byte) {
      out_.text += static_cast<char>(code);
    } else {
      append_letter(out_.text, code);
    }
    out_.bytes += skipped + count;
  }

  std::string_view text_;
  char quote_;
  Quoted out_;
};

}  // namespace

std::optional<Number> number_constant(std::string_view word) {
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  const std::optional<std::string> plain = without_underscores(word);
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view digits = *plain;
  const int base = base_of(digits);
  if (base != 10 || plain->find_first_of(".eE") == std::string::npos) {
    if (const auto whole = whole_number(digits, negative, base)) {
      return Number{.is_whole = true, .whole = *whole, .real = static_cast<double>(*whole)};
    }
    // 01.5 is a number after all.
    if (plain->find_first_of(".eE") == std::string::npos || base != 8) return std::nullopt;
  }
  double real = 0;
  const auto [stop, error] = std::from_chars(plain->data(), plain->data() + plain->size(), real);
  if (error != std::errc() || stop != plain->data() + plain->size()) return std::nullopt;
  return Number{.real = negative ? -real : real};
}

Quoted quoted_constant(std::string_view text) { return QuotedReader(text).read(); }

}  // namespace lathe::templates
