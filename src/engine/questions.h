#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lathe/policy/decide.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/session_index.h"
#include "lathe/ports/session_state.h"
#include "lathe/ports/tool.h"
#include "lathe/protocol/events.h"

// Pure: what an action means to the gate.

namespace lathe::engine {

/// The action as rules see it; `folder` is the session's.
[[nodiscard]] policy::Action policy_action(const ports::Action& action, const std::string& folder);

/// Whether an approval for the session covers the action: it has all keys of the question (ports/grant_keys.h).
[[nodiscard]] bool is_granted(const ports::SessionState& state, const protocol::EventMsg& question);

/// The event that asks about the action, with the rule that asked and where it stands.
[[nodiscard]] protocol::EventMsg question_about(const ports::Action& action, const std::string& id,
                                                const policy::PolicyDecision& decision,
                                                std::optional<std::int64_t> expires_at);
/// What an answer is bound to: the exact argv or arguments, folder, changes of files, where their paths lead, and the
/// rule that asked. An answer to one question holds for another action only when both have the same.
[[nodiscard]] std::string binding_of(const protocol::EventMsg& question);
[[nodiscard]] std::optional<std::int64_t> expiry_of(const protocol::EventMsg& question);
/// The rules that approved_always writes; empty when there is none for this question.
[[nodiscard]] std::vector<base::Json> always_rules_of(const protocol::EventMsg& question);

/// Tells whoever answers it after another how it was answered, and by whom.
[[nodiscard]] base::Error settled_error(const std::string& id, const ports::SettledQuestion& settled);

/// What an answer means for the call.
[[nodiscard]] ports::GateAnswer to_gate_answer(const protocol::ApprovalResolved& resolved);

}  // namespace lathe::engine
