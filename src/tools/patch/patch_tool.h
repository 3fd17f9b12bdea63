#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "lathe/ports/tool.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/common/secret_guard.h"
#include "lathe/tools/patch/patch_plan.h"

namespace lathe::tools::patch {

struct PatchOptions {
  /// Where files are read and written. Outlives the tools.
  runtime::Pool* pool = nullptr;
  /// Refuses secrets; null: nothing is secret. Outlives the tools.
  const common::SecretGuard* secrets = nullptr;
  /// What new files do not get of the usual permissions; absent: as this process has it.
  std::optional<unsigned> file_mode_mask = std::nullopt;
  Extent extent = Extent::kAllOrNothing;
};

/// apply_patch.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_patch_tools(PatchOptions options);

}  // namespace lathe::tools::patch
