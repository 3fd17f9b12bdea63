#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/config/config.h"
#include "lathe/engine/policy_book.h"
#include "lathe/ports/tool.h"
#include "lathe/protocol/calls.h"

// The calls about rules and trust. They touch no session, so that a front end can have them without a data root. All of
// them read files: they block.

namespace lathe::engine {

/// The call of a tool that is asked about, as a model would make it. `invalid` when there is none.
[[nodiscard]] base::Result<protocol::ToolCall> explained_call(const protocol::PolicyExplain& call);
/// What the gate decides about `action`, which is what that call would do (EngineParts::read_call).
[[nodiscard]] base::Result<protocol::PolicyExplainReply> explain(PolicyPlaces places, const config::Config& config,
                                                                 const protocol::PolicyExplain& call,
                                                                 const ports::Action& action);
[[nodiscard]] base::Result<protocol::PolicyTestReply> test_rules(const PolicyPlaces& places,
                                                                 const protocol::PolicyTest& call);
[[nodiscard]] base::Result<protocol::TrustListReply> list_trust(const std::string& trust_file,
                                                                const protocol::TrustList& call);
/// Only contents that the repository holds now; `not_found` names a hash that it does not.
[[nodiscard]] base::Result<protocol::TrustListReply> set_trust(const std::string& trust_file,
                                                               const protocol::TrustSet& call);

}  // namespace lathe::engine
