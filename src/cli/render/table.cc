#include "lathe/cli/render/table.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/protocol/frames.h"

namespace lathe::cli {

namespace {

std::string row_text(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    line += cells[i];
    line.append(widths[i] - base::display_width(cells[i]), ' ');
  }
  return std::string(base::trim_right(line));
}

}  // namespace

std::string table_text(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                       const Style& style) {
  std::vector<std::vector<std::string>> clean{header};
  for (const auto& row : rows) {
    std::vector<std::string>& cells = clean.emplace_back();
    for (const std::string& cell : row) {
      cells.push_back(base::replace_all(base::terminal_safe(cell), "\n", " "));
    }
  }
  std::vector<std::size_t> widths(header.size());
  for (const auto& row : clean) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], base::display_width(row[i]));
  }
  std::string out = style.paint(Ink::kBold, row_text(clean.front(), widths)) + "\n";
  for (std::size_t i = 1; i < clean.size(); ++i) out += row_text(clean[i], widths) + "\n";
  return out;
}

std::string reply_document(const protocol::ReplyMsg& reply) {
  return base::indent_json(protocol::reply_members(reply)) + "\n";
}

std::string bytes_label(std::int64_t bytes) {
  constexpr std::array<std::string_view, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1'024) return fmt::format("{} B", bytes);
  double number = static_cast<double>(bytes) / 1'024;
  std::size_t unit = 0;
  for (; number >= 1'024 && unit + 1 < kUnits.size(); ++unit) number /= 1'024;
  return fmt::format("{:.1f} {}", number, kUnits.at(unit));
}

std::string age_label(base::UnixMillis then, base::UnixMillis now) {
  const std::int64_t seconds = (now - then) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return fmt::format("{}m ago", seconds / 60);
  if (seconds < 86'400) return fmt::format("{}h ago", seconds / 3600);
  if (seconds < 30 * 86'400) return fmt::format("{}d ago", seconds / 86'400);
  const auto time = static_cast<std::time_t>(then / 1000);
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(time));
}

std::string deadline_label(base::UnixMillis expires_at, base::UnixMillis now) {
  const std::int64_t seconds = (expires_at - now + 999) / 1000;
  if (expires_at <= now) return "too late to answer, which is a no";
  if (seconds < 60) return fmt::format("answer within {}s", seconds);
  return "answer within " + base::format_duration(std::chrono::seconds(seconds));
}

}  // namespace lathe::cli
