#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// Questions that wait for a person, in all sessions.

namespace lathe::protocol {

struct OpenQuestion {
  static constexpr std::string_view kDoc = "A question that waits for a person.";
  std::string id;
  std::string session_id;
  std::string kind;
  std::string what;
  std::string reason;
  std::string rule;
  base::UnixMillis asked_at = 0;
  std::optional<base::UnixMillis> expires_at;
  static constexpr auto fields() {
    using S = OpenQuestion;
    return std::tuple{required("id", &S::id, "the question's id"),
                      required("session_id", &S::session_id, "the session"),
                      required("kind", &S::kind, "type of the event that asked"),
                      required("what", &S::what, "the command, the files, the tool or the question, in one line"),
                      optional("reason", &S::reason, "why"),
                      optional("rule", &S::rule, "what made it a question"),
                      required("asked_at", &S::asked_at, "unix milliseconds"),
                      optional("expires_at", &S::expires_at, "unix milliseconds; unanswered by then, it is denied")};
  }
  friend bool operator==(const OpenQuestion&, const OpenQuestion&) = default;
};
struct ApprovalListReply {
  static constexpr std::string_view kType = "approval_list";
  static constexpr std::string_view kDoc = "Open questions of all sessions, oldest first.";
  std::vector<OpenQuestion> questions;
  static constexpr auto fields() {
    return std::tuple{required("questions", &ApprovalListReply::questions, "oldest first")};
  }
  friend bool operator==(const ApprovalListReply&, const ApprovalListReply&) = default;
};
struct ApprovalList {
  using Reply = ApprovalListReply;
  static constexpr std::string_view kType = "approval_list";
  static constexpr std::string_view kDoc = "Lists open questions of all sessions.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const ApprovalList&, const ApprovalList&) = default;
};
struct ApprovalAnswerReply {
  static constexpr std::string_view kType = "approval_answer";
  static constexpr std::string_view kDoc = "The answer is recorded.";
  std::string session;
  bool resumed = false;
  static constexpr auto fields() {
    return std::tuple{required("session", &ApprovalAnswerReply::session, "the session that asked"),
                      required("resumed", &ApprovalAnswerReply::resumed, "its Task goes on here")};
  }
  friend bool operator==(const ApprovalAnswerReply&, const ApprovalAnswerReply&) = default;
};
struct ApprovalAnswer {
  using Reply = ApprovalAnswerReply;
  static constexpr std::string_view kType = "approval_answer";
  static constexpr std::string_view kDoc =
      "Answers an open question of any session, and lets its Task go on. `settled` where another answer was first.";
  std::string id;
  Decision decision = Decision::kDenied;
  std::string note;
  std::vector<std::string> answers;
  bool resume = true;
  std::optional<Budget> budget;
  static constexpr auto fields() {
    using S = ApprovalAnswer;
    return std::tuple{required("id", &S::id, "the question's id"),
                      optional("decision", &S::decision, "the answer to an approval"),
                      optional("note", &S::note, "told to the model"),
                      optional("answers", &S::answers, "the answers to a user_question"),
                      required("resume", &S::resume, "let the Task go on in this engine"),
                      optional("budget", &S::budget,
                               "ceilings of the Task that goes on; the time is counted from here on, all else from its "
                               "beginning")};
  }
  friend bool operator==(const ApprovalAnswer&, const ApprovalAnswer&) = default;
};

}  // namespace lathe::protocol
