#pragma once

#include <memory>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/catalog.h"
#include "lathe/ports/tool.h"
#include "lathe/runtime/pool.h"

namespace lathe::apps {

/// The tools that a session has which descends from `lineage`: those that every one of these agents names, with the
/// policies of all of them around each. `not_found`, naming the agent's file, for a tool that does not exist.
[[nodiscard]] base::Result<std::vector<std::unique_ptr<ports::Tool>>> narrow_for_agents(
    std::vector<std::unique_ptr<ports::Tool>> tools, const std::vector<ports::AgentDefinition>& lineage,
    runtime::Pool& pool);

}  // namespace lathe::apps
