#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Characters of UTF-8 text, as far as templates look at them.

namespace lathe::templates {

struct Letter {
  /// U+FFFD for a byte that is no UTF-8.
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = true;
};

/// The character that begins at `at`, which is before the end of `text`.
[[nodiscard]] Letter letter_at(std::string_view text, std::size_t at);
void append_letter(std::string& out, char32_t code);

/// Of Latin, Greek and Cyrillic letters; others are as they are.
[[nodiscard]] char32_t upper_of(char32_t code);
[[nodiscard]] char32_t lower_of(char32_t code);
[[nodiscard]] bool is_space(char32_t code);
/// Letters, digits and "_"; of what is not ASCII all but spaces.
[[nodiscard]] bool is_word(char32_t code);
/// What Go quotes without an escape.
[[nodiscard]] bool is_printable(char32_t code);

/// `text` with `change` done to each character; bytes that are no UTF-8 stay.
[[nodiscard]] std::string each_letter(std::string_view text, char32_t (*change)(char32_t));

}  // namespace lathe::templates
