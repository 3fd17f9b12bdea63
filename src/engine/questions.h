#pragma once

#include <string>
#include <vector>

#include "lathe/policy/approval.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/session_state.h"
#include "lathe/ports/tool.h"
#include "lathe/protocol/events.h"

// Pure: what an action means to the gate.

namespace lathe::engine {

[[nodiscard]] policy::ActionFacts facts_of(const ports::Action& action);

/// Canonical keys that an approval for the session grants: the exact argv, each file, or the tool. An action is
/// granted when all of its keys are.
[[nodiscard]] std::vector<std::string> grant_keys(const ports::Action& action);
[[nodiscard]] bool is_granted(const ports::SessionState& state, const ports::Action& action);

/// The event that asks about the action.
[[nodiscard]] protocol::EventMsg question_about(const ports::Action& action, const std::string& id,
                                                const std::string& rule);

/// One line for lists: the command, the files, the tool or the question.
[[nodiscard]] std::string one_line(const protocol::EventMsg& request);

/// What an answer means for the call.
[[nodiscard]] ports::GateAnswer to_gate_answer(const protocol::ApprovalResolved& resolved);

}  // namespace lathe::engine
