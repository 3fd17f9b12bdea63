#pragma once

#include <string_view>
#include <variant>

#include "lathe/protocol/approval_events.h"
#include "lathe/protocol/call_events.h"
#include "lathe/protocol/containment_events.h"
#include "lathe/protocol/conversation_events.h"
#include "lathe/protocol/session_events.h"
#include "lathe/protocol/task_events.h"
#include "lathe/protocol/watch.h"

// What comes back from a session (protocol_v1 "EventMsg"; ARCHITECTURE 4.2 and 4.3).
//
// Durable events are records of the session's journal: they are appended before anyone sees them. Passing events
// (kPassing = true) are progress: they have no seq and are lost with the connection; a durable event completes them.
//
// A Task is: task_started, user_message, Turns, and exactly one end: task_complete, or turn_aborted (interrupt,
// replacement, budget, …) followed by error unless it was replaced, or error with ends_task, or task_parked.
// A Turn is: context_added*, reasoning and messages, tool_calls, begin and end of each call, turn_complete.

namespace lathe::protocol {

using AnyEvent =
    std::variant<SessionConfigured, ForkedFrom, TaskStarted, UserMessage, ContextAdded, AgentMessage, AgentMessageDelta,
                 AgentReasoning, AgentReasoningDelta, ItemReset, ToolCalls, ExecCommandBegin, ExecCommandOutputDelta,
                 ExecCommandEnd, PatchApplyBegin, PatchApplyEnd, ToolCallBegin, ToolCallEnd, ExecApprovalRequest,
                 ApplyPatchApprovalRequest, ApprovalRequest, ApprovalResolved, UserQuestion, UserQuestionAnswered,
                 TurnComplete, TurnAborted, TurnDiff, TaskParked, TaskResumed, TaskComplete, TokenCount, BudgetStatus,
                 PlanUpdate, Compacted, StreamError, SessionUpdated, RolledBack, JobEnd, AgentStarted, AgentEnded,
                 NetworkDecision, WorkspaceSnapshot, FilesRestored, Warning, ErrorEvent, Lagged, ShutdownComplete,
                 SessionChanged>;

/// One of the events. Copies, moves and comparison are compiled once (events.cc): instantiated by each of the many
/// users of so wide a variant they took a third of the build.
struct EventMsg : AnyEvent {
  using AnyEvent::variant;
  EventMsg();
  EventMsg(const EventMsg& other);
  EventMsg(EventMsg&& other) noexcept;
  EventMsg& operator=(const EventMsg& other);
  EventMsg& operator=(EventMsg&& other) noexcept;
  ~EventMsg();

  friend bool operator==(const EventMsg& left, const EventMsg& right);
};

/// Whether the event is a record of the journal.
[[nodiscard]] bool is_durable(const EventMsg& msg);
/// The event's `type`.
[[nodiscard]] std::string_view type_of(const EventMsg& msg);

}  // namespace lathe::protocol
