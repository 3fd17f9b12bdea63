#include "lathe/templates/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <span>

#include "lathe/templates/go_date.h"
#include "lathe/templates/letters.h"

namespace lathe::templates {
namespace {

void append_at(Heap& heap, std::string& out, const Value& value, int depth);

void append_list(Heap& heap, std::string& out, const Value& list, int depth) {
  out += '[';
  for (std::size_t i = 0; i < size_of(list) && !heap.exhausted(); ++i) {
    if (i > 0) out += ' ';
    append_at(heap, out, item_of(list, i), depth);
  }
  out += ']';
}

void append_map(Heap& heap, std::string& out, const Value& map, int depth) {
  out += "map[";
  bool first = true;
  for (const auto& [name, value] : members_of(map)) {
    if (heap.exhausted()) return;
    if (!first) out += ' ';
    first = false;
    out += name;
    out += ':';
    append_at(heap, out, value, depth);
  }
  out += ']';
}

void append_at(Heap& heap, std::string& out, const Value& value, int depth) {
  if (depth == 0) heap.too_deep();
  if (!heap.spend(1) || !heap.fits(out.size())) return;
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kNil:
      out += "<nil>";
      return;
    case Kind::kBool:
      out += value.whole != 0 ? "true" : "false";
      return;
    case Kind::kInt:
      out += fmt::format("{}", value.whole);
      return;
    case Kind::kFloat:
      out += go_float(value.real, 'g', -1);
      return;
    case Kind::kText:
      if (heap.fits(out.size() + value.text.size())) out += value.text;
      return;
    case Kind::kTime:
      out += go_date(value.whole, "2006-01-02 15:04:05 -0700 MST");
      return;
    case Kind::kList:
      append_list(heap, out, value, depth - 1);
      return;
    case Kind::kMap:
      append_map(heap, out, value, depth - 1);
      return;
  }
}

/// A number as its digits d.ddd and the power of ten of the first one.
struct Digits {
  std::string digits;
  int exponent = 0;
};

/// Of what to_chars writes in scientific notation.
Digits digits_of(std::string_view scientific) {
  Digits out;
  const std::size_t mark = scientific.find('e');
  for (const char c : scientific.substr(0, mark)) {
    if (c != '.') out.digits += c;
  }
  std::string_view exponent = scientific.substr(mark + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), out.exponent);
  return out;
}

std::string exponential(const Digits& number, bool capital) {
  std::string out = number.digits.substr(0, 1);
  if (number.digits.size() > 1) out += "." + number.digits.substr(1);
  return out +
         fmt::format("{}{}{:02}", capital ? 'E' : 'e', number.exponent < 0 ? '-' : '+', std::abs(number.exponent));
}

std::string positional(const Digits& number) {
  const int whole = number.exponent + 1;
  if (whole <= 0) return "0." + std::string(static_cast<std::size_t>(-whole), '0') + number.digits;
  std::string digits = number.digits;
  const auto point = static_cast<std::size_t>(whole);
  if (digits.size() <= point) return digits + std::string(point - digits.size(), '0');
  return digits.substr(0, point) + "." + digits.substr(point);
}

std::string general(double magnitude, bool capital, int precision) {
  // The widest that is asked for; %f of the largest double has 309 digits before the point.
  std::array<char, 1'500> buffer{};
  const bool shortest = precision < 0;
  precision = std::clamp(precision == 0 ? 1 : precision, -1, 1'000);
  char* const end =
      shortest
          ? std::to_chars(buffer.begin(), buffer.end(), magnitude, std::chars_format::scientific).ptr
          : std::to_chars(buffer.begin(), buffer.end(), magnitude, std::chars_format::scientific, precision - 1).ptr;
  Digits number = digits_of(std::string_view(buffer.begin(), end));
  const std::size_t last = number.digits.find_last_not_of('0');
  number.digits.resize(last == std::string::npos ? 1 : last + 1);
  int limit = shortest ? 6 : precision;
  const int count = static_cast<int>(number.digits.size());
  if (!shortest && limit > count && count >= number.exponent + 1) limit = count;
  if (number.exponent < -4 || number.exponent >= limit) return exponential(number, capital);
  return positional(number);
}

}  // namespace

std::string go_float(double number, char verb, int precision) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  const std::string sign = std::signbit(number) ? "-" : "";
  const double magnitude = std::fabs(number);
  if (verb == 'g' || verb == 'G') return sign + general(magnitude, verb == 'G', precision);
  std::array<char, 1'500> buffer{};
  const auto format = verb == 'f' ? std::chars_format::fixed : std::chars_format::scientific;
  char* const end =
      precision < 0 ? std::to_chars(buffer.begin(), buffer.end(), magnitude, format).ptr
                    : std::to_chars(buffer.begin(), buffer.end(), magnitude, format, std::min(precision, 1'000)).ptr;
  const std::string_view digits(buffer.begin(), end);
  return sign + (verb == 'f' ? std::string(digits) : exponential(digits_of(digits), verb == 'E'));
}

std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    static constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\"\\";
    static constexpr std::string_view kEscapes = "abfnrtv\"\\";
    const std::size_t known = letter.code < 0x80 ? kEscaped.find(static_cast<char>(letter.code)) : kEscaped.npos;
    if (!letter.valid) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
    } else if (known != kEscaped.npos) {
      out += '\\';
      out += kEscapes[known];
    } else if (is_printable(letter.code)) {
      out += text.substr(at, letter.bytes);
    } else if (letter.code < 0x80) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(letter.code));
    } else if (letter.code < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(letter.code));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<unsigned>(letter.code));
    }
    at += letter.bytes;
  }
  return out + '"';
}

void append_printed(Heap& heap, std::string& out, const Value& value) { append_at(heap, out, value, kMaxValueDepth); }

std::string printed(Heap& heap, const Value& value) {
  std::string out;
  append_printed(heap, out, value);
  return out;
}

std::string printed_all(Heap& heap, const std::vector<Value>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && !heap.exhausted(); ++i) {
    const bool space = i > 0 && values[i].kind != Kind::kText && values[i - 1].kind != Kind::kText;
    if (space) out += ' ';
    append_printed(heap, out, values[i]);
  }
  return out;
}

}  // namespace lathe::templates
