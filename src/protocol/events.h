#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// What comes back from a session (protocol_v1 "EventMsg"; ARCHITECTURE 4.2 and 4.3).
//
// Durable events are records of the session's journal: they are appended before anyone sees them. Passing events
// (kPassing = true) are progress: they have no seq and are lost with the connection; a durable event completes them.
//
// A Task is: task_started, user_message, Turns, and exactly one end: task_complete, or turn_aborted (interrupt,
// replacement, budget, …) followed by error unless it was replaced, or error with ends_task, or task_parked.
// A Turn is: context_added*, reasoning and messages, tool_calls, begin and end of each call, turn_complete.

namespace lathe::protocol {

struct SessionConfigured {
  static constexpr std::string_view kType = "session_configured";
  static constexpr std::string_view kDoc =
      "The session's configuration; the first event of a session, and after each configure.";
  std::string session_id;
  std::string model;
  std::string backend;
  std::string provider;
  std::string cwd;
  ApprovalPolicy approval_policy = ApprovalPolicy::kOnRequest;
  AskMode ask = AskMode::kClient;
  Budget budget;
  std::string system_prompt;
  std::vector<std::string> fallback_models;
  std::string title;
  std::string sandbox;
  std::string driver;
  bool replayed = false;
  static constexpr auto fields() {
    using S = SessionConfigured;
    return std::tuple{required("session_id", &S::session_id, "UUIDv7"),
                      required("model", &S::model, "model name at the backend"),
                      required("backend", &S::backend, "name of the backend"),
                      required("provider", &S::provider, "wire format: openai_responses, openai_chat, anthropic, …"),
                      required("cwd", &S::cwd, "absolute folder in which tools work"),
                      required("approval_policy", &S::approval_policy, "when a person is asked"),
                      required("ask", &S::ask, "what happens to a question"),
                      optional("budget", &S::budget, "ceilings of each Task"),
                      optional("system_prompt", &S::system_prompt, "the whole system prompt, kept for a stable prefix"),
                      optional("fallback_models", &S::fallback_models, "tried in order"),
                      optional("title", &S::title, "a name for lists"),
                      required("sandbox", &S::sandbox, "level of confinement that commands run at"),
                      required("driver", &S::driver, "what runs the Tasks"),
                      optional("replayed", &S::replayed, "answers come from a recording")};
  }
  friend bool operator==(const SessionConfigured&, const SessionConfigured&) = default;
};

struct ForkedFrom {
  static constexpr std::string_view kType = "forked_from";
  static constexpr std::string_view kDoc =
      "First record of a forked session: everything up to that seq is the parent's.";
  std::string session_id;
  std::int64_t seq = 0;
  std::string response_id;
  static constexpr auto fields() {
    return std::tuple{required("session_id", &ForkedFrom::session_id, "the parent"),
                      required("seq", &ForkedFrom::seq, "last record of the parent that counts"),
                      optional("response_id", &ForkedFrom::response_id, "the bookmark that was forked from")};
  }
  friend bool operator==(const ForkedFrom&, const ForkedFrom&) = default;
};

struct TaskStarted {
  static constexpr std::string_view kType = "task_started";
  static constexpr std::string_view kDoc = "A Task begins.";
  std::string task;
  std::int64_t context_window = 0;
  static constexpr auto fields() {
    return std::tuple{required("task", &TaskStarted::task, "UUIDv7"),
                      optional("context_window", &TaskStarted::context_window, "tokens; 0 when unknown")};
  }
  friend bool operator==(const TaskStarted&, const TaskStarted&) = default;
};

struct UserMessage {
  static constexpr std::string_view kType = "user_message";
  static constexpr std::string_view kDoc = "What a person said; recording it is what acknowledges a user_input.";
  std::string item;
  std::vector<ContentPart> content;
  bool steer = false;
  static constexpr auto fields() {
    using S = UserMessage;
    return std::tuple{required("item", &S::item, "the item's id"), required("content", &S::content, "text and images"),
                      optional("steer", &S::steer, "said into a running Task")};
  }
  friend bool operator==(const UserMessage&, const UserMessage&) = default;
};

enum class ContextKind { kEnvironment, kProjectDocs, kUserContext, kNudge, kInterruption };
constexpr auto enum_names(ContextKind) {
  return std::array{EnumName{ContextKind::kEnvironment, "environment"},
                    EnumName{ContextKind::kProjectDocs, "project_docs"},
                    EnumName{ContextKind::kUserContext, "user_context"}, EnumName{ContextKind::kNudge, "nudge"},
                    EnumName{ContextKind::kInterruption, "interruption"}};
}

struct ContextAdded {
  static constexpr std::string_view kType = "context_added";
  static constexpr std::string_view kDoc = "Text that Lathe put before the model: facts, project documents, a nudge.";
  std::string item;
  ContextKind kind = ContextKind::kEnvironment;
  std::string text;
  static constexpr auto fields() {
    using S = ContextAdded;
    return std::tuple{required("item", &S::item, "the item's id"), required("kind", &S::kind, "where it is from"),
                      required("text", &S::text, "exactly what the model sees")};
  }
  friend bool operator==(const ContextAdded&, const ContextAdded&) = default;
};

struct AgentMessage {
  static constexpr std::string_view kType = "agent_message";
  static constexpr std::string_view kDoc = "A whole message of the model; completes its deltas.";
  std::string item;
  std::string text;
  ItemStatus status = ItemStatus::kComplete;
  static constexpr auto fields() {
    using S = AgentMessage;
    return std::tuple{required("item", &S::item, "the item's id"), required("text", &S::text, "the text, Markdown"),
                      optional("status", &S::status, "incomplete when it was cut short")};
  }
  friend bool operator==(const AgentMessage&, const AgentMessage&) = default;
};

struct AgentMessageDelta {
  static constexpr std::string_view kType = "agent_message_delta";
  static constexpr std::string_view kDoc = "More text of a message.";
  static constexpr bool kPassing = true;
  std::string item;
  std::int64_t offset = 0;
  std::string text;
  static constexpr auto fields() {
    using S = AgentMessageDelta;
    return std::tuple{required("item", &S::item, "the item's id"),
                      required("offset", &S::offset, "bytes of the item before this text"),
                      required("text", &S::text, "the text")};
  }
  friend bool operator==(const AgentMessageDelta&, const AgentMessageDelta&) = default;
};

struct AgentReasoning {
  static constexpr std::string_view kType = "agent_reasoning";
  static constexpr std::string_view kDoc = "Reasoning that the model showed, with what its provider wants back.";
  std::string item;
  std::string text;
  std::string provider;
  std::optional<base::Json> opaque;
  ItemStatus status = ItemStatus::kComplete;
  static constexpr auto fields() {
    using S = AgentReasoning;
    return std::tuple{required("item", &S::item, "the item's id"), required("text", &S::text, "the text, or a summary"),
                      optional("provider", &S::provider, "wire format that `opaque` belongs to"),
                      optional("opaque", &S::opaque, "sent back to that provider unchanged"),
                      optional("status", &S::status, "incomplete when it was cut short")};
  }
  friend bool operator==(const AgentReasoning&, const AgentReasoning&) = default;
};

struct AgentReasoningDelta {
  static constexpr std::string_view kType = "agent_reasoning_delta";
  static constexpr std::string_view kDoc = "More text of reasoning.";
  static constexpr bool kPassing = true;
  std::string item;
  std::int64_t offset = 0;
  std::string text;
  static constexpr auto fields() {
    using S = AgentReasoningDelta;
    return std::tuple{required("item", &S::item, "the item's id"),
                      required("offset", &S::offset, "bytes of the item before this text"),
                      required("text", &S::text, "the text")};
  }
  friend bool operator==(const AgentReasoningDelta&, const AgentReasoningDelta&) = default;
};

struct ItemReset {
  static constexpr std::string_view kType = "item_reset";
  static constexpr std::string_view kDoc = "The stream is tried again: forget the deltas of this item.";
  static constexpr bool kPassing = true;
  std::string item;
  static constexpr auto fields() { return std::tuple{required("item", &ItemReset::item, "the item's id")}; }
  friend bool operator==(const ItemReset&, const ItemReset&) = default;
};

struct ToolCalls {
  static constexpr std::string_view kType = "tool_calls";
  static constexpr std::string_view kDoc =
      "The calls that one answer of the model asked for, recorded before any of them runs.";
  std::vector<ToolCall> calls;
  // What the Turn's turn_complete will say of the answer, so that a Task that parks or dies before it keeps the count.
  std::string provider_response_id;
  std::string model;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  std::string finish_reason;
  static constexpr auto fields() {
    using S = ToolCalls;
    return std::tuple{
        required("calls", &S::calls, "in the model's order"),
        optional("provider_response_id", &S::provider_response_id, "the provider's own"),
        optional("model", &S::model, "backend/model that answered"),
        optional("usage", &S::usage, "tokens of the answer; counted with turn_complete"),
        optional("cost_micro_usd", &S::cost_micro_usd, "millionths of a US dollar; absent when the price is unknown"),
        optional("finish_reason", &S::finish_reason, "stop, tool_calls, length, content_filter or other")};
  }
  friend bool operator==(const ToolCalls&, const ToolCalls&) = default;
};

struct ExecCommandBegin {
  static constexpr std::string_view kType = "exec_command_begin";
  static constexpr std::string_view kDoc = "A command is about to run. Recorded before it starts.";
  std::string call_id;
  std::vector<std::string> command;
  std::string cwd;
  static constexpr auto fields() {
    using S = ExecCommandBegin;
    return std::tuple{required("call_id", &S::call_id, "the call"), required("command", &S::command, "argv"),
                      required("cwd", &S::cwd, "absolute folder")};
  }
  friend bool operator==(const ExecCommandBegin&, const ExecCommandBegin&) = default;
};

struct ExecCommandOutputDelta {
  static constexpr std::string_view kType = "exec_command_output_delta";
  static constexpr std::string_view kDoc = "Output of a command that runs.";
  static constexpr bool kPassing = true;
  std::string call_id;
  std::int64_t offset = 0;
  OutputStream stream = OutputStream::kStdout;
  std::string text;
  static constexpr auto fields() {
    using S = ExecCommandOutputDelta;
    return std::tuple{required("call_id", &S::call_id, "the call"),
                      required("offset", &S::offset, "bytes of both streams before this text"),
                      required("stream", &S::stream, "which stream"), required("text", &S::text, "the text")};
  }
  friend bool operator==(const ExecCommandOutputDelta&, const ExecCommandOutputDelta&) = default;
};

/// The end of any tool call: what the model is told, and where the rest is.
struct CallOutcome {
  static constexpr std::string_view kDoc = "How a call ended and what the model is told.";
  CallStatus status = CallStatus::kCompleted;
  std::string output;
  std::string output_blob;
  std::int64_t output_bytes = 0;
  std::int64_t duration_ms = 0;
  std::vector<ContentPart> images;
  static constexpr auto fields() {
    using S = CallOutcome;
    return std::tuple{required("status", &S::status, "how it ended"),
                      required("output", &S::output, "exactly what the model sees: head and tail when it was long"),
                      optional("output_blob", &S::output_blob, "SHA-256 of the whole output when `output` is cut"),
                      optional("output_bytes", &S::output_bytes, "size of the whole output when `output` is cut"),
                      optional("duration_ms", &S::duration_ms, "how long it took"),
                      optional("images", &S::images, "images that the model sees with the output")};
  }
  friend bool operator==(const CallOutcome&, const CallOutcome&) = default;
};

struct ExecCommandEnd {
  static constexpr std::string_view kType = "exec_command_end";
  static constexpr std::string_view kDoc = "A command ended, or was refused.";
  std::string call_id;
  std::optional<std::int64_t> exit_code;
  CallOutcome outcome;
  static constexpr auto fields() {
    using S = ExecCommandEnd;
    return std::tuple{
        required("call_id", &S::call_id, "the call"),
        optional("exit_code", &S::exit_code, "exit code, 128 + signal; absent when it never ran to an end"),
        required("outcome", &S::outcome, "status and output")};
  }
  friend bool operator==(const ExecCommandEnd&, const ExecCommandEnd&) = default;
};

struct PatchApplyBegin {
  static constexpr std::string_view kType = "patch_apply_begin";
  static constexpr std::string_view kDoc = "Files are about to change. Recorded before they do.";
  std::string call_id;
  std::vector<FileChange> changes;
  static constexpr auto fields() {
    using S = PatchApplyBegin;
    return std::tuple{required("call_id", &S::call_id, "the call"), required("changes", &S::changes, "file by file")};
  }
  friend bool operator==(const PatchApplyBegin&, const PatchApplyBegin&) = default;
};

struct PatchApplyEnd {
  static constexpr std::string_view kType = "patch_apply_end";
  static constexpr std::string_view kDoc = "Files were changed, or not.";
  std::string call_id;
  CallOutcome outcome;
  static constexpr auto fields() {
    using S = PatchApplyEnd;
    return std::tuple{required("call_id", &S::call_id, "the call"),
                      required("outcome", &S::outcome, "status and output")};
  }
  friend bool operator==(const PatchApplyEnd&, const PatchApplyEnd&) = default;
};

struct ToolCallBegin {
  static constexpr std::string_view kType = "tool_call_begin";
  static constexpr std::string_view kDoc = "Any other tool is about to run.";
  std::string call_id;
  std::string tool;
  std::string title;
  static constexpr auto fields() {
    using S = ToolCallBegin;
    return std::tuple{required("call_id", &S::call_id, "the call"), required("tool", &S::tool, "the tool's name"),
                      optional("title", &S::title, "what it does, in a few words for a person")};
  }
  friend bool operator==(const ToolCallBegin&, const ToolCallBegin&) = default;
};

struct ToolCallEnd {
  static constexpr std::string_view kType = "tool_call_end";
  static constexpr std::string_view kDoc = "Any other tool ended, or the call could not be run.";
  std::string call_id;
  std::string tool;
  CallOutcome outcome;
  static constexpr auto fields() {
    using S = ToolCallEnd;
    return std::tuple{required("call_id", &S::call_id, "the call"), required("tool", &S::tool, "the tool's name"),
                      required("outcome", &S::outcome, "status and output")};
  }
  friend bool operator==(const ToolCallEnd&, const ToolCallEnd&) = default;
};

struct ExecApprovalRequest {
  static constexpr std::string_view kType = "exec_approval_request";
  static constexpr std::string_view kDoc = "May this command run?";
  std::string id;
  std::string call_id;
  std::vector<std::string> command;
  std::string cwd;
  std::string reason;
  std::string rule;
  static constexpr auto fields() {
    using S = ExecApprovalRequest;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("call_id", &S::call_id, "the call"),
                      required("command", &S::command, "argv"),
                      required("cwd", &S::cwd, "absolute folder"),
                      optional("reason", &S::reason, "why, in the model's words"),
                      required("rule", &S::rule, "what made it a question")};
  }
  friend bool operator==(const ExecApprovalRequest&, const ExecApprovalRequest&) = default;
};

