#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lathe::base {

[[nodiscard]] bool is_utf8(std::string_view bytes);
/// The same text with every invalid byte replaced by U+FFFD. Copies only what it must.
[[nodiscard]] std::string to_utf8(std::string_view bytes);
/// The longest prefix of at most `limit` bytes that does not cut a character.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t limit);
/// The longest suffix of at most `limit` bytes that does not cut a character.
[[nodiscard]] std::string_view utf8_suffix(std::string_view text, std::size_t limit);
/// How many bytes at the end of `bytes` may be the start of a character still to come (0 to 3).
[[nodiscard]] std::size_t utf8_incomplete_tail(std::string_view bytes);
/// Text that is safe to print to a terminal: control characters (but \n and \t) and bidirectional overrides become
/// visible escapes. Nothing from a model or a file reaches a terminal otherwise.
[[nodiscard]] std::string terminal_safe(std::string_view text);
/// Number of terminal columns, counting each code point as one but wide East Asian ones and emoji as two.
[[nodiscard]] std::size_t display_width(std::string_view text);

}  // namespace lathe::base
