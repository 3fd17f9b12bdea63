#include "lathe/engine/recovery.h"

#include <algorithm>

#include "lathe/base/utf8.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::engine {

using ports::CallEntry;
using protocol::CallOutcome;
using protocol::CallStatus;
using protocol::EventMsg;

namespace {

/// A record takes that much, whatever is escaped in it.
constexpr std::size_t kMostUnfinishedBytes = 8U << 20;

/// The end event of the family that the call was begun in.
EventMsg end_of(const CallEntry& call, CallOutcome outcome) {
  const std::string& id = call.call.call_id;
  if (call.begun_by == protocol::ExecCommandBegin::kType) {
    return protocol::ExecCommandEnd{.call_id = id, .exit_code = std::nullopt, .outcome = std::move(outcome)};
  }
  if (call.begun_by == protocol::PatchApplyBegin::kType) {
    return protocol::PatchApplyEnd{.call_id = id, .outcome = std::move(outcome)};
  }
  return protocol::ToolCallEnd{.call_id = id, .tool = call.call.tool, .outcome = std::move(outcome)};
}

}  // namespace

EventMsg unfinished_item(const ports::RecoveredDraft& draft) {
  std::string text(base::utf8_prefix(draft.text, kMostUnfinishedBytes));
  if (draft.kind == ports::DraftKind::kMessage) {
    return protocol::AgentMessage{
        .item = draft.item, .text = std::move(text), .status = protocol::ItemStatus::kIncomplete};
  }
  return protocol::AgentReasoning{.item = draft.item,
                                  .text = std::move(text),
                                  .provider = {},
                                  .opaque = std::nullopt,
                                  .status = protocol::ItemStatus::kIncomplete};
}

std::vector<EventMsg> close_open_calls(const ports::SessionState& state, CallStatus started_as,
                                       const std::string& started_text, const std::string& not_started_text) {
  std::vector<EventMsg> records;
  for (const ports::PlacedEntry& placed : state.conversation.entries) {
    const auto* call = std::get_if<CallEntry>(&placed.entry);
    if (call == nullptr || call->outcome) continue;
    CallOutcome outcome;
    outcome.status = call->started ? started_as : CallStatus::kCancelled;
    outcome.output = call->started ? started_text : not_started_text;
    records.push_back(end_of(*call, std::move(outcome)));
  }
  return records;
}

namespace {

/// A call that was begun and has no result. One that waits for a sub-agent is none: the agent's journal tells how it
/// ended.
bool any_started_call(const ports::SessionState& state) {
  return std::ranges::any_of(state.conversation.entries, [&](const ports::PlacedEntry& placed) {
    const auto* call = std::get_if<CallEntry>(&placed.entry);
    if (call == nullptr || call->outcome || !call->started) return false;
    return std::ranges::find(state.agents, call->call.call_id, &protocol::AgentStarted::call_id) == state.agents.end();
  });
}

}  // namespace

Recovery plan_recovery(const ports::SessionState& state, const std::vector<ports::RecoveredDraft>& drafts) {
  Recovery recovery;
  for (const ports::RecoveredDraft& draft : drafts) recovery.records.push_back(unfinished_item(draft));
  if (!state.task) return recovery;
  const bool waiting = !state.questions.empty() || state.task->parked;
  // ask_user begins before it asks: a started call that only waits for its answer has no effect of unknown outcome.
  const bool asks_person =
      std::ranges::any_of(state.questions,
                          [](const ports::OpenQuestionState& question) {
                            return std::holds_alternative<protocol::UserQuestion>(question.request);
                          }) ||
      !state.answers.empty();
  if (waiting && (asks_person || !any_started_call(state))) {
    recovery.leftover = Leftover::kWaiting;
    if (!state.task->parked) {
      protocol::TaskParked parked;
      for (const auto& question : state.questions) parked.questions.push_back(question.id);
      recovery.records.emplace_back(std::move(parked));
    }
    return recovery;
  }

  recovery.leftover = Leftover::kCutShort;
  for (EventMsg& closed : close_open_calls(
           state, CallStatus::kInterrupted,
           "Interrupted: Lathe died while this call ran. Its outcome is unknown; check before running it again.",
           "Not run: Lathe died before this call started.")) {
    recovery.records.push_back(std::move(closed));
  }
  recovery.records.emplace_back(
      protocol::TurnAborted{.reason = protocol::AbortReason::kCrashed, .detail = "the process that ran the Task died"});
  // What the model says is recorded before its calls begin; until then the newest text may not be in a draft yet.
  std::string message = "the Task was cut short: the process that ran it died";
  if (!state.task->answer) message += "; up to two seconds of text that was shown may be missing here";
  recovery.records.emplace_back(
      protocol::ErrorEvent{.code = protocol::error_codes::kInterrupted,
                           .message = std::move(message),
                           .hint = "say how to go on: lathe session resume " + state.session_id,
                           .retryable = false,
                           .ends_task = true});
  return recovery;
}

}  // namespace lathe::engine