struct ApplyPatchApprovalRequest {
  static constexpr std::string_view kType = "apply_patch_approval_request";
  static constexpr std::string_view kDoc = "May these files be changed?";
  std::string id;
  std::string call_id;
  std::vector<FileChange> changes;
  std::string reason;
  std::string rule;
  static constexpr auto fields() {
    using S = ApplyPatchApprovalRequest;
    return std::tuple{required("id", &S::id, "the question's id"), required("call_id", &S::call_id, "the call"),
                      required("changes", &S::changes, "file by file"),
                      optional("reason", &S::reason, "why, in the model's words"),
                      required("rule", &S::rule, "what made it a question")};
  }
  friend bool operator==(const ApplyPatchApprovalRequest&, const ApplyPatchApprovalRequest&) = default;
};

struct ApprovalRequest {
  static constexpr std::string_view kType = "approval_request";
  static constexpr std::string_view kDoc = "May this tool be called?";
  std::string id;
  std::string call_id;
  std::string tool;
  std::string arguments;
  std::string reason;
  std::string rule;
  static constexpr auto fields() {
    using S = ApprovalRequest;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("call_id", &S::call_id, "the call"),
                      required("tool", &S::tool, "the tool's name"),
                      required("arguments", &S::arguments, "its arguments"),
                      optional("reason", &S::reason, "why, in the model's words"),
                      required("rule", &S::rule, "what made it a question")};
  }
  friend bool operator==(const ApprovalRequest&, const ApprovalRequest&) = default;
};

