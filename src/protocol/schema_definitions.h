#pragma once

#include "lathe/base/json.h"
#include "lathe/protocol/describe.h"

namespace lathe::protocol {

/// The definition of a struct, enum or union; what it uses is referred to as "#/$defs/NAME".
[[nodiscard]] base::Json schema_definition(const TypeInfo& type);
/// Those of the frames, all ops, events, calls and replies, and what they share, by name.
[[nodiscard]] base::Json schema_definitions();

}  // namespace lathe::protocol
