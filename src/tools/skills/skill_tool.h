#pragma once

#include <memory>
#include <vector>

#include "lathe/ports/catalog.h"
#include "lathe/ports/tool.h"

namespace lathe::tools::skills {

/// read_skill. `catalog` outlives it.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_skill_tools(ports::Catalog& catalog);

}  // namespace lathe::tools::skills
