#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/ports/bookmarks.h"
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
  static constexpr auto fields() {
    using S = OpenQuestionState;
    return std::tuple{protocol::required("id", &S::id, "the question"),
                      protocol::required("call_id", &S::call_id, "the call"),
                      protocol::required("request", &S::request, "what was asked"),
                      protocol::required("asked_at", &S::asked_at, "unix milliseconds")};
  }
  friend bool operator==(const OpenQuestionState&, const OpenQuestionState&) = default;
};

/// What sub-agents used that ended within a Task.
struct AgentUse {
  protocol::Usage usage;
  /// Nothing once a price was unknown.
  std::optional<std::int64_t> cost_micro_usd = 0;
  std::int64_t turns = 0;
  std::int64_t tool_calls = 0;
  static constexpr auto fields() {
    using S = AgentUse;
    return std::tuple{protocol::required("usage", &S::usage, "tokens"),
                      protocol::required("cost_micro_usd", &S::cost_micro_usd, "null when unknown"),
                      protocol::required("turns", &S::turns, "model requests"),
                      protocol::required("tool_calls", &S::tool_calls, "tool calls")};
  }
  friend bool operator==(const AgentUse&, const AgentUse&) = default;
};

/// A Task that has started and has no end in the journal.
struct OpenTask {
  std::string task;
  /// Id of the submission that started it; the `id` of its events.
  std::string submission;
  base::UnixMillis started_at = 0;
  std::int64_t start_seq = 0;
  /// As task_started told them.
  protocol::Budget budget;
  std::optional<base::Json> output_schema;
  protocol::Usage usage;
  /// Cost so far; nothing once a Turn of unknown price was taken.
  std::optional<std::int64_t> cost_micro_usd = 0;
  std::int64_t turns = 0;
  std::int64_t tool_calls = 0;
  bool parked = false;
  /// Parked at the edge of a Turn, for the next daemon to go on with.
  bool handed_over = false;
  /// Counted in the four above already.
  AgentUse agents;
  /// The answer whose calls are under way, as tool_calls told it, without the calls; turn_complete ends it.
  std::optional<protocol::ToolCalls> answer;
  /// Milliseconds that the Task ran before it last parked, and when it last began to run (start or resumption).
  std::int64_t active_ms = 0;
  base::UnixMillis active_since = 0;
  static constexpr auto fields() {
    using S = OpenTask;
    return std::tuple{protocol::required("task", &S::task, "UUIDv7"),
                      protocol::required("submission", &S::submission, "what started it"),
                      protocol::required("started_at", &S::started_at, "unix milliseconds"),
                      protocol::required("start_seq", &S::start_seq, "its task_started"),
                      protocol::optional("budget", &S::budget, "its ceilings"),
                      protocol::optional("output_schema", &S::output_schema, "of the final answer"),
                      protocol::required("usage", &S::usage, "tokens so far"),
                      protocol::required("cost_micro_usd", &S::cost_micro_usd, "null when unknown"),
                      protocol::required("turns", &S::turns, "model requests"),
                      protocol::required("tool_calls", &S::tool_calls, "tool calls"),
                      protocol::optional("parked", &S::parked, "waits for a person"),
                      protocol::optional("handed_over", &S::handed_over, "parked for the next daemon"),
                      protocol::optional("agents", &S::agents, "of these, by sub-agents"),
                      protocol::optional("answer", &S::answer, "the answer under way"),
                      protocol::optional("active_ms", &S::active_ms, "before it last parked"),
                      protocol::optional("active_since", &S::active_since, "when it last began to run")};
  }
  friend bool operator==(const OpenTask&, const OpenTask&) = default;
};

/// A background job or live terminal whose end no record tells.
struct LiveJob {
  std::string job;
  std::string call_id;
  std::vector<std::string> command;
  static constexpr auto fields() {
    using S = LiveJob;
    return std::tuple{protocol::required("job", &S::job, "the job"),
                      protocol::required("call_id", &S::call_id, "the call that started it"),
                      protocol::required("command", &S::command, "argv")};
  }
  friend bool operator==(const LiveJob&, const LiveJob&) = default;
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
  /// What those answers were about.
  std::map<std::string, OpenQuestionState> decided_questions;
  /// Answers to questions of calls that have no result yet, by call id.
  std::map<std::string, protocol::UserQuestionAnswered> answers;
  /// Canonical keys of what was approved for the whole session.
  std::vector<std::string> session_grants;
  /// Not among the fields: a snapshot keeps them beside the rest (journal/snapshot.h).
  Bookmarks bookmarks;
  /// seq of every task_started that still counts: what persons asked for, so none that only compacted.
  std::vector<std::int64_t> task_starts;
  /// "<client>/<op id>" -> seq, for repeated submissions; the newest 1,024 and up to as many before them.
  std::map<std::string, std::int64_t> acknowledged;
  std::vector<protocol::PlanStep> plan;
  /// Sub-agents that have started and not ended.
  std::vector<protocol::AgentStarted> agents;
  /// Of this session alone: what its sub-agents used is told by theirs.
  protocol::Usage usage;
  std::optional<std::int64_t> cost_micro_usd = 0;
  /// Those that persons asked for, also those that were taken back.
  std::int64_t tasks = 0;
  std::string title;
  std::vector<LiveJob> jobs;
  /// Ends of jobs that the model has not been told.
  std::vector<protocol::JobEnd> job_news;
  static constexpr auto fields() {
    using S = SessionState;
    return std::tuple{protocol::required("session_id", &S::session_id, "UUIDv7"),
                      protocol::required("last_seq", &S::last_seq, "last record"),
                      protocol::required("created_at", &S::created_at, "unix milliseconds"),
                      protocol::required("updated_at", &S::updated_at, "unix milliseconds"),
                      protocol::optional("config", &S::config, "the latest"),
                      protocol::optional("forked_from", &S::forked_from, "the parent"),
                      protocol::required("conversation", &S::conversation, "as the model sees it"),
                      protocol::optional("task", &S::task, "the open Task"),
                      protocol::optional("questions", &S::questions, "open ones"),
                      protocol::optional("decisions", &S::decisions, "by call id"),
                      protocol::optional("decided_questions", &S::decided_questions, "what they answered"),
                      protocol::optional("answers", &S::answers, "by call id"),
                      protocol::optional("session_grants", &S::session_grants, "canonical keys"),
                      protocol::optional("task_starts", &S::task_starts, "their seqs"),
                      protocol::optional("acknowledged", &S::acknowledged, "submissions and their records"),
                      protocol::optional("plan", &S::plan, "the model's"),
                      protocol::optional("agents", &S::agents, "that have not ended"),
                      protocol::required("usage", &S::usage, "tokens"),
                      protocol::required("cost_micro_usd", &S::cost_micro_usd, "null when unknown"),
                      protocol::required("tasks", &S::tasks, "Tasks so far"),
                      protocol::optional("title", &S::title, "for lists"),
                      protocol::optional("jobs", &S::jobs, "those that live"),
                      protocol::optional("job_news", &S::job_news, "ends that the model has not been told")};
  }
  friend bool operator==(const SessionState&, const SessionState&) = default;
};

/// idle, running, parked or interrupted. `held`: a live process has the session open.
[[nodiscard]] inline protocol::SessionState session_state_of(const SessionState& state, bool held) {
  if (!state.task) return protocol::SessionState::kIdle;
  if (state.task->parked) return protocol::SessionState::kParked;
  return held ? protocol::SessionState::kRunning : protocol::SessionState::kInterrupted;
}

}  // namespace lathe::ports
