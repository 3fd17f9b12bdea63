#pragma once

#include <memory>
#include <vector>

#include "lathe/ports/tool.h"

namespace lathe::tools::plan {

/// update_plan.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_plan_tools();

}  // namespace lathe::tools::plan
