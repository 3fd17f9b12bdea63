#pragma once

#include "lathe/base/json.h"

namespace lathe::chain {

/// The JSON Schema (2020-12) of our files, made of the field lists that the loader reads with. Editors complete and
/// check with it; what it cannot say (ways, variables, budgets) is check.h's.
[[nodiscard]] base::Json schema();

}  // namespace lathe::chain
