#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// A Task from its start to its end, and what it used up.

namespace lathe::protocol {

struct TaskStarted {
  static constexpr std::string_view kType = "task_started";
  static constexpr std::string_view kDoc = "A Task begins.";
  std::string task;
  std::int64_t context_window = 0;
  // What the Task was asked for beside its input, so that it goes on under the same terms after it was parked.
  Budget budget;
  std::optional<base::Json> output_schema;
  bool compact_only = false;
  static constexpr auto fields() {
    using S = TaskStarted;
    return std::tuple{required("task", &S::task, "UUIDv7"),
                      optional("context_window", &S::context_window, "tokens; 0 when unknown"),
                      optional("budget", &S::budget, "its ceilings"),
                      optional("output_schema", &S::output_schema, "JSON Schema that the final answer must follow"),
                      optional("compact_only", &S::compact_only, "it only compacts the conversation")};
  }
  friend bool operator==(const TaskStarted&, const TaskStarted&) = default;
};

struct TurnComplete {
  static constexpr std::string_view kType = "turn_complete";
  static constexpr std::string_view kDoc =
      "A Turn ended: the model answered and its calls have results. The bookmark to continue or fork from.";
  std::string response_id;
  std::string provider_response_id;
  std::string model;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  std::string finish_reason;
  static constexpr auto fields() {
    using S = TurnComplete;
    return std::tuple{
        required("response_id", &S::response_id, "ours; continues or forks from here on any provider"),
        optional("provider_response_id", &S::provider_response_id, "the provider's own"),
        required("model", &S::model, "backend/model that answered"),
        required("usage", &S::usage, "tokens of this Turn"),
        optional("cost_micro_usd", &S::cost_micro_usd, "millionths of a US dollar; absent when the price is unknown"),
        optional("finish_reason", &S::finish_reason, "stop, tool_calls, length, content_filter or other")};
  }
  friend bool operator==(const TurnComplete&, const TurnComplete&) = default;
};

enum class AbortReason { kInterrupted, kReplaced, kReconfigured, kBudget, kLoop, kApproval, kShutdown, kCrashed };
constexpr auto enum_names(AbortReason) {
  return std::array{
      EnumName{AbortReason::kInterrupted, "interrupted"},   EnumName{AbortReason::kReplaced, "replaced"},
      EnumName{AbortReason::kReconfigured, "reconfigured"}, EnumName{AbortReason::kBudget, "budget"},
      EnumName{AbortReason::kLoop, "repeated_call"},        EnumName{AbortReason::kApproval, "approval_aborted"},
      EnumName{AbortReason::kShutdown, "shutdown"},         EnumName{AbortReason::kCrashed, "crashed"}};
}

struct TurnAborted {
  static constexpr std::string_view kType = "turn_aborted";
  static constexpr std::string_view kDoc = "The Task was ended before the model was done.";
  AbortReason reason = AbortReason::kInterrupted;
  std::string detail;
  static constexpr auto fields() {
    return std::tuple{required("reason", &TurnAborted::reason, "what ended it"),
                      optional("detail", &TurnAborted::detail, "which budget, which call, …")};
  }
  friend bool operator==(const TurnAborted&, const TurnAborted&) = default;
};

struct TurnDiff {
  static constexpr std::string_view kType = "turn_diff";
  static constexpr std::string_view kDoc = "All changes that file tools made in this Task, as one diff.";
  static constexpr bool kPassing = true;
  std::string unified_diff;
  static constexpr auto fields() {
    return std::tuple{required("unified_diff", &TurnDiff::unified_diff, "cut at 256 KiB, which it says")};
  }
  friend bool operator==(const TurnDiff&, const TurnDiff&) = default;
};

struct TaskParked {
  static constexpr std::string_view kType = "task_parked";
  static constexpr std::string_view kDoc = "The Task waits only for a person; it needs no process until then.";
  std::vector<std::string> questions;
  std::optional<std::int64_t> active_ms;
  bool handed_over = false;
  static constexpr auto fields() {
    return std::tuple{
        required("questions", &TaskParked::questions, "ids of what it waits for"),
        optional("active_ms", &TaskParked::active_ms,
                 "how long it ran since it started or went on, whatever the wall clock was set to"),
        optional("handed_over", &TaskParked::handed_over,
                 "it stopped at the edge of a Turn and waits for the next daemon, which goes on with it")};
  }
  friend bool operator==(const TaskParked&, const TaskParked&) = default;
};

struct TaskResumed {
  static constexpr std::string_view kType = "task_resumed";
  static constexpr std::string_view kDoc = "A parked Task goes on.";
  std::string task;
  static constexpr auto fields() { return std::tuple{required("task", &TaskResumed::task, "the Task")}; }
  friend bool operator==(const TaskResumed&, const TaskResumed&) = default;
};

struct TaskComplete {
  static constexpr std::string_view kType = "task_complete";
  static constexpr std::string_view kDoc = "The model is done.";
  std::string task;
  std::string last_agent_message;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  std::int64_t turns = 0;
  std::int64_t tool_calls = 0;
  std::int64_t duration_ms = 0;
  static constexpr auto fields() {
    using S = TaskComplete;
    return std::tuple{
        required("task", &S::task, "the Task"),
        optional("last_agent_message", &S::last_agent_message, "the answer"),
        required("usage", &S::usage, "tokens of the whole Task"),
        optional("cost_micro_usd", &S::cost_micro_usd, "millionths of a US dollar; absent when a price is unknown"),
        required("turns", &S::turns, "model requests"),
        required("tool_calls", &S::tool_calls, "tool calls"),
        required("duration_ms", &S::duration_ms, "wall time")};
  }
  friend bool operator==(const TaskComplete&, const TaskComplete&) = default;
};

struct TokenCount {
  static constexpr std::string_view kType = "token_count";
  static constexpr std::string_view kDoc = "Tokens so far.";
  static constexpr bool kPassing = true;
  Usage total;
  Usage last;
  std::int64_t context_tokens = 0;
  std::int64_t context_window = 0;
  static constexpr auto fields() {
    using S = TokenCount;
    return std::tuple{required("total", &S::total, "of this Task"), required("last", &S::last, "of the last Turn"),
                      required("context_tokens", &S::context_tokens, "size of the conversation now"),
                      optional("context_window", &S::context_window, "the model's limit; 0 when unknown")};
  }
  friend bool operator==(const TokenCount&, const TokenCount&) = default;
};

struct BudgetStatus {
  static constexpr std::string_view kType = "budget";
  static constexpr std::string_view kDoc = "A budget is used up to 80 %, or spent.";
  static constexpr bool kPassing = true;
  std::string kind;
  std::int64_t used = 0;
  std::int64_t limit = 0;
  static constexpr auto fields() {
    using S = BudgetStatus;
    return std::tuple{required("kind", &S::kind, "turns, tool_calls, tokens, micro_usd or millis"),
                      required("used", &S::used, "so far"), required("limit", &S::limit, "the ceiling")};
  }
  friend bool operator==(const BudgetStatus&, const BudgetStatus&) = default;
};

struct StreamError {
  static constexpr std::string_view kType = "stream_error";
  static constexpr std::string_view kDoc = "A model request failed and is tried again.";
  static constexpr bool kPassing = true;
  std::string message;
  std::string code;
  std::int64_t attempt = 0;
  std::int64_t of = 0;
  std::int64_t wait_ms = 0;
  static constexpr auto fields() {
    using S = StreamError;
    return std::tuple{required("message", &S::message, "what went wrong"), required("code", &S::code, "error code"),
                      required("attempt", &S::attempt, "the retry that follows, from 1"),
                      required("of", &S::of, "retries at most"), required("wait_ms", &S::wait_ms, "pause before it")};
  }
  friend bool operator==(const StreamError&, const StreamError&) = default;
};

}  // namespace lathe::protocol
