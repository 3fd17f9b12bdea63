#pragma once

#include <optional>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/workspace_history.h"
#include "lathe/tools/patch/patch_plan.h"
#include "lathe/tools/patch/places.h"

namespace lathe::tools::patch {

/// Writes what was planned, where its paths led when it was: all of it or nothing. What the files were is kept in
/// `history` before (null: not at all). Refuses, before anything is written, when a file is no longer as it was when
/// the plan was made, or a link was put in its way. When writing fails midway, what was written is taken back, with
/// the folders that were made for it, and the error says so, or names the files for which even that failed.
/// `file_mode_mask`: as Workspace takes it. Blocks.
[[nodiscard]] base::Result<void> write_plan(const std::vector<PlannedFile>& files, Places& places,
                                            ports::WorkspaceHistory* history = nullptr,
                                            std::optional<unsigned> file_mode_mask = std::nullopt);

}  // namespace lathe::tools::patch
