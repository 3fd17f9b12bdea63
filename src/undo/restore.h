#pragma once

#include <span>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/blob_store.h"
#include "lathe/undo/change_log.h"

// Which files go back to what, and the going back. Planning only reads; a plan is carried out file by file, each in one
// step, so that it can be begun again after a crash.

namespace lathe::undo {

/// One path that is to be brought back, from its root on.
struct RestoreStep {
  std::string root;
  std::string path;
  FileState now;
  FileState target;
  friend bool operator==(const RestoreStep&, const RestoreStep&) = default;
};

struct RestorePlan {
  /// What must go first, the deepest first; then what comes back, folders before what is in them.
  std::vector<RestoreStep> steps;
  std::vector<std::string> conflicts;
};

/// What to do in `root` so that everything that changed after the session's record `seq` is as it was then. A path that
/// someone else changed, before or between those changes or since, is a conflict. Blocks.
[[nodiscard]] base::Result<RestorePlan> plan_restore(const std::vector<ChangeRecord>& changes, const std::string& root,
                                                     std::int64_t seq);

enum class StepEnd {
  kDone,
  /// The folder holds what is not ours.
  kLeft,
  /// It changed after the plan was made.
  kConflict,
};
/// Carries out one step. The bytes are in `blobs`; what is replaced is kept there too, or left alone as a conflict when
/// it holds one of the keys. Blocks.
[[nodiscard]] base::Result<StepEnd> carry_out(const RestoreStep& step, ports::BlobStore& blobs,
                                              std::span<const std::string> keys);

}  // namespace lathe::undo
