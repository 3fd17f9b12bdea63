#pragma once

#include <string>
#include <vector>

#include "lathe/journal/open_calls.h"
#include "lathe/ports/session_state.h"
#include "lathe/protocol/frames.h"

// What a session is, told by its journal. fold() is pure: the same records always give the same state, in every
// process and after every restart.
//
// The conversation in a state is what the model sees, so a compaction really drops what it replaced. A rollback to a
// point before that compaction therefore needs the past: needs_history() says so, and fold_rollback() takes the state
// as it was at that point.
//
//   session_configured ─ task_started ─ user_message ─┬─ … ─ turn_complete ─┬─ task_complete | turn_aborted |
//                                                     └──── next Turn ──────┘  error{ends_task} | task_parked

namespace lathe::journal {

/// Takes one durable event into the state. Passing events change nothing. Events come in the order of their seq.
/// A `rolled_back` for which needs_history() holds must go through fold_rollback() instead. `calls` goes with the state
/// from event to event, and starts empty; it only saves time.
void fold(ports::SessionState& state, const protocol::Event& event, OpenCalls& calls);
/// The same for an event alone.
void fold(ports::SessionState& state, const protocol::Event& event);

/// Whether rolling `state` back to `to_seq` brings back what a compaction has replaced.
[[nodiscard]] bool needs_history(const ports::SessionState& state, const protocol::Event& event);

/// fold() of a `rolled_back`, with the state as it was at its `to_seq`. What was spent, granted and acknowledged since
/// stays; the conversation, its bookmarks and Task starts are those of `then`.
void fold_rollback(ports::SessionState& state, const protocol::Event& event, const ports::SessionState& then,
                   OpenCalls& calls);
/// The same for an event alone.
void fold_rollback(ports::SessionState& state, const protocol::Event& event, const ports::SessionState& then);

}  // namespace lathe::journal
