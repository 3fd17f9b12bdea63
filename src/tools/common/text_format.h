#pragma once

#include <string>
#include <string_view>

namespace lathe::tools::common {

/// How the lines of a text end.
enum class LineEnding { kLf, kCrLf };

struct TextFormat {
  bool byte_order_mark = false;
  /// That of most lines; kLf when there are none.
  LineEnding line_ending = LineEnding::kLf;
};

[[nodiscard]] TextFormat format_of(std::string_view bytes);
/// Without the UTF-8 byte order mark.
[[nodiscard]] std::string_view without_mark(std::string_view bytes);
/// `text` with every line ended as asked; "\r\n" and "\n" both count as one end.
[[nodiscard]] std::string with_line_ending(std::string_view text, LineEnding ending);
/// Whether this is no text: a NUL byte within the first 8 KiB, as git decides it.
[[nodiscard]] bool looks_binary(std::string_view bytes);

}  // namespace lathe::tools::common
