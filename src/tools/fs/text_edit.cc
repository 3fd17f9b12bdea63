#include "lathe/tools/fs/text_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/text_format.h"

namespace lathe::tools::fs {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kShownPlaces = 10;
constexpr std::size_t kShownLines = 12;
/// Of a line, when it is looked for one that is like it.
constexpr std::size_t kComparedBytes = 300;

Error failed(std::string message, std::string hint) {
  return {.code = base::codes::kInvalid, .message = std::move(message), .hint = std::move(hint)};
}

std::vector<std::size_t> places_of(std::string_view content, std::string_view wanted) {
  std::vector<std::size_t> places;
  for (std::size_t at = content.find(wanted); at != std::string_view::npos;
       at = content.find(wanted, at + wanted.size())) {
    places.push_back(at);
  }
  return places;
}

std::size_t line_at(std::string_view content, std::size_t place) {
  return 1 + static_cast<std::size_t>(std::ranges::count(content.substr(0, place), '\n'));
}

std::string line_list(std::string_view content, const std::vector<std::size_t>& places) {
  std::vector<std::string> numbers;
  for (const std::size_t place : places) {
    if (numbers.size() == kShownPlaces) {
      numbers.emplace_back("…");
      break;
    }
    numbers.push_back(std::to_string(line_at(content, place)));
  }
  return base::join(numbers, ", ");
}

/// All pairs of neighbouring bytes, sorted.
std::vector<std::pair<char, char>> pairs_of(std::string_view line) {
  line = base::trim(line).substr(0, kComparedBytes);
  std::vector<std::pair<char, char>> pairs;
  for (std::size_t i = 1; i < line.size(); ++i) pairs.emplace_back(line[i - 1], line[i]);
  std::ranges::sort(pairs);
  return pairs;
}

/// The line that shares most pairs of bytes with the wanted one; nothing when none shares half of them.
std::optional<std::size_t> most_similar_line(const std::vector<std::string_view>& have, std::string_view wanted) {
  const auto want = pairs_of(wanted);
  std::optional<std::size_t> best_at;
  double best = 0.5;
  for (std::size_t at = 0; at < have.size(); ++at) {
    const auto pairs = pairs_of(have[at]);
    std::vector<std::pair<char, char>> shared;
    std::ranges::set_intersection(want, pairs, std::back_inserter(shared));
    const double likeness = 2.0 * static_cast<double>(shared.size()) /
                            static_cast<double>(std::max<std::size_t>(want.size() + pairs.size(), 1));
    if (likeness <= best) continue;
    best = likeness;
    best_at = at;
  }
  return best_at;
}

/// The part of the file that has most lines of the wanted text, blanks aside, else the one that begins most like it,
/// with line numbers; empty when nothing is near.
std::string nearest_lines(std::string_view content, std::string_view wanted) {
  const auto have = base::split_lines(content);
  auto want = base::split_lines(wanted);
  while (!want.empty() && base::trim(want.front()).empty()) want.erase(want.begin());
  if (want.empty() || have.size() > 100'000) return "";
  want.resize(std::min(want.size(), kShownLines));
  std::size_t best = 0;
  std::size_t best_at = 0;
  for (std::size_t at = 0; at < have.size(); ++at) {
    std::size_t same = 0;
    for (std::size_t i = 0; i < want.size() && at + i < have.size(); ++i) {
      const auto line = base::trim(want[i]);
      same += !line.empty() && base::trim(have[at + i]) == line ? 1 : 0;
    }
    if (same > best) {
      best = same;
      best_at = at;
    }
  }
  if (best == 0) {
    const auto similar = most_similar_line(have, want.front());
    if (!similar) return "";
    best_at = *similar;
  }
  std::string out;
  for (std::size_t i = 0; i < want.size() && best_at + i < have.size(); ++i) {
    out += fmt::format("{:>6}\t{}\n", best_at + i + 1, base::utf8_prefix(base::trim_right(have[best_at + i]), 300));
  }
  return out;
}

Error not_found(const std::string& tool, const std::string& path, std::string_view content, std::string_view old_text) {
  const std::string near = nearest_lines(content, old_text);
  if (near.empty()) {
    return failed(fmt::format("{}: old_text is not in {}", tool, path),
                  "read the file again and copy the text from it");
  }
  return failed(fmt::format("{}: old_text is not in {} exactly so; the nearest lines are:\n{}", tool, path, near),
                "it must match to the last blank; the line numbers are not part of the text");
}

}  // namespace

Result<std::string> replace_text(const std::string& tool, const std::string& path, std::string_view content,
                                 std::string_view old_text, std::string_view new_text, Matches matches) {
  const common::LineEnding ending = common::format_of(content).line_ending;
  std::string wanted(old_text);
  std::string replacement(new_text);
  std::vector<std::size_t> places = places_of(content, wanted);
  if (ending == common::LineEnding::kCrLf) {
    replacement = common::with_line_ending(new_text, ending);
    if (places.empty()) {
      wanted = common::with_line_ending(old_text, ending);
      places = places_of(content, wanted);
    }
  }
  if (places.empty()) return not_found(tool, path, content, old_text);
  if (matches == Matches::kExactlyOne && places.size() > 1) {
    return failed(fmt::format("{}: old_text stands {} times in {}, on lines {}", tool, places.size(), path,
                              line_list(content, places)),
                  "give more of the lines around it, or set replace_all");
  }
  std::string out;
  std::size_t next = 0;
  for (const std::size_t place : places) {
    out.append(content.substr(next, place - next)).append(replacement);
    next = place + wanted.size();
  }
  out.append(content.substr(next));
  if (out == content)
    return failed(fmt::format("{}: {} would not change", tool, path), "old_text and new_text are the same");
  return out;
}

}  // namespace lathe::tools::fs
