#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/protocol/items.h"

namespace lathe::tools::plan {

/// What is wrong with the plan as a whole: an id that occurs twice, a step that depends on itself, on one that is not
/// there, or on itself by way of others, one that is in progress or completed before what it depends on, or more than
/// one in progress. Pure.
[[nodiscard]] std::optional<std::string> plan_problem(const std::vector<protocol::PlanStep>& steps);

}  // namespace lathe::tools::plan
