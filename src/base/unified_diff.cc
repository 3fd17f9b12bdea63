#include "lathe/base/unified_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lathe/base/strings.h"

// Line diff after Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the greedy forward form, with the
// frontier of every step kept so that the path can be walked back. Memory is bounded by giving up on texts that differ
// in more than kMaxEdits lines; those are shown as one removal and one addition, which is a correct diff, only long.

namespace lathe::base {
namespace {

using Lines = std::vector<std::string_view>;
constexpr std::int64_t kMaxEdits = 2000;

enum class Kind { kKeep, kRemove, kAdd };
struct Edit {
  Kind kind;
  std::size_t old_line;
  std::size_t new_line;
};

std::vector<Edit> replace_everything(std::size_t old_count, std::size_t new_count) {
  std::vector<Edit> edits;
  for (std::size_t i = 0; i < old_count; ++i) edits.push_back({Kind::kRemove, i, 0});
  for (std::size_t i = 0; i < new_count; ++i) edits.push_back({Kind::kAdd, old_count, i});
  return edits;
}

/// Walks the recorded frontiers back from the end and returns the edits in order.
std::vector<Edit> walk_back(const std::vector<std::vector<std::int64_t>>& trace, std::int64_t n, std::int64_t m) {
  std::vector<Edit> edits;
  std::int64_t x = n;
  std::int64_t y = m;
  const auto at = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  for (auto d = static_cast<std::int64_t>(trace.size()) - 1; d >= 0; --d) {
    const std::vector<std::int64_t>& v = trace[at(d)];
    const std::int64_t offset = d;
    const std::int64_t k = x - y;
    const auto get = [&](std::int64_t diagonal) { return v[at(diagonal + offset)]; };
    const bool down = d > 0 && (k == -d || (k != d && get(k - 1) < get(k + 1)));
    const std::int64_t previous_k = d == 0 ? 0 : down ? k + 1 : k - 1;
    const std::int64_t previous_x = d == 0 ? 0 : get(previous_k);
    const std::int64_t previous_y = previous_x - previous_k;
    while (x > previous_x && y > previous_y) {
      --x;
      --y;
      edits.push_back({Kind::kKeep, at(x), at(y)});
    }
    if (d == 0) break;
    if (down) {
      --y;
      edits.push_back({Kind::kAdd, at(x), at(y)});
    } else {
      --x;
      edits.push_back({Kind::kRemove, at(x), at(y)});
    }
  }
  std::ranges::reverse(edits);
  return edits;
}

std::vector<Edit> diff_lines(const Lines& a, const Lines& b) {
  const auto n = static_cast<std::int64_t>(a.size());
  const auto m = static_cast<std::int64_t>(b.size());
  const auto at = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  std::vector<std::vector<std::int64_t>> trace;
  // trace[d] holds, for diagonals -d..d, the frontier as it stood before step d.
  std::vector<std::int64_t> v(at(2 * std::min(kMaxEdits, n + m) + 3), 0);
  const std::int64_t middle = std::min(kMaxEdits, n + m) + 1;
  for (std::int64_t d = 0; d <= n + m; ++d) {
    if (d > kMaxEdits) return replace_everything(a.size(), b.size());
    trace.emplace_back(v.begin() + (middle - d), v.begin() + (middle + d + 1));
    for (std::int64_t k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && v[at(middle + k - 1)] < v[at(middle + k + 1)]);
      std::int64_t x = d == 0 ? 0 : down ? v[at(middle + k + 1)] : v[at(middle + k - 1)] + 1;
      std::int64_t y = x - k;
      while (x < n && y < m && a[at(x)] == b[at(y)]) {
        ++x;
        ++y;
      }
      v[at(middle + k)] = x;
      if (x >= n && y >= m) return walk_back(trace, n, m);
    }
  }
  return replace_everything(a.size(), b.size());
}

struct Text {
  Lines lines;
  bool ends_with_newline = true;
};

Text read_text(std::string_view text) { return {split_lines(text), text.empty() || text.back() == '\n'}; }

void print_line(std::string& out, char mark, const Text& text, std::size_t line) {
  out += mark;
  out += text.lines[line];
  out += '\n';
  if (line + 1 == text.lines.size() && !text.ends_with_newline) out += "\\ No newline at end of file\n";
}

std::string range_text(std::size_t start, std::size_t count) {
  if (count == 1) return std::to_string(start + 1);
  return fmt::format("{},{}", count == 0 ? start : start + 1, count);
}

void print_hunk(std::string& out, const std::vector<Edit>& edits, std::size_t first, std::size_t last,
                const Text& before, const Text& after) {
  std::size_t old_count = 0;
  std::size_t new_count = 0;
  for (std::size_t i = first; i < last; ++i) {
    old_count += edits[i].kind != Kind::kAdd ? 1 : 0;
    new_count += edits[i].kind != Kind::kRemove ? 1 : 0;
  }
  std::size_t new_start = edits[first].new_line;
  // A removal carries no new line of its own: the place is where the next kept or added line stands.
  std::size_t added_or_kept_before = 0;
  for (std::size_t i = 0; i < first; ++i) added_or_kept_before += edits[i].kind != Kind::kRemove ? 1 : 0;
  new_start = added_or_kept_before;
  std::size_t removed_or_kept_before = 0;
  for (std::size_t i = 0; i < first; ++i) removed_or_kept_before += edits[i].kind != Kind::kAdd ? 1 : 0;
  out +=
      fmt::format("@@ -{} +{} @@\n", range_text(removed_or_kept_before, old_count), range_text(new_start, new_count));
  for (std::size_t i = first; i < last; ++i) {
    const Edit& edit = edits[i];
    if (edit.kind == Kind::kAdd) {
      print_line(out, '+', after, edit.new_line);
    } else {
      print_line(out, edit.kind == Kind::kKeep ? ' ' : '-', before, edit.old_line);
    }
  }
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_label,
                         std::string_view after_label, DiffOptions options) {
  if (before == after && before_label.empty() == after_label.empty()) return "";
  const Text old_text = read_text(before);
  const Text new_text = read_text(after);
  // A last line that lost or gained its newline differs although its text is the same.
  const bool newline_differs = old_text.ends_with_newline != new_text.ends_with_newline;
  const bool too_long = std::max(old_text.lines.size(), new_text.lines.size()) > options.max_lines;
  std::vector<Edit> edits = too_long ? replace_everything(old_text.lines.size(), new_text.lines.size())
                                     : diff_lines(old_text.lines, new_text.lines);
  if (newline_differs && !edits.empty() && edits.back().kind == Kind::kKeep) {
    const Edit last = edits.back();
    edits.back() = {Kind::kRemove, last.old_line, last.new_line};
    edits.push_back({Kind::kAdd, last.old_line + 1, last.new_line});
  }
  std::string out = fmt::format("--- {}\n+++ {}\n", before_label.empty() ? "/dev/null" : before_label,
                                after_label.empty() ? "/dev/null" : after_label);
  std::size_t i = 0;
  while (i < edits.size()) {
    if (edits[i].kind == Kind::kKeep) {
      ++i;
      continue;
    }
    std::size_t first = i;
    while (first > 0 && i - first < options.context_lines && edits[first - 1].kind == Kind::kKeep) --first;
    std::size_t last = i;
    std::size_t kept = 0;
    for (; last < edits.size() && kept <= 2 * options.context_lines; ++last) {
      kept = edits[last].kind == Kind::kKeep ? kept + 1 : 0;
    }
    const std::size_t spare = kept > options.context_lines ? kept - options.context_lines : 0;
    print_hunk(out, edits, first, last - spare, old_text, new_text);
    i = last;
  }
  return out;
}

}  // namespace lathe::base
