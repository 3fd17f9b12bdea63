#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/protocol/events.h"
#include "lathe/runtime/async.h"

namespace lathe::engine {

class LiveSession;

/// What a session needs of the engine: the sessions of its sub-agents, and someone to tell. Loop thread.
class SessionFamily {
 public:
  virtual ~SessionFamily() = default;
  /// The session, opened when no one here has it yet.
  virtual runtime::Async<base::Result<LiveSession*>> live(std::string session_id) = 0;
  /// The session when it is open here, else nothing.
  [[nodiscard]] virtual LiveSession* find_live(const std::string& session_id) = 0;
  /// A new session with this configuration, whose id it holds.
  virtual runtime::Async<base::Result<LiveSession*>> create_child(protocol::SessionConfigured config) = 0;
  /// Closes the session unless it runs a Task or a client looks at it.
  virtual runtime::Async<void> let_go(std::string session_id) = 0;
  /// A session's Task runs no more: it has ended, or parked.
  virtual void task_ended() = 0;
};

}  // namespace lathe::engine
