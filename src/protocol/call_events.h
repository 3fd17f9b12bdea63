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

// Tool calls: what was asked for, what began, how it ended.

namespace lathe::protocol {

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
  std::string sandbox;
  std::string job;
  static constexpr auto fields() {
    using S = ExecCommandBegin;
    return std::tuple{required("call_id", &S::call_id, "the call"), required("command", &S::command, "argv"),
                      required("cwd", &S::cwd, "absolute folder"),
                      optional("sandbox", &S::sandbox, "level of confinement it runs at; \"none\" outside the jail"),
                      optional("job", &S::job, "it goes on in the background under this id")};
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

/// The line that says a command's exit code in what the model is told.
[[nodiscard]] inline std::string exit_code_line(std::int64_t exit_code) {
  return "Exit code: " + std::to_string(exit_code) + "\n";
}

/// The end of any tool call: what the model is told, and where the rest is.
struct CallOutcome {
  static constexpr std::string_view kDoc = "How a call ended and what the model is told.";
  CallStatus status = CallStatus::kCompleted;
  std::string output;
  std::int64_t header_bytes = 0;
  std::string output_blob;
  std::int64_t output_bytes = 0;
  std::int64_t duration_ms = 0;
  std::vector<ContentPart> images;
  static constexpr auto fields() {
    using S = CallOutcome;
    return std::tuple{required("status", &S::status, "how it ended"),
                      required("output", &S::output, "exactly what the model sees: head and tail when it was long"),
                      optional("header_bytes", &S::header_bytes,
                               "bytes at the start of `output` that say how it went; what the call wrote follows"),
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

enum class JobState { kExited, kKilled, kTimedOut, kLost };
constexpr auto enum_names(JobState) {
  return std::array{EnumName{JobState::kExited, "exited"}, EnumName{JobState::kKilled, "killed"},
                    EnumName{JobState::kTimedOut, "timed_out"}, EnumName{JobState::kLost, "lost"}};
}

struct JobEnd {
  static constexpr std::string_view kType = "job_end";
  static constexpr std::string_view kDoc = "A background job or live shell ended; the model is told.";
  std::string job;
  std::string call_id;
  JobState state = JobState::kExited;
  std::optional<std::int64_t> exit_code;
  std::string tail;
  std::string output_blob;
  std::int64_t output_bytes = 0;
  std::string refused = {};
  static constexpr auto fields() {
    using S = JobEnd;
    return std::tuple{required("job", &S::job, "the job"),
                      required("call_id", &S::call_id, "the call that started it"),
                      required("state", &S::state, "how it ended"),
                      optional("exit_code", &S::exit_code, "exit code, or 128 + signal"),
                      optional("tail", &S::tail, "the end of its output"),
                      optional("output_blob", &S::output_blob, "SHA-256 of all that was kept of its output"),
                      optional("output_bytes", &S::output_bytes, "bytes that it wrote"),
                      optional("refused", &S::refused, "what the jail seems to have refused it, as its output tells")};
  }
  friend bool operator==(const JobEnd&, const JobEnd&) = default;
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

struct AgentStarted {
  static constexpr std::string_view kType = "agent_started";
  static constexpr std::string_view kDoc = "The model spawned a sub-agent: a session of its own.";
  std::string session;
  std::string call_id;
  std::string agent;
  bool background = false;
  static constexpr auto fields() {
    using S = AgentStarted;
    return std::tuple{required("session", &S::session, "the sub-agent's session"),
                      required("call_id", &S::call_id, "the call that spawned it"),
                      optional("agent", &S::agent, "its name"),
                      optional("background", &S::background, "the parent goes on meanwhile")};
  }
  friend bool operator==(const AgentStarted&, const AgentStarted&) = default;
};

struct AgentEnded {
  static constexpr std::string_view kType = "agent_ended";
  static constexpr std::string_view kDoc = "A sub-agent ended; what it used counts in the parent's budget.";
  std::string session;
  std::string call_id;
  CallStatus status = CallStatus::kCompleted;
  std::string last_agent_message;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  std::int64_t turns = 0;
  std::int64_t tool_calls = 0;
  static constexpr auto fields() {
    using S = AgentEnded;
    return std::tuple{
        required("session", &S::session, "the sub-agent's session"),
        required("call_id", &S::call_id, "the call that spawned it"),
        required("status", &S::status, "how it ended"),
        optional("last_agent_message", &S::last_agent_message, "its answer"),
        required("usage", &S::usage, "tokens"),
        optional("cost_micro_usd", &S::cost_micro_usd, "millionths of a US dollar; absent when a price is unknown"),
        required("turns", &S::turns, "model requests"),
        required("tool_calls", &S::tool_calls, "tool calls")};
  }
  friend bool operator==(const AgentEnded&, const AgentEnded&) = default;
};

}  // namespace lathe::protocol
