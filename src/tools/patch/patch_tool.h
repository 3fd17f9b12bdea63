#pragma once

#include <memory>
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
  Extent extent = Extent::kAllOrNothing;
};

/// apply_patch.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_patch_tools(PatchOptions options);

}  // namespace lathe::tools::patch
