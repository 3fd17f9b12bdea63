#pragma once

#include "lathe/base/result.h"
#include "lathe/protocol/calls.h"

// The calls about workflow files. Pure: they look at nothing but the text that they are given, so that a front end can
// have them without a data root. A large file takes a while.

namespace lathe::engine {

[[nodiscard]] protocol::ChainCheckReply check_chain(const protocol::ChainCheck& call);
/// `invalid` with all that is wrong when the file cannot be understood; `not_found` with the names that there are.
[[nodiscard]] base::Result<protocol::ChainShowReply> show_chain(const protocol::ChainShow& call);
[[nodiscard]] protocol::ChainSchemaReply chain_schema();

}  // namespace lathe::engine
