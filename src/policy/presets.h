#pragma once

#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/policy/rule.h"

namespace lathe::policy {

/// Rule sets that the config key `policy` and `--policy` know by name; the files stand in presets/.
[[nodiscard]] std::vector<std::string> preset_names();
/// `not_found` with the nearest name.
[[nodiscard]] base::Result<RuleSet> preset(std::string_view name);

}  // namespace lathe::policy
