#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/ports/tool.h"
#include "lathe/tools/common/file_change.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/fs/fs_tools.h"

// What the tools that change a file have in common. They find out what the file will be while they prepare, so that the
// gate sees the very change, and make it when they run, unless the file changed in between. What the file was is kept
// before it is touched.

namespace lathe::tools::fs {

/// One file's change, planned.
struct PlannedChange {
  /// Looked up, as is `moved_to`: what is decided about is what is changed (tools/common/links.h).
  common::Place place;
  /// Set for a move.
  std::optional<common::Place> moved_to = std::nullopt;
  common::FileEdit edit = {};
  /// Where its paths lead, for the gate.
  std::vector<std::string> opened = {};
  /// It will fail with this, which is told when it runs and not before.
  std::optional<base::Error> withheld = std::nullopt;
};

/// What was planned; but where the change leads out of the working folder, a plan that failed is a change that will
/// fail, so that nothing of what is out there is told before it is decided about. Blocks.
[[nodiscard]] base::Result<PlannedChange> or_withheld(base::Result<PlannedChange> planned,
                                                      const ports::ToolEnvironment& environment, common::Place place,
                                                      std::optional<common::Place> moved_to = std::nullopt);

/// The file as it is now, when it may be written and the model has seen it as it is. Blocks.
[[nodiscard]] base::Result<std::optional<std::string>> read_for_change(const FsOptions& options,
                                                                       const ports::ToolEnvironment& environment,
                                                                       const common::Place& place,
                                                                       std::string_view tool);

[[nodiscard]] std::unique_ptr<ports::PreparedCall> prepared_change(const FsOptions& options,
                                                                   const protocol::ToolCall& call,
                                                                   const ports::ToolEnvironment& environment,
                                                                   std::string_view verb, PlannedChange change);

}  // namespace lathe::tools::fs
