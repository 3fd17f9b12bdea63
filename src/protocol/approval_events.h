#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// Questions to a person, and their answers.

namespace lathe::protocol {

/// A file that an approval is bound to.
struct BoundFile {
  static constexpr std::string_view kDoc = "A file and the content that an approval holds for.";
  std::string path;
  std::string sha256;
  static constexpr auto fields() {
    return std::tuple{required("path", &BoundFile::path, "absolute"),
                      required("sha256", &BoundFile::sha256, "of its content")};
  }
  friend bool operator==(const BoundFile&, const BoundFile&) = default;
};

struct ExecApprovalRequest {
  static constexpr std::string_view kType = "exec_approval_request";
  static constexpr std::string_view kDoc = "May this command run?";
  std::string id;
  std::string call_id;
  std::vector<std::string> command;
  std::string cwd;
  std::optional<std::string> input;
  bool terminal = false;
  bool background = false;
  std::optional<std::int64_t> timeout_ms;
  std::vector<std::string> environment;
  std::vector<BoundFile> files;
  std::string reason;
  std::string rule;
  std::vector<std::string> commands;
  bool outside_sandbox = false;
  std::string refused;
  std::string always_rule;
  std::optional<std::int64_t> expires_at;
  static constexpr auto fields() {
    using S = ExecApprovalRequest;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("call_id", &S::call_id, "the call"),
                      required("command", &S::command, "argv"),
                      required("cwd", &S::cwd, "absolute folder"),
                      optional("stdin", &S::input, "text for its standard input; absent: it is empty"),
                      optional("tty", &S::terminal, "it runs in a live terminal, into which more can be typed"),
                      optional("background", &S::background, "it goes on after the call"),
                      optional("timeout_ms", &S::timeout_ms, "when it is ended; absent: it may run without end"),
                      optional("env", &S::environment, "variables that it gets besides the usual ones, NAME=value"),
                      optional("files", &S::files,
                               "files of the workspace that it would run or read outside the "
                               "sandbox; the approval holds for their content"),
                      optional("reason", &S::reason, "why, in the model's words"),
                      required("rule", &S::rule, "what made it a question"),
                      optional("commands", &S::commands, "the simple commands that a shell makes of it"),
                      optional("outside_sandbox", &S::outside_sandbox, "it would run without confinement"),
                      optional("refused", &S::refused, "what the jail refused when it ran confined"),
                      optional("always_rule", &S::always_rule, "the rule that approved_always writes"),
                      optional("expires_at", &S::expires_at, "unix milliseconds; unanswered by then, it is denied")};
  }
  friend bool operator==(const ExecApprovalRequest&, const ExecApprovalRequest&) = default;
};

struct ApplyPatchApprovalRequest {
  static constexpr std::string_view kType = "apply_patch_approval_request";
  static constexpr std::string_view kDoc = "May these files be changed?";
  std::string id;
  std::string call_id;
  std::vector<FileChange> changes;
  std::string cwd;
  std::vector<std::string> paths;
  std::string reason;
  std::string rule;
  std::string always_rule;
  std::optional<std::int64_t> expires_at;
  static constexpr auto fields() {
    using S = ApplyPatchApprovalRequest;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("call_id", &S::call_id, "the call"),
                      required("changes", &S::changes, "file by file"),
                      optional("cwd", &S::cwd, "absolute folder that relative paths start from"),
                      optional("paths", &S::paths,
                               "the files that really change, links resolved: for each change its path, then where it "
                               "moves to; an approval for the session is for these"),
                      optional("reason", &S::reason, "why, in the model's words"),
                      required("rule", &S::rule, "what made it a question"),
                      optional("always_rule", &S::always_rule, "the rule that approved_always writes"),
                      optional("expires_at", &S::expires_at, "unix milliseconds; unanswered by then, it is denied")};
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
  std::vector<std::string> paths;
  std::string reason;
  std::string rule;
  std::string always_rule;
  std::optional<std::int64_t> expires_at;
  static constexpr auto fields() {
    using S = ApprovalRequest;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("call_id", &S::call_id, "the call"),
                      required("tool", &S::tool, "the tool's name"),
                      required("arguments", &S::arguments, "its arguments"),
                      optional("paths", &S::paths, "the files and folders that it opens, links resolved"),
                      optional("reason", &S::reason, "why, in the model's words"),
                      required("rule", &S::rule, "what made it a question"),
                      optional("always_rule", &S::always_rule, "the rule that approved_always writes"),
                      optional("expires_at", &S::expires_at, "unix milliseconds; unanswered by then, it is denied")};
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
  std::string rule_written;
  static constexpr auto fields() {
    using S = ApprovalResolved;
    return std::tuple{
        required("id", &S::id, "the question's id"),
        required("call_id", &S::call_id, "the call"),
        required("decision", &S::decision, "the answer"),
        required("by", &S::by, "who answered, as the client named itself, or what decided when nobody did"),
        optional("note", &S::note, "told to the model"),
        optional("amended_input", &S::amended_input, "arguments used instead"),
        optional("rule_written", &S::rule_written, "the rule that approved_always wrote")};
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
                      required("by", &S::by, "who answered, as the client named itself")};
  }
  friend bool operator==(const UserQuestionAnswered&, const UserQuestionAnswered&) = default;
};

}  // namespace lathe::protocol
