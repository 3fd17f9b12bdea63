#pragma once

#include <string>
#include <vector>

#include "lathe/base/json.h"

namespace lathe::agent {

/// Checks `value` against the part of JSON Schema that providers accept for structured answers: type, enum, const,
/// properties, required, additionalProperties, items, anyOf, oneOf, allOf, local $ref ("#/$defs/x"), and the bounds of
/// numbers, strings and arrays. Other keywords are taken as fulfilled.
///
/// Gives what is wrong, at most ten lines such as `/steps/0/name: must be a string`; empty when all is well.
[[nodiscard]] std::vector<std::string> schema_problems(const base::Json& schema, const base::Json& value);

}  // namespace lathe::agent
