#pragma once

#include <vector>

#include "lathe/ports/session_store.h"
#include "lathe/protocol/events.h"

// Pure: what is recorded when a session is opened whose last process died in the middle of a Task. Nothing is run
// again, nothing is called a success that was not seen to end.

namespace lathe::engine {

enum class Leftover {
  /// No Task was open. There may be `records` all the same: texts that one could not record before it ended.
  kNothing,
  /// The Task waits only for a person (or has their answer): it stays parked and can be gone on with.
  kWaiting,
  /// The Task was at work: `records` ends it.
  kCutShort,
};

struct Recovery {
  Leftover leftover = Leftover::kNothing;
  std::vector<protocol::EventMsg> records;
};

[[nodiscard]] Recovery plan_recovery(const ports::SessionState& state,
                                     const std::vector<ports::RecoveredDraft>& drafts);

/// What is recorded of a text that its Task left unfinished: the item, incomplete. Of one that is too long for a
/// record, the beginning.
[[nodiscard]] protocol::EventMsg unfinished_item(const ports::RecoveredDraft& draft);

/// Results for every call that has none, for the reason given: started ones ended with outcome unknown
/// (`interrupted`) or `cancelled`, others never ran.
[[nodiscard]] std::vector<protocol::EventMsg> close_open_calls(const ports::SessionState& state,
                                                               protocol::CallStatus started_as,
                                                               const std::string& started_text,
                                                               const std::string& not_started_text);

}  // namespace lathe::engine
