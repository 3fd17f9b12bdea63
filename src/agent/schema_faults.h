#pragma once

#include <string>
#include <vector>

#include "lathe/base/json.h"

namespace lathe::agent {

/// What keeps `schema` from being a JSON Schema, in the keywords that json_schema.h checks answers by; others are
/// passed over. At most ten lines such as `/properties/a/type: "banana" is no type`; empty when all is well.
[[nodiscard]] std::vector<std::string> schema_faults(const base::Json& schema);

}  // namespace lathe::agent
