#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"

namespace lathe::protocol {

// ---- enums shared by ops, events and calls

/// What a new input does to a Task that is running.
enum class IfBusy { kReplace, kSteer, kQueue };
constexpr auto enum_names(IfBusy) {
  return std::array{EnumName{IfBusy::kReplace, "replace"}, EnumName{IfBusy::kSteer, "steer"},
                    EnumName{IfBusy::kQueue, "queue"}};
}

/// When a person is asked. (ARCHITECTURE 4.5; names and aliases after Codex.)
enum class ApprovalPolicy { kOnRequest, kNever, kUntrusted };
constexpr auto enum_names(ApprovalPolicy) {
  return std::array{EnumName{ApprovalPolicy::kOnRequest, "on-request"}, EnumName{ApprovalPolicy::kNever, "never"},
                    EnumName{ApprovalPolicy::kUntrusted, "untrusted"},
                    EnumName{ApprovalPolicy::kOnRequest, "on-failure"}};
}

/// What happens to a question when it is asked.
enum class AskMode {
  /// Answered no at once: nobody is there.
  kDeny,
  /// The Task parks until someone answers.
  kWait,
  /// A client is there to answer it.
  kClient,
};
constexpr auto enum_names(AskMode) {
  return std::array{EnumName{AskMode::kDeny, "deny"}, EnumName{AskMode::kWait, "wait"},
                    EnumName{AskMode::kClient, "client"}};
}

/// What commands and file tools may write.
enum class SandboxMode {
  kReadOnly,
  /// The working folder, a private temporary folder, and named roots.
  kWorkspaceWrite,
  /// Everything, unconfined: a person's choice only.
  kFullAccess,
};
constexpr auto enum_names(SandboxMode) {
  return std::array{
      EnumName{SandboxMode::kReadOnly, "read-only"}, EnumName{SandboxMode::kWorkspaceWrite, "workspace-write"},
      EnumName{SandboxMode::kFullAccess, "full-access"}, EnumName{SandboxMode::kFullAccess, "danger-full-access"}};
}

/// What commands may reach.
enum class NetworkMode {
  kNone,
  /// Named hosts, through our egress proxy.
  kProxy,
  kOpen,
};
constexpr auto enum_names(NetworkMode) {
  return std::array{EnumName{NetworkMode::kNone, "none"}, EnumName{NetworkMode::kProxy, "proxy"},
                    EnumName{NetworkMode::kOpen, "open"}};
}

enum class Decision { kApproved, kApprovedForSession, kApprovedAlways, kDenied, kAbort };
constexpr auto enum_names(Decision) {
  return std::array{EnumName{Decision::kApproved, "approved"},
                    EnumName{Decision::kApprovedForSession, "approved_for_session"},
                    EnumName{Decision::kApprovedAlways, "approved_always"},
                    EnumName{Decision::kDenied, "denied"},
                    EnumName{Decision::kAbort, "abort"},
                    EnumName{Decision::kApproved, "allow"},
                    EnumName{Decision::kApproved, "Allow"},
                    EnumName{Decision::kDenied, "deny"}};
}

enum class ItemStatus { kComplete, kIncomplete };
constexpr auto enum_names(ItemStatus) {
  return std::array{EnumName{ItemStatus::kComplete, "complete"}, EnumName{ItemStatus::kIncomplete, "incomplete"}};
}

/// How a tool call ended.
enum class CallStatus {
  kCompleted,
  kFailed,
  /// A person or a rule said no; it never ran.
  kDeclined,
  kTimedOut,
  kCancelled,
  /// Our process died while it ran: the outcome is unknown.
  kInterrupted,
};
constexpr auto enum_names(CallStatus) {
  return std::array{EnumName{CallStatus::kCompleted, "completed"}, EnumName{CallStatus::kFailed, "failed"},
                    EnumName{CallStatus::kDeclined, "declined"},   EnumName{CallStatus::kTimedOut, "timed_out"},
                    EnumName{CallStatus::kCancelled, "cancelled"}, EnumName{CallStatus::kInterrupted, "interrupted"}};
}

enum class OutputStream { kStdout, kStderr };
constexpr auto enum_names(OutputStream) {
  return std::array{EnumName{OutputStream::kStdout, "stdout"}, EnumName{OutputStream::kStderr, "stderr"}};
}

enum class PlanStatus { kPending, kInProgress, kCompleted };
constexpr auto enum_names(PlanStatus) {
  return std::array{EnumName{PlanStatus::kPending, "pending"}, EnumName{PlanStatus::kInProgress, "in_progress"},
                    EnumName{PlanStatus::kCompleted, "completed"}};
}

enum class ChangeKind { kAdd, kUpdate, kDelete, kMove };
constexpr auto enum_names(ChangeKind) {
  return std::array{EnumName{ChangeKind::kAdd, "add"}, EnumName{ChangeKind::kUpdate, "update"},
                    EnumName{ChangeKind::kDelete, "delete"}, EnumName{ChangeKind::kMove, "move"}};
}

// ---- values

/// Tokens of one or many model requests. Each token is counted in exactly one of input and output.
struct Usage {
  static constexpr std::string_view kDoc = "Tokens of one or many model requests.";
  std::int64_t input_tokens = 0;
  std::int64_t cached_input_tokens = 0;
  std::int64_t cache_write_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  static constexpr auto fields() {
    return std::tuple{
        required("input_tokens", &Usage::input_tokens, "all input, cached or not"),
        optional("cached_input_tokens", &Usage::cached_input_tokens, "of these, read from the provider's cache"),
        optional("cache_write_tokens", &Usage::cache_write_tokens, "of these, written to the provider's cache"),
        required("output_tokens", &Usage::output_tokens, "all output, reasoning included"),
        optional("reasoning_tokens", &Usage::reasoning_tokens, "of these, reasoning")};
  }
  [[nodiscard]] std::int64_t total() const { return input_tokens + output_tokens; }
  Usage& operator+=(const Usage& other) {
    input_tokens += other.input_tokens;
    cached_input_tokens += other.cached_input_tokens;
    cache_write_tokens += other.cache_write_tokens;
    output_tokens += other.output_tokens;
    reasoning_tokens += other.reasoning_tokens;
    return *this;
  }
  friend bool operator==(const Usage&, const Usage&) = default;
};

/// Ceilings of a session's Tasks. Absent: no limit, or the default. Zero means zero.
struct Budget {
  static constexpr std::string_view kDoc = "Ceilings of one Task. Absent means the default; zero means zero.";
  std::optional<std::int64_t> turns;
  std::optional<std::int64_t> tool_calls;
  std::optional<std::int64_t> tokens;
  std::optional<std::int64_t> micro_usd;
  std::optional<std::int64_t> millis;
  static constexpr auto fields() {
    return std::tuple{optional("turns", &Budget::turns, "model requests (default 200)"),
                      optional("tool_calls", &Budget::tool_calls, "tool calls (default 1,000)"),
                      optional("tokens", &Budget::tokens, "input and output tokens together (default: no limit)"),
                      optional("micro_usd", &Budget::micro_usd, "millionths of a US dollar (default: no limit)"),
                      optional("millis", &Budget::millis, "wall time in milliseconds (default: no limit)")};
  }
  friend bool operator==(const Budget&, const Budget&) = default;
};

struct TextPart {
  static constexpr std::string_view kType = "text";
  static constexpr std::string_view kDoc = "Text.";
  std::string text;
  static constexpr auto fields() { return std::tuple{required("text", &TextPart::text, "the text, UTF-8")}; }
  friend bool operator==(const TextPart&, const TextPart&) = default;
};
/// In a submission: `path` or `image_url`. In an event: `blob` (the bytes are in the blob store) or a remote URL.
struct ImagePart {
  static constexpr std::string_view kType = "image";
  static constexpr std::string_view kDoc = "An image: a local file, a data: or https: URL, or (in events) a blob.";
  std::string path;
  std::string image_url;
  std::string blob;
  std::string media_type;
  static constexpr auto fields() {
    return std::tuple{optional("path", &ImagePart::path, "a file that the engine reads"),
                      optional("image_url", &ImagePart::image_url, "data: or https: URL"),
                      optional("blob", &ImagePart::blob, "SHA-256 of the bytes in the blob store"),
                      optional("media_type", &ImagePart::media_type, "image/png, image/jpeg, image/gif or image/webp")};
  }
  friend bool operator==(const ImagePart&, const ImagePart&) = default;
};
using ContentPart = std::variant<TextPart, ImagePart>;

/// One tool call as the model asked for it.
struct ToolCall {
  static constexpr std::string_view kDoc = "One tool call as the model asked for it.";
  std::string call_id;
  std::string tool;
  /// The arguments exactly as the model wrote them; JSON when the model did well.
  std::string arguments;
  static constexpr auto fields() {
    return std::tuple{required("call_id", &ToolCall::call_id, "unique in the session"),
                      required("tool", &ToolCall::tool, "the tool's name"),
                      required("arguments", &ToolCall::arguments, "the arguments exactly as the model wrote them")};
  }
  friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

struct PlanStep {
  static constexpr std::string_view kDoc = "One step of the model's plan.";
  std::string step;
  PlanStatus status = PlanStatus::kPending;
  std::string id = {};
  std::vector<std::string> depends_on = {};
  static constexpr auto fields() {
    return std::tuple{
        required("step", &PlanStep::step, "what is to be done"), required("status", &PlanStep::status, "how far it is"),
        optional("id", &PlanStep::id, "its name in depends_on of other steps"),
        optional("depends_on", &PlanStep::depends_on, "ids of steps that are completed before this one begins")};
  }
  friend bool operator==(const PlanStep&, const PlanStep&) = default;
};

struct FileChange {
  static constexpr std::string_view kDoc = "What a patch does to one file.";
  std::string path;
  ChangeKind kind = ChangeKind::kUpdate;
  std::string move_path;
  std::string diff;
  static constexpr auto fields() {
    return std::tuple{required("path", &FileChange::path, "relative to the session's folder where it is inside it"),
                      required("kind", &FileChange::kind, "what happens to it"),
                      optional("move_path", &FileChange::move_path, "where a moved file goes"),
                      optional("diff", &FileChange::diff, "unified diff; cut when it is long")};
  }
  friend bool operator==(const FileChange&, const FileChange&) = default;
};

struct Question {
  static constexpr std::string_view kDoc = "One question to the person.";
  std::string question;
  std::vector<std::string> options;
  static constexpr auto fields() {
    return std::tuple{required("question", &Question::question, "the question"),
                      optional("options", &Question::options, "answers to choose from; free text is always possible")};
  }
  friend bool operator==(const Question&, const Question&) = default;
};

}  // namespace lathe::protocol
