#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/ports/conversation.h"
#include "lathe/protocol/calls.h"
#include "lathe/protocol/events.h"

namespace lathe::ports {

/// A question that no record has settled yet.
struct OpenQuestionState {
  std::string id;
  std::string call_id;
  /// The event that asked.
  protocol::EventMsg request;
  base::UnixMillis asked_at = 0;
  friend bool operator==(const OpenQuestionState&, const OpenQuestionState&) = default;
};

/// A Task that has started and has no end in the journal.
struct OpenTask {
  std::string task;
  /// Id of the submission that started it; the `id` of its events.
  std::string submission;
  base::UnixMillis started_at = 0;
  std::int64_t start_seq = 0;
  protocol::Usage usage;
  /// Cost so far; nothing once a Turn of unknown price was taken.
  std::optional<std::int64_t> cost_micro_usd = 0;
  std::int64_t turns = 0;
  std::int64_t tool_calls = 0;
  bool parked = false;
  /// The answer whose calls are under way, as tool_calls told it, without the calls; turn_complete ends it.
  std::optional<protocol::ToolCalls> answer;
  /// Milliseconds that the Task ran before it last parked, and when it last began to run (start or resumption).
  std::int64_t active_ms = 0;
  base::UnixMillis active_since = 0;
  friend bool operator==(const OpenTask&, const OpenTask&) = default;
};

/// A Turn that can be continued or forked from.
struct Bookmark {
  std::string response_id;
  std::int64_t seq = 0;
  friend bool operator==(const Bookmark&, const Bookmark&) = default;
};

/// Everything that a session is, as its journal tells it. A value; small next to the journal: what a compaction
/// replaced is not in it. Old bookmarks and Task starts are kept (they are a few bytes each).
struct SessionState {
  std::string session_id;
  std::int64_t last_seq = 0;
  base::UnixMillis created_at = 0;
  base::UnixMillis updated_at = 0;
  std::optional<protocol::SessionConfigured> config;
  std::optional<protocol::ForkedFrom> forked_from;
  Conversation conversation;
  std::optional<OpenTask> task;
  std::vector<OpenQuestionState> questions;
  /// Answers to approvals of calls that have no result yet, by call id.
  std::map<std::string, protocol::ApprovalResolved> decisions;
  /// Answers to questions of calls that have no result yet, by call id.
  std::map<std::string, protocol::UserQuestionAnswered> answers;
  /// Canonical keys of what was approved for the whole session.
  std::vector<std::string> session_grants;
  std::vector<Bookmark> bookmarks;
  /// seq of every task_started that still counts.
  std::vector<std::int64_t> task_starts;
  /// "<client>/<op id>" -> seq, for repeated submissions; the newest 1,024.
  std::vector<std::pair<std::string, std::int64_t>> acknowledged;
  std::vector<protocol::PlanStep> plan;
  protocol::Usage usage;
  std::optional<std::int64_t> cost_micro_usd = 0;
  std::int64_t tasks = 0;
  std::string title;
  friend bool operator==(const SessionState&, const SessionState&) = default;
};

/// idle, running, parked or interrupted. `held`: a live process has the session open.
[[nodiscard]] inline protocol::SessionState session_state_of(const SessionState& state, bool held) {
  if (!state.task) return protocol::SessionState::kIdle;
  if (state.task->parked) return protocol::SessionState::kParked;
  return held ? protocol::SessionState::kRunning : protocol::SessionState::kInterrupted;
}

}  // namespace lathe::ports