struct ApprovalResolved {
  static constexpr std::string_view kType = "approval_resolved";
  static constexpr std::string_view kDoc = "A question was settled.";
  std::string id;
  std::string call_id;
  Decision decision = Decision::kDenied;
  std::string by;
  std::string note;
  std::optional<base::Json> amended_input;
  static constexpr auto fields() {
    using S = ApprovalResolved;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("call_id", &S::call_id, "the call"),
                      required("decision", &S::decision, "the answer"),
                      required("by", &S::by, "the client that answered, or what decided when nobody could"),
                      optional("note", &S::note, "told to the model"),
                      optional("amended_input", &S::amended_input, "arguments used instead")};
  }
  friend bool operator==(const ApprovalResolved&, const ApprovalResolved&) = default;
};

struct UserQuestion {
  static constexpr std::string_view kType = "user_question";
  static constexpr std::string_view kDoc = "The model asks the person.";
  std::string id;
  std::string call_id;
  std::vector<Question> questions;
  static constexpr auto fields() {
    using S = UserQuestion;
    return std::tuple{required("id", &S::id, "the question's id"), required("call_id", &S::call_id, "the call"),
                      required("questions", &S::questions, "to be answered in order")};
  }
  friend bool operator==(const UserQuestion&, const UserQuestion&) = default;
};

