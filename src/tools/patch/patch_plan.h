#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/tools/common/file_change.h"
#include "lathe/tools/patch/patch_text.h"

// From a patch and the files as they are to what has to be written. No file is touched here.

namespace lathe::tools::patch {

/// A file that the patch leaves different.
struct PlannedFile {
  std::string path;
  std::optional<std::string> before;
  std::optional<std::string> after;
  /// The file that was moved here, whose permissions it keeps; empty when none was.
  std::string moved_from = {};
  friend bool operator==(const PlannedFile&, const PlannedFile&) = default;
};

/// What becomes of a patch of which one hunk cannot be carried out.
enum class Extent {
  kAllOrNothing,
  /// The hunks before that one are carried out.
  kWhatFits,
};

struct PatchPlan {
  /// One per hunk, in order, for people.
  std::vector<common::FileEdit> edits;
  /// Each file once, in the order in which the patch first names it.
  std::vector<PlannedFile> files;
  /// "A path", "M path", "D path" lines.
  std::string summary;
  /// The hunk after the last of `edits`, when it and those behind it are left out (Extent::kWhatFits).
  std::optional<base::Error> failure = std::nullopt;
};

/// The content of a file, or nothing when it does not exist; errors end the planning.
using ReadFile = std::function<base::Result<std::optional<std::string>>(const std::string& path)>;

/// Later hunks see what earlier ones did. Errors name the file and what was looked for; the first hunk must fit.
[[nodiscard]] base::Result<PatchPlan> plan_patch(const std::vector<Hunk>& hunks, const ReadFile& read,
                                                 Extent extent = Extent::kAllOrNothing);

/// `content` with the chunks carried out. A chunk without kept or removed lines goes to the end of the file, whatever
/// its context. Kept lines keep the file's own bytes; added lines end as most lines of the file do; the byte order
/// mark stays; the last line always ends.
[[nodiscard]] base::Result<std::string> apply_chunks(const std::string& path, std::string_view content,
                                                     const std::vector<Chunk>& chunks);

}  // namespace lathe::tools::patch
