#include "lathe/tools/patch/patch_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/text_format.h"
#include "lathe/tools/patch/line_match.h"

namespace lathe::tools::patch {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kShownBytes = 2'000;

Error failed(std::string message, std::string hint = "") {
  return {.code = base::codes::kInvalid, .message = std::move(message), .hint = std::move(hint)};
}

/// A line that takes the place of others: new text, or one of the lines that stood there.
struct NewLine {
  std::string text;
  std::optional<std::size_t> kept;
};

/// The two sides of a chunk; `kept` counts within `old_lines`.
struct Sides {
  std::vector<std::string> old_lines;
  std::vector<NewLine> new_lines;
};

Sides sides_of(const Chunk& chunk) {
  Sides sides;
  for (const ChunkLine& line : chunk.lines) {
    if (line.kind == ChunkLine::Kind::kAdded) {
      sides.new_lines.push_back({line.text, std::nullopt});
      continue;
    }
    if (line.kind == ChunkLine::Kind::kKept) sides.new_lines.push_back({line.text, sides.old_lines.size()});
    sides.old_lines.push_back(line.text);
  }
  return sides;
}

/// Without an empty last line, which models often put where the file simply ends.
void drop_empty_end(Sides& sides) {
  sides.old_lines.pop_back();
  if (!sides.new_lines.empty() && sides.new_lines.back().text.empty()) sides.new_lines.pop_back();
  for (NewLine& line : sides.new_lines) {
    if (line.kept == sides.old_lines.size()) line.kept.reset();
  }
}

struct PlannedReplacement {
  std::size_t start = 0;
  std::size_t count = 0;
  std::vector<NewLine> lines;
};

/// The lines of a file: as they are, and without "\r" at their ends for comparing.
struct FileLines {
  explicit FileLines(std::string_view text) : raw(base::split_lines(text)) {
    for (const std::string_view line : raw)
      compared.push_back(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
  }
  std::vector<std::string_view> raw;
  std::vector<std::string_view> compared;
};

Error not_found(const std::string& path, const std::vector<std::string>& wanted) {
  const std::string text = base::join(wanted, "\n");
  return failed(fmt::format("{}: these lines are not in the file:\n{}", path, base::utf8_prefix(text, kShownBytes)),
                "read the file again; lines must stand there in this order, after the earlier chunks");
}

Result<PlannedReplacement> place_chunk(const std::string& path, const FileLines& file, const Chunk& chunk,
                                       std::size_t& cursor) {
  if (chunk.context) {
    const auto at = find_lines(file.compared, {&*chunk.context, 1}, cursor, Where::kFromStart);
    if (!at) return failed(fmt::format("{}: the context line \"{}\" is not in the file", path, *chunk.context));
    cursor = *at + 1;
  }
  Sides sides = sides_of(chunk);
  if (sides.old_lines.empty()) return PlannedReplacement{file.raw.size(), 0, std::move(sides.new_lines)};
  const Where where = chunk.at_end_of_file ? Where::kAtEnd : Where::kFromStart;
  auto at = find_lines(file.compared, sides.old_lines, cursor, where);
  if (!at && sides.old_lines.back().empty()) {
    drop_empty_end(sides);
    at = find_lines(file.compared, sides.old_lines, cursor, where);
  }
  if (!at) return not_found(path, sides.old_lines);
  cursor = *at + sides.old_lines.size();
  return PlannedReplacement{*at, sides.old_lines.size(), std::move(sides.new_lines)};
}

std::string print(const FileLines& file, const std::vector<PlannedReplacement>& replacements,
                  std::string_view content) {
  const common::TextFormat format = common::format_of(content);
  const std::string_view line_end = format.line_ending == common::LineEnding::kCrLf ? "\r\n" : "\n";
  std::string out = format.byte_order_mark ? "\xEF\xBB\xBF" : "";
  const auto keep = [&](std::size_t index) {
    out += file.raw[index];
    // The last line may have had no end, and so no "\r" either.
    const bool unended = index + 1 == file.raw.size() && !content.ends_with('\n');
    out += unended ? line_end : "\n";
  };
  std::size_t next = 0;
  for (const PlannedReplacement& replacement : replacements) {
    for (; next < replacement.start; ++next) keep(next);
    for (const NewLine& line : replacement.lines) {
      if (line.kept) {
        keep(replacement.start + *line.kept);
      } else {
        out.append(line.text).append(line_end);
      }
    }
    next = replacement.start + replacement.count;
  }
  for (; next < file.raw.size(); ++next) keep(next);
  return out;
}

/// Plans hunk by hunk over the files as the earlier hunks left them.
class Planner {
 public:
  explicit Planner(const ReadFile& read) : read_(read) {}

