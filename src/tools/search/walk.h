#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::search {

enum class Visit { kGoOn, kStop };

/// A regular file that a walk came by.
struct FoundFile {
  /// Relative to the folder that is walked.
  std::string path;
  /// The folder that holds it, open as long as the visit lasts, and its name there.
  int folder = -1;
  std::string name;
};

/// Calls back with every regular file below the folder `root`, in the order of their names. Left out: what
/// .gitignore files in and above the folder ignore (up to the repository's root), `.git`, and what links point to:
/// folders are opened one in another, so that a link put in the place of one is not followed either. Hidden files are
/// in. Stops early when `stop` is set. Blocks.
[[nodiscard]] base::Result<void> walk_files(const common::Place& root, const std::atomic<bool>& stop,
                                            const std::function<Visit(const FoundFile& file)>& visit);

}  // namespace lathe::tools::search
