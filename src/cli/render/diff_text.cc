#include "lathe/cli/render/diff_text.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::cli {

namespace {

/// Headers are only told from changes outside a hunk: "--- x" may also be a removed line "-- x".
std::string paint_line(std::string_view line, bool in_hunk, const Style& style) {
  if (line.starts_with("@@")) return style.paint(Ink::kCyan, line);
  if (!in_hunk) return style.paint(Ink::kBold, line);
  if (line.starts_with('+')) return style.paint(Ink::kGreen, line);
  if (line.starts_with('-')) return style.paint(Ink::kRed, line);
  if (line.starts_with('\\')) return style.paint(Ink::kDim, line);
  return std::string(line);
}

}  // namespace

std::string diff_text(std::string_view unified_diff, const Style& style, std::string_view indent,
                      std::size_t max_lines) {
  const std::string clean = base::terminal_safe(unified_diff);
  const auto lines = base::split_lines(clean);
  std::string out;
  bool in_hunk = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == max_lines) {
      out += fmt::format("{}{}\n", indent, style.paint(Ink::kDim, fmt::format("… {} more lines", lines.size() - i)));
      break;
    }
    if (lines[i].starts_with("@@")) in_hunk = true;
    const bool next_file = lines[i].starts_with("diff ") ||
                           (lines[i].starts_with("--- ") && i + 1 < lines.size() && lines[i + 1].starts_with("+++ "));
    if (next_file) in_hunk = false;
    out += fmt::format("{}{}\n", indent, paint_line(lines[i], in_hunk, style));
  }
  return out;
}

}  // namespace lathe::cli