  Result<void> add(const AddFile& hunk) {
    TRY(PlannedFile * file, file_at(hunk.path));
    note('A', {.path = hunk.path, .before = file->after, .after = hunk.content});
    file->after = hunk.content;
    return {};
  }

  Result<void> add(const DeleteFile& hunk) {
    TRY(PlannedFile * file, file_at(hunk.path));
    if (!file->after) return missing(hunk.path, "delete");
    note('D', {.path = hunk.path, .before = file->after, .after = std::nullopt});
    file->after.reset();
    return {};
  }

  Result<void> add(const UpdateFile& hunk) {
    TRY(PlannedFile * file, file_at(hunk.path));
    if (!file->after) return missing(hunk.path, "update");
    TRY(std::string changed, apply_chunks(hunk.path, *file->after, hunk.chunks));
    const bool moves = !hunk.move_to.empty() && hunk.move_to != hunk.path;
    note('M', {.path = hunk.path, .moved_to = moves ? hunk.move_to : "", .before = file->after, .after = changed});
    if (moves) {
      file->after.reset();
      TRY(file, file_at(hunk.move_to));
      file->moved_from = hunk.path;
    }
    file->after = std::move(changed);
    return {};
  }

  PatchPlan finish() {
    for (const std::string& path : order_) {
      PlannedFile& file = files_.at(path);
      if (file.before != file.after) plan_.files.push_back(std::move(file));
    }
    return std::move(plan_);
  }

 private:
  static Error missing(const std::string& path, std::string_view what) {
    return {.code = base::codes::kNotFound, .message = fmt::format("{}: there is no such file to {}", path, what)};
  }

  Result<PlannedFile*> file_at(const std::string& path) {
    const auto found = files_.find(path);
    if (found != files_.end()) return &found->second;
    TRY(auto content, read_(path));
    order_.push_back(path);
    return &files_.emplace(path, PlannedFile{path, content, content}).first->second;
  }

  void note(char letter, common::FileEdit edit) {
    plan_.summary += fmt::format("{} {}\n", letter, edit.moved_to.empty() ? edit.path : edit.moved_to);
    plan_.edits.push_back(std::move(edit));
  }

  const ReadFile& read_;
  std::map<std::string, PlannedFile> files_;
  std::vector<std::string> order_;
  PatchPlan plan_;
};

}  // namespace

Result<std::string> apply_chunks(const std::string& path, std::string_view content, const std::vector<Chunk>& chunks) {
  if (chunks.empty()) return std::string(content);
  const FileLines file(common::without_mark(content));
  std::vector<PlannedReplacement> replacements;
  std::size_t cursor = 0;
  for (const Chunk& chunk : chunks) {
    TRY(PlannedReplacement replacement, place_chunk(path, file, chunk, cursor));
    // In the order of their places; those at one place in the order of the patch.
    const auto at = std::ranges::upper_bound(replacements, replacement.start, {}, &PlannedReplacement::start);
    replacements.insert(at, std::move(replacement));
  }
  for (std::size_t i = 1; i < replacements.size(); ++i) {
    const PlannedReplacement& before = replacements[i - 1];
    if (before.start + before.count > replacements[i].start) {
      return failed(fmt::format("{}: two chunks change the same lines, from line {}", path, replacements[i].start + 1));
    }
  }
  return print(file, replacements, content);
}

Result<PatchPlan> plan_patch(const std::vector<Hunk>& hunks, const ReadFile& read, Extent extent) {
  Planner planner(read);
  for (const Hunk& hunk : hunks) {
    std::optional<Planner> before;
    if (extent == Extent::kWhatFits) before.emplace(planner);
    auto added = std::visit([&](const auto& one) { return planner.add(one); }, hunk);
    if (added.ok()) continue;
    if (!before || &hunk == hunks.data()) return std::move(added).error();
    PatchPlan plan = before->finish();
    plan.failure = std::move(added).error();
    return plan;
  }
  return planner.finish();
}

}  // namespace lathe::tools::patch
