#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace lathe::tools::search {

enum class Visit { kGoOn, kStop };

/// Calls back with the path of every regular file below the absolute folder `root`, relative to it, in the order of
/// their names. Left out: what .gitignore files in and above the folder ignore (up to the repository's root), `.git`,
/// and what links point to. Hidden files are in. Stops early when `stop` is set. Blocks.
[[nodiscard]] base::Result<void> walk_files(const std::string& root, const std::atomic<bool>& stop,
                                            const std::function<Visit(const std::string& path)>& visit);

}  // namespace lathe::tools::search