struct UserQuestionAnswered {
  static constexpr std::string_view kType = "user_question_answered";
  static constexpr std::string_view kDoc = "The person answered, or nobody could.";
  std::string id;
  std::string call_id;
  std::vector<std::string> answers;
  std::string by;
  static constexpr auto fields() {
    using S = UserQuestionAnswered;
    return std::tuple{required("id", &S::id, "the question's id"), required("call_id", &S::call_id, "the call"),
                      required("answers", &S::answers, "one for each question; empty when nobody could answer"),
                      required("by", &S::by, "the client that answered")};
  }
  friend bool operator==(const UserQuestionAnswered&, const UserQuestionAnswered&) = default;
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
  static constexpr auto fields() {
    return std::tuple{required("questions", &TaskParked::questions, "ids of what it waits for")};
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

struct PlanUpdate {
  static constexpr std::string_view kType = "plan_update";
  static constexpr std::string_view kDoc = "The model's plan, whole.";
  std::string explanation;
  std::vector<PlanStep> plan;
  static constexpr auto fields() {
    return std::tuple{optional("explanation", &PlanUpdate::explanation, "why it changed"),
                      required("plan", &PlanUpdate::plan, "all steps")};
  }
  friend bool operator==(const PlanUpdate&, const PlanUpdate&) = default;
};

struct Compacted {
  static constexpr std::string_view kType = "compacted";
  static constexpr std::string_view kDoc =
      "The older conversation was replaced by a summary for the model. The originals stay in the journal.";
  std::string item;
  std::string summary;
  std::int64_t keep_from_seq = 0;
  std::int64_t tokens_before = 0;
  std::int64_t tokens_after = 0;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  static constexpr auto fields() {
    using S = Compacted;
    return std::tuple{required("item", &S::item, "the item's id"),
                      required("summary", &S::summary, "what the model sees instead"),
                      required("keep_from_seq", &S::keep_from_seq, "items from this seq on are kept whole"),
                      required("tokens_before", &S::tokens_before, "estimate before"),
                      required("tokens_after", &S::tokens_after, "estimate after; always smaller"),
                      optional("usage", &S::usage, "tokens of the summary request"),
                      optional("cost_micro_usd", &S::cost_micro_usd, "its cost; absent when the price is unknown")};
  }
  friend bool operator==(const Compacted&, const Compacted&) = default;
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

struct SessionUpdated {
  static constexpr std::string_view kType = "session_updated";
  static constexpr std::string_view kDoc = "Some of the configuration changed without a new configure.";
  std::string model;
  std::string backend;
  std::string provider;
  std::string title;
  static constexpr auto fields() {
    using S = SessionUpdated;
    return std::tuple{
        optional("model", &S::model, "the new model"), optional("backend", &S::backend, "the new backend"),
        optional("provider", &S::provider, "its wire format"), optional("title", &S::title, "the new title")};
  }
  friend bool operator==(const SessionUpdated&, const SessionUpdated&) = default;
};

struct RolledBack {
  static constexpr std::string_view kType = "rolled_back";
  static constexpr std::string_view kDoc =
      "The end of the conversation was taken back; what is taken back stays in the journal.";
  std::int64_t to_seq = 0;
  std::string response_id;
  std::int64_t tasks = 0;
  static constexpr auto fields() {
    using S = RolledBack;
    return std::tuple{required("to_seq", &S::to_seq, "last record that still counts; 0: none"),
                      optional("response_id", &S::response_id, "the bookmark that is the latest again"),
                      optional("tasks", &S::tasks, "how many Tasks were taken back, when asked so")};
  }
  friend bool operator==(const RolledBack&, const RolledBack&) = default;
};

struct Warning {
  static constexpr std::string_view kType = "warning";
  static constexpr std::string_view kDoc = "Something a person should know; the Task goes on.";
  std::string code;
  std::string message;
  static constexpr auto fields() {
    return std::tuple{optional("code", &Warning::code, "stable name"),
                      required("message", &Warning::message, "the text")};
  }
  friend bool operator==(const Warning&, const Warning&) = default;
};

struct ErrorEvent {
  static constexpr std::string_view kType = "error";
  static constexpr std::string_view kDoc = "Something failed.";
  std::string code;
  std::string message;
  std::string hint;
  bool retryable = false;
  bool ends_task = false;
  static constexpr auto fields() {
    using S = ErrorEvent;
    return std::tuple{required("code", &S::code, "error code"), required("message", &S::message, "what failed"),
                      optional("hint", &S::hint, "what to do"),
                      required("retryable", &S::retryable, "may succeed later as it is"),
                      optional("ends_task", &S::ends_task, "the Task is over")};
  }
  friend bool operator==(const ErrorEvent&, const ErrorEvent&) = default;
};

struct Lagged {
  static constexpr std::string_view kType = "lagged";
  static constexpr std::string_view kDoc = "This subscriber was too slow: subscribe again from the last seq.";
  static constexpr bool kPassing = true;
  std::int64_t last_seq = 0;
  static constexpr auto fields() {
    return std::tuple{required("last_seq", &Lagged::last_seq, "last record that was sent")};
  }
  friend bool operator==(const Lagged&, const Lagged&) = default;
};

struct ShutdownComplete {
  static constexpr std::string_view kType = "shutdown_complete";
  static constexpr std::string_view kDoc = "The session is closed; nothing more comes.";
  static constexpr bool kPassing = true;
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const ShutdownComplete&, const ShutdownComplete&) = default;
};

using EventMsg =
    std::variant<SessionConfigured, ForkedFrom, TaskStarted, UserMessage, ContextAdded, AgentMessage, AgentMessageDelta,
                 AgentReasoning, AgentReasoningDelta, ItemReset, ToolCalls, ExecCommandBegin, ExecCommandOutputDelta,
                 ExecCommandEnd, PatchApplyBegin, PatchApplyEnd, ToolCallBegin, ToolCallEnd, ExecApprovalRequest,
                 ApplyPatchApprovalRequest, ApprovalRequest, ApprovalResolved, UserQuestion, UserQuestionAnswered,
                 TurnComplete, TurnAborted, TurnDiff, TaskParked, TaskResumed, TaskComplete, TokenCount, BudgetStatus,
                 PlanUpdate, Compacted, StreamError, SessionUpdated, RolledBack, Warning, ErrorEvent, Lagged,
                 ShutdownComplete>;

/// Whether the event is a record of the journal.
[[nodiscard]] constexpr bool is_durable(const EventMsg& msg) {
  return std::visit([]<class T>(const T&) { return !requires { T::kPassing; }; }, msg);
}
/// The event's `type`.
[[nodiscard]] constexpr std::string_view type_of(const EventMsg& msg) {
  return std::visit([]<class T>(const T&) { return T::kType; }, msg);
}

}  // namespace lathe::protocol
