#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"

namespace lathe::base {

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
/// Lines without their "\n" (a "\r" before it is kept). A trailing newline makes no empty last line.
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string_view trim_right(std::string_view text);
[[nodiscard]] std::string replace_all(std::string text, std::string_view from, std::string_view to);
/// ASCII only.
[[nodiscard]] std::string lower(std::string_view text);

/// Number of single-character edits between two names (a swap of neighbours counts as one).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate a person most likely meant, if one is near enough to be worth saying.
[[nodiscard]] std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates);
/// `did you mean "review"?`, or empty when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

/// "15s", "5m", "1h30m", "250ms"; no unit is an error, so is a negative or an overflow.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "3m12s", "1.2s", "85ms": short, for people.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);
/// "12.3 KiB": for people.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// 1234567 -> "1,234,567".
[[nodiscard]] std::string with_thousands(std::int64_t value);

/// The word as a POSIX shell would need it; unchanged when it is plain.
[[nodiscard]] std::string shell_quote(std::string_view word);
/// What a person types to mend a file.
[[nodiscard]] std::string edit_command(std::string_view file);
[[nodiscard]] std::string shell_join(const std::vector<std::string>& argv);

[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);
/// "%41" -> "A". A "%" without two hex digits behind it stays.
[[nodiscard]] std::string percent_decode(std::string_view text);

}  // namespace lathe::base
