#pragma once

#include <vector>

#include "lathe/chain/bound.h"
#include "lathe/chain/flow.h"

namespace lathe::chain {

/// How often each task of the chain is started at most.
[[nodiscard]] std::vector<Most> visits_of(const Flow& flow);

}  // namespace lathe::chain
