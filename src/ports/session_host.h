#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/items.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

namespace lathe::ports {

struct SpawnRequest {
  /// The call that spawns it. A call that spawned one already, and goes on after its Task was parked, gets that one.
  std::string call_id;
  /// Empty: the default agent.
  std::string agent;
  std::string prompt;
  /// Its end is pushed into the conversation; otherwise the call waits for it.
  bool background = false;
};

/// How a sub-agent's Task ended.
struct AgentResult {
  std::string session;
  std::string agent;
  protocol::CallStatus status = protocol::CallStatus::kCompleted;
  /// Its last message.
  std::string text;
  /// Why it ended early; empty when it is done.
  std::string why;
};

struct RunningAgent {
  std::string session;
  std::string agent;
  bool background = false;
};

/// Sub-agents of one session: each is a session of its own, with its parent's folder, policy and budget. Its records,
/// its approvals and its journal are those of any session. The engine provides it. Loop thread.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  /// Starts it and gives its session's id. Errors: `not_found` with the nearest agent; `limit_exceeded` for depth and
  /// count; those of the model's name.
  virtual runtime::Async<base::Result<std::string>> spawn(SpawnRequest request) = 0;
  /// Done when it ended. `parked` when it waits for a person. When `cancel` is cancelled it is interrupted, and has
  /// ended when this returns.
  virtual runtime::Async<base::Result<AgentResult>> wait(std::string session, runtime::CancelToken cancel) = 0;
  /// Those that have not ended.
  [[nodiscard]] virtual std::vector<RunningAgent> running() const = 0;
  /// Interrupts one; done when it has ended. `not_found` when no such agent runs.
  virtual runtime::Async<base::Result<AgentResult>> cancel(std::string session) = 0;
  /// Gets every event about agents behind its record `seq`, for a recording; one at a time. By default nothing is told.
  using Witness = std::function<void(std::int64_t seq, const protocol::EventMsg& msg)>;
  virtual void set_witness(Witness witness) { (void)witness; }
};

}  // namespace lathe::ports
