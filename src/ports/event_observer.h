#pragma once

#include <cstddef>

#include "lathe/ports/session_state.h"
#include "lathe/protocol/frames.h"

namespace lathe::ports {

/// Is shown every event of every session that an engine has open: each session's in its order, durable ones once they
/// are appended. What counts, logs or exports what happens stands here, so that nothing else has to. Loop thread, in
/// the middle of work: it neither waits nor does I/O.
class EventObserver {
 public:
  virtual ~EventObserver() = default;
  /// A session was opened: what its journal tells, before the first event that is seen of it.
  virtual void opened(const SessionState& /*state*/) {}
  /// `record_bytes` is what the journal grew by; 0 for a passing event.
  virtual void see(const protocol::Event& event, std::size_t record_bytes) = 0;
};

}  // namespace lathe::ports
