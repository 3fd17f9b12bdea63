#pragma once

#include "lathe/formats/decode.h"
#include "lathe/policy/rule.h"

namespace lathe::policy {

/// The rules of a HITL file; what is wrong with it goes to `problems`.
[[nodiscard]] RuleSet read_hitl(const formats::Node& root, formats::Problems& problems);

[[nodiscard]] inline Place place_of(formats::Position at) { return {.line = at.line, .column = at.column}; }

}  // namespace lathe::policy
