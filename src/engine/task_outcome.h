#pragma once

#include <string>
#include <vector>

#include "lathe/base/error.h"
#include "lathe/ports/session_state.h"
#include "lathe/protocol/events.h"

// How a sub-agent's Task ended, and what it used. Pure.

namespace lathe::engine {

struct TaskOutcome {
  protocol::CallStatus status = protocol::CallStatus::kCompleted;
  /// It waits for a person, with these questions; not ended.
  bool parked = false;
  std::vector<std::string> questions;
  std::string last_message;
  /// Why it ended early.
  base::Error why;
  ports::AgentUse use;
};

/// What the Task used so far, an answer that is under way included.
[[nodiscard]] ports::AgentUse use_of(const ports::OpenTask& task);
/// The sum of both.
[[nodiscard]] ports::AgentUse sum_of(ports::AgentUse use, const ports::AgentUse& more);

/// The outcome of a session that was a sub-agent's, from its journal, when nobody here saw its Task end.
[[nodiscard]] TaskOutcome outcome_of(const ports::SessionState& state);

/// What `budget` leaves after `use`, below zero where more was used; absent members stay absent.
[[nodiscard]] protocol::Budget left_of(const protocol::Budget& budget, const ports::AgentUse& use);
/// The ceilings of `a`, and of `b` where `a` has none.
[[nodiscard]] protocol::Budget over(protocol::Budget a, const protocol::Budget& b);
/// The smaller ceiling of each kind.
[[nodiscard]] protocol::Budget narrower(protocol::Budget a, const protocol::Budget& b);

/// What the model reads when a sub-agent that ran beside it has ended.
[[nodiscard]] std::string end_text(const protocol::AgentEnded& ended, const std::string& agent, const std::string& why);

}  // namespace lathe::engine
