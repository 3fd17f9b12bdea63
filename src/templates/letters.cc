#include "lathe/templates/letters.h"

#include <algorithm>
#include <array>

namespace lathe::templates {
namespace {

struct LetterRange {
  char32_t first;
  char32_t last;
};

bool within_any(const auto& ranges, char32_t code) {
  return std::ranges::any_of(ranges, [code](LetterRange range) { return code >= range.first && code <= range.last; });
}

/// Upper and lower case alternate in these, upper case at even numbers.
constexpr std::array<LetterRange, 6> kEvenIsUpper = {
    {{0x100, 0x12f}, {0x132, 0x137}, {0x14a, 0x177}, {0x1de, 0x1ef}, {0x460, 0x481}, {0x48a, 0x4bf}}};
/// And in these at odd ones.
constexpr std::array<LetterRange, 3> kOddIsUpper = {{{0x139, 0x148}, {0x179, 0x17e}, {0x1cd, 0x1dc}}};

/// Blocks of letters that lie apart from their lower case by a fixed distance.
struct CaseShift {
  char32_t first;
  char32_t last;
  char32_t distance;
};
constexpr std::array<CaseShift, 8> kUpperShifts = {{{'A', 'Z', 32},
                                                    {0xc0, 0xd6, 32},
                                                    {0xd8, 0xde, 32},
                                                    {0x391, 0x3a1, 32},
                                                    {0x3a3, 0x3ab, 32},
                                                    {0x410, 0x42f, 32},
                                                    {0x400, 0x40f, 80},
                                                    {0x531, 0x556, 48}}};

constexpr std::array<LetterRange, 12> kUnprintable = {{{0, 0x1f},
                                                       {0x7f, 0xa0},
                                                       {0xad, 0xad},
                                                       {0x2000, 0x200f},
                                                       {0x2028, 0x202f},
                                                       {0x205f, 0x206f},
                                                       {0x3000, 0x3000},
                                                       {0xd800, 0xf8ff},
                                                       {0xfeff, 0xfeff},
                                                       {0xfff0, 0xfffb},
                                                       {0xfffe, 0xffff},
                                                       {0xe0000, 0x10ffff}}};

}  // namespace

Letter letter_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {.code = first};
  const Letter broken = {.code = 0xfffd, .bytes = 1, .valid = false};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return broken;
  char32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0U) != 0x80) return broken;
    code = (code << 6) | (byte(at + i) & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return broken;
  return {.code = code, .bytes = length};
}

void append_letter(std::string& out, char32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) code = 0xfffd;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80U | ((code >> shift) & 0x3fU)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0U | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0U | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

char32_t lower_of(char32_t code) {
  for (const CaseShift& shift : kUpperShifts) {
    if (code >= shift.first && code <= shift.last) return code + shift.distance;
  }
  if (code == 0x178) return 0xff;
  if (within_any(kEvenIsUpper, code)) return code | 1U;
  if (within_any(kOddIsUpper, code)) return code + (code & 1U);
  return code;
}

char32_t upper_of(char32_t code) {
  for (const CaseShift& shift : kUpperShifts) {
    if (code >= shift.first + shift.distance && code <= shift.last + shift.distance) return code - shift.distance;
  }
  if (code == 0xff) return 0x178;
  if (code == 0xb5) return 0x39c;
  if (within_any(kEvenIsUpper, code)) return code & ~char32_t{1};
  if (within_any(kOddIsUpper, code)) return code - (1U - (code & 1U));
  return code;
}

bool is_space(char32_t code) {
  return code == ' ' || (code >= '\t' && code <= '\r') || code == 0x85 || code == 0xa0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
         code == 0x3000;
}

bool is_word(char32_t code) {
  if (code >= 0x80) return !is_space(code);
  return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_';
}

bool is_printable(char32_t code) { return !within_any(kUnprintable, code); }

std::string each_letter(std::string_view text, char32_t (*change)(char32_t)) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    if (letter.valid) {
      append_letter(out, change(letter.code));
    } else {
      out += text[at];
    }
    at += letter.bytes;
  }
  return out;
}

}  // namespace lathe::templates
