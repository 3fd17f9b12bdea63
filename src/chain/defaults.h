#pragma once

#include <string_view>

#include "lathe/chain/chain.h"

namespace lathe::chain {

/// Gives every task what it inherits from the chain's defaults. The candidates are inherited together or not at all;
/// everything else field by field, policies key by key and only those of toolsets that the task has.
void apply_defaults(Chain& chain);

/// Whether `tools` gives a task something of the toolset: "*", the toolset, or one of its tools ("toolset.tool").
[[nodiscard]] bool has_toolset(const ModelUse& use, std::string_view toolset);

}  // namespace lathe::chain
