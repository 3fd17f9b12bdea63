#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// What a client submits to a session (protocol_v1 "Op"; ARCHITECTURE 4.2).

namespace lathe::protocol {

struct ConfigureSession {
  static constexpr std::string_view kType = "configure_session";
  static constexpr std::string_view kDoc =
      "Creates a session, or reconfigures one: a Task that is running is aborted first. Absent fields keep their "
      "value.";
  std::optional<std::string> model;
  std::optional<std::string> backend;
  std::optional<std::string> cwd;
  std::optional<ApprovalPolicy> approval_policy;
  std::optional<AskMode> ask;
  std::optional<Budget> budget;
  std::optional<std::string> instructions;
  std::vector<std::string> fallback_models;
  std::optional<std::string> title;
  std::optional<SandboxMode> sandbox_mode;
  std::optional<NetworkMode> network;
  std::optional<std::vector<std::string>> allow_hosts;
  static constexpr auto fields() {
    using S = ConfigureSession;
    return std::tuple{optional("model", &S::model, "model name, or backend/model"),
                      optional("backend", &S::backend, "name of a configured backend"),
                      optional("cwd", &S::cwd,
                               "absolute folder in which tools work; where hello has the feature `folder`, a "
                               "descriptor of it that comes with the bytes of this line, and of no other, decides "
                               "(SCM_RIGHTS)"),
                      optional("approval_policy", &S::approval_policy, "when a person is asked (default on-request)"),
                      optional("ask", &S::ask, "what happens to a question (default client)"),
                      optional("budget", &S::budget, "ceilings of each Task"),
                      optional("instructions", &S::instructions, "added to the system prompt"),
                      optional("fallback_models", &S::fallback_models, "tried in order when the model cannot be used"),
                      optional("title", &S::title, "a name for lists"),
                      optional("sandbox_mode", &S::sandbox_mode, "what commands may write (default workspace-write)"),
                      optional("network", &S::network, "what commands may reach (default none)"),
                      optional("allow_hosts", &S::allow_hosts, "hosts that the proxy lets through unasked")};
  }
  friend bool operator==(const ConfigureSession&, const ConfigureSession&) = default;
};

struct UserInput {
  static constexpr std::string_view kType = "user_input";
  static constexpr std::string_view kDoc = "Starts a Task, or reaches the one that runs.";
  std::vector<ContentPart> items;
  IfBusy if_busy = IfBusy::kReplace;
  std::optional<std::string> last_response_id;
  std::optional<base::Json> output_schema;
  std::optional<Budget> budget;
  static constexpr auto fields() {
    using S = UserInput;
    return std::tuple{
        required("items", &S::items, "what the person says"),
        optional("if_busy", &S::if_busy, "when a Task runs: replace it (default), steer it, or queue behind it"),
        optional("last_response_id", &S::last_response_id, "continue from this bookmark instead of the latest"),
        optional("output_schema", &S::output_schema, "JSON Schema that the final answer must follow"),
        optional("budget", &S::budget, "ceilings of this Task; one that is left out is the session's")};
  }
  friend bool operator==(const UserInput&, const UserInput&) = default;
};

struct Interrupt {
  static constexpr std::string_view kType = "interrupt";
  static constexpr std::string_view kDoc = "Stops the running Task and every process that it started.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const Interrupt&, const Interrupt&) = default;
};

/// The three approval ops differ only in the event that they answer; `approval` answers any.
template <int kKind>
struct ApprovalOp {
  static constexpr std::string_view kType = kKind == 0 ? "approval" : kKind == 1 ? "exec_approval" : "patch_approval";
  static constexpr std::string_view kDoc =
      "Answers an open question about one exact action. The first answer settles it; a parked Task goes on with the "
      "last.";
  std::string id;
  Decision decision = Decision::kDenied;
  std::string note;
  std::optional<base::Json> amended_input;
  static constexpr auto fields() {
    using S = ApprovalOp;
    return std::tuple{required("id", &S::id, "the question's id"), required("decision", &S::decision, "the answer"),
                      optional("note", &S::note, "told to the model"),
                      optional("amended_input", &S::amended_input, "arguments to use instead; decided anew")};
  }
  friend bool operator==(const ApprovalOp&, const ApprovalOp&) = default;
};
using Approval = ApprovalOp<0>;
using ExecApproval = ApprovalOp<1>;
using PatchApproval = ApprovalOp<2>;

struct UserAnswer {
  static constexpr std::string_view kType = "user_answer";
  static constexpr std::string_view kDoc = "Answers a user_question. A parked Task goes on with the last answer.";
  std::string id;
  std::vector<std::string> answers;
  static constexpr auto fields() {
    return std::tuple{required("id", &UserAnswer::id, "the question's id"),
                      required("answers", &UserAnswer::answers, "one for each question, in order")};
  }
  friend bool operator==(const UserAnswer&, const UserAnswer&) = default;
};

struct AddContext {
  static constexpr std::string_view kType = "context";
  static constexpr std::string_view kDoc = "Adds text that the model sees with the next input, such as a selection.";
  std::string text;
  std::string path;
  static constexpr auto fields() {
    return std::tuple{required("text", &AddContext::text, "the text"),
                      optional("path", &AddContext::path, "the file that it is from")};
  }
  friend bool operator==(const AddContext&, const AddContext&) = default;
};

struct Mention {
  static constexpr std::string_view kType = "mention";
  static constexpr std::string_view kDoc = "Points the model at lines of a file with the next input.";
  std::string path;
  std::int64_t line_start = 0;
  std::int64_t line_end = 0;
  static constexpr auto fields() {
    return std::tuple{required("path", &Mention::path, "the file"),
                      optional("line_start", &Mention::line_start, "first line, from 1"),
                      optional("line_end", &Mention::line_end, "last line")};
  }
  friend bool operator==(const Mention&, const Mention&) = default;
};

struct TerminalInput {
  static constexpr std::string_view kType = "terminal_input";
  static constexpr std::string_view kDoc = "Types into a live shell or background job.";
  std::string job;
  std::string text;
  static constexpr auto fields() {
    return std::tuple{required("job", &TerminalInput::job, "the job"),
                      required("text", &TerminalInput::text, "what is typed; control characters as they are")};
  }
  friend bool operator==(const TerminalInput&, const TerminalInput&) = default;
};

struct TerminalResize {
  static constexpr std::string_view kType = "terminal_resize";
  static constexpr std::string_view kDoc = "Tells a live shell the size of the person's terminal.";
  std::string job;
  std::int64_t columns = 80;
  std::int64_t rows = 24;
  static constexpr auto fields() {
    return std::tuple{required("job", &TerminalResize::job, "the job"),
                      required("columns", &TerminalResize::columns, "width in characters"),
                      required("rows", &TerminalResize::rows, "height in characters")};
  }
  friend bool operator==(const TerminalResize&, const TerminalResize&) = default;
};

struct SetModel {
  static constexpr std::string_view kType = "set_model";
  static constexpr std::string_view kDoc = "Changes the model from the next Turn on; the Task goes on.";
  std::string model;
  std::string backend;
  static constexpr auto fields() {
    return std::tuple{required("model", &SetModel::model, "model name, or backend/model"),
                      optional("backend", &SetModel::backend, "name of a configured backend")};
  }
  friend bool operator==(const SetModel&, const SetModel&) = default;
};

struct Compact {
  static constexpr std::string_view kType = "compact";
  static constexpr std::string_view kDoc =
      "Replaces the older conversation by a summary. The originals stay in the journal.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const Compact&, const Compact&) = default;
};

struct RollbackTarget {
  static constexpr std::string_view kDoc = "How far back: to a bookmark, or over a number of Tasks.";
  std::string response_id;
  std::int64_t tasks = 0;
  static constexpr auto fields() {
    return std::tuple{
        optional("response_id", &RollbackTarget::response_id, "the Turn that stays the last"),
        optional("tasks", &RollbackTarget::tasks, "how many Tasks are taken back, with the compactions after them")};
  }
  friend bool operator==(const RollbackTarget&, const RollbackTarget&) = default;
};

enum class RollbackFiles { kKeep, kRestore };
constexpr auto enum_names(RollbackFiles) {
  return std::array{EnumName{RollbackFiles::kKeep, "keep"}, EnumName{RollbackFiles::kRestore, "restore"}};
}

struct Rollback {
  static constexpr std::string_view kType = "rollback";
  static constexpr std::string_view kDoc = "Takes back the end of the conversation. Refused while a Task runs.";
  RollbackTarget to;
  RollbackFiles files = RollbackFiles::kKeep;
  static constexpr auto fields() {
    return std::tuple{required("to", &Rollback::to, "how far back"),
                      optional("files", &Rollback::files, "what happens to files: keep, or restore through undo")};
  }
  friend bool operator==(const Rollback&, const Rollback&) = default;
};

struct Shutdown {
  static constexpr std::string_view kType = "shutdown";
  static constexpr std::string_view kDoc =
      "Ends the running Task and closes the session; shutdown_complete follows. To go on, configure or subscribe to it "
      "again.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const Shutdown&, const Shutdown&) = default;
};

using AnyOp = std::variant<ConfigureSession, UserInput, Interrupt, Approval, ExecApproval, PatchApproval, UserAnswer,
                           AddContext, Mention, TerminalInput, TerminalResize, SetModel, Compact, Rollback, Shutdown>;

/// One of the ops. Compiled once (ops.cc), for the reason that EventMsg is.
struct Op : AnyOp {
  using AnyOp::variant;
  Op();
  Op(const Op& other);
  Op(Op&& other) noexcept;
  Op& operator=(const Op& other);
  Op& operator=(Op&& other) noexcept;
  ~Op();

  friend bool operator==(const Op& left, const Op& right);
};

}  // namespace lathe::protocol
