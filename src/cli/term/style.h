#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::cli {

enum class Ink { kBold, kDim, kItalic, kUnderline, kRed, kGreen, kYellow, kBlue, kMagenta, kCyan };

/// Whether text gets colours, and how. A value; off, it leaves text as it is.
struct Style {
  bool on = false;
  [[nodiscard]] std::string paint(Ink ink, std::string_view text) const;
  /// The sequences alone, or nothing when off. Inks of different kinds nest.
  [[nodiscard]] std::string_view begin(Ink ink) const;
  [[nodiscard]] std::string_view end(Ink ink) const;
};

/// Columns that `text` takes, its escape sequences not counted.
[[nodiscard]] std::size_t visible_width(std::string_view text);
/// Breaks one paragraph at spaces so that no line is wider than `width`. The first line starts with `first`, all others
/// with `rest`. Escape sequences take no room. Newlines in `text` stay.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t width, std::string_view first, std::string_view rest);
/// At most `width` columns of plain text, with "…" where it was cut.
[[nodiscard]] std::string elide(std::string_view text, std::size_t width);
/// The last `count` rows, each of at most `width` columns, that text from outside takes on a terminal: made safe for
/// it, broken between words, or within one that is wider than a row. Of a very long text only the end is looked at.
[[nodiscard]] std::vector<std::string> last_rows(std::string_view text, std::size_t width, std::size_t count);

}  // namespace lathe::cli
