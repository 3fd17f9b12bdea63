#include "lathe/engine/task_host.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/secret_filter.h"
#include "lathe/engine/questions.h"
#include "lathe/protocol/edit_strings.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using ports::GateAnswer;
using protocol::EventMsg;
using runtime::Async;
using runtime::CancelToken;

namespace {

/// Text of an unfinished item is written at least so often, which keeps a crash below the promised 2 s.
constexpr base::Millis kDraftInterval{1000};

}  // namespace

SessionTaskHost::SessionTaskHost(EngineParts& parts, ports::SessionStream& stream, EventFeed& feed)
    : parts_(parts), stream_(stream), feed_(feed) {}

protocol::Event SessionTaskHost::event_of(EventMsg msg, std::string by) const {
  const std::vector<std::string> secrets = parts_.secrets();
  protocol::edit_strings(msg, [&](std::string& text) { text = base::cut_secrets(std::move(text), secrets); });
  return {.session = state().session_id,
          .seq = std::nullopt,
          .id = submission_,
          .by = std::move(by),
          .ts = parts_.loop.unix_now(),
          .msg = std::move(msg)};
}

Async<Result<std::int64_t>> SessionTaskHost::record(EventMsg msg) { return record_by(std::move(msg), ""); }

Async<Result<std::int64_t>> SessionTaskHost::record_by(EventMsg msg, std::string by) {
  return feed_.record(event_of(std::move(msg), std::move(by)));
}

void SessionTaskHost::show(EventMsg msg) { feed_.show(event_of(std::move(msg), "")); }

void SessionTaskHost::draft(ports::DraftKind kind, const std::string& item, std::string_view more) {
  const base::MonoTime now = parts_.loop.mono_now();
  const auto [found, fresh] = drafts_.try_emplace(item, Draft{.kind = kind, .text = {}, .kept_at = now});
  Draft& draft = found->second;
  draft.text += more;
  if (now - draft.kept_at < kDraftInterval) return;
  draft.kept_at = now;
  // A draft that cannot be kept costs nothing now: the item's own record will meet the same disk and say so.
  (void)stream_.keep_draft({.kind = kind, .item = item, .text = base::cut_secrets(draft.text, parts_.secrets())});
}

void SessionTaskHost::drop_draft(const std::string& item) {
  const auto found = drafts_.find(item);
  if (found == drafts_.end()) return;
  (void)stream_.keep_draft({.kind = found->second.kind, .item = item, .text = ""});
  drafts_.erase(found);
}

protocol::AskMode SessionTaskHost::ask_mode() const {
  return state().config ? state().config->ask : protocol::AskMode::kDeny;
}

const ports::OpenQuestionState* SessionTaskHost::open_question(const std::string& id) const {
  const auto found = std::ranges::find(state().questions, id, &ports::OpenQuestionState::id);
  return found == state().questions.end() ? nullptr : &*found;
}

Async<Result<GateAnswer>> SessionTaskHost::gate(ports::Action action, CancelToken cancel) {
  // An answer that was given while the Task was parked, or before a crash.
  const auto decided = state().decisions.find(action.call_id);
  if (decided != state().decisions.end()) co_return to_gate_answer(decided->second);

  const policy::PolicyDecision decision = policy::decide(state().config->approval_policy, facts_of(action));
  if (decision.verdict == policy::Verdict::kAllow) {
    co_return GateAnswer{.verdict = GateAnswer::Verdict::kRun, .note = {}, .amended_arguments = {}};
  }
  if (decision.verdict == policy::Verdict::kDeny) {
    co_return GateAnswer{.verdict = GateAnswer::Verdict::kDeclined, .note = decision.rule, .amended_arguments = {}};
  }
  if (is_granted(state(), action)) {
    co_return GateAnswer{.verdict = GateAnswer::Verdict::kRun, .note = {}, .amended_arguments = {}};
  }

  std::string question_id;
  const auto open = std::ranges::find(state().questions, action.call_id, &ports::OpenQuestionState::call_id);
  if (open != state().questions.end()) {
    question_id = open->id;
  } else {
    question_id = new_id("ask");
    CO_TRY_OK(co_await record(question_about(action, question_id, decision.rule)));
  }
  if (ask_mode() == protocol::AskMode::kDeny) {
    CO_TRY_OK(co_await settle(question_id, protocol::Decision::kDenied,
                              "Nobody is there to answer, so the answer is no.", std::nullopt, "unattended"));
  } else {
    CO_TRY(const Asked asked, co_await wait_for_answer(question_id, cancel));
    if (asked == Asked::kParked) {
      co_return GateAnswer{.verdict = GateAnswer::Verdict::kParked, .note = {}, .amended_arguments = {}};
    }
  }
  const auto settled = state().decisions.find(action.call_id);
  CHECK_REQUEST(settled != state().decisions.end());
  co_return to_gate_answer(settled->second);
}

Async<Result<std::vector<std::string>>> SessionTaskHost::ask(std::string call_id,
                                                             std::vector<protocol::Question> questions,
                                                             CancelToken cancel) {
  const auto answered = state().answers.find(call_id);
  if (answered != state().answers.end()) co_return answered->second.answers;

  std::string question_id;
  const auto open = std::ranges::find(state().questions, call_id, &ports::OpenQuestionState::call_id);
  if (open != state().questions.end()) {
    question_id = open->id;
  } else {
    question_id = new_id("ask");
    protocol::UserQuestion question{.id = question_id, .call_id = call_id, .questions = std::move(questions)};
    CO_TRY_OK(co_await record(EventMsg(std::move(question))));
  }
  if (ask_mode() == protocol::AskMode::kDeny) {
    CO_TRY_OK(co_await answer(question_id, {}, "unattended"));
    co_return Error{.code = base::codes::kUnavailable,
                    .message = "nobody is there to answer; go on with what you know, or stop and say what you need"};
  }
  CO_TRY(const Asked asked, co_await wait_for_answer(question_id, cancel));
  if (asked == Asked::kParked) {
    co_return Error{.code = protocol::error_codes::kParked, .message = "waiting for an answer"};
  }
  const auto given = state().answers.find(call_id);
  CHECK_REQUEST(given != state().answers.end());
  co_return given->second.answers;
}

Async<Result<SessionTaskHost::Asked>> SessionTaskHost::wait_for_answer(std::string question_id, CancelToken cancel) {
  // With nobody attached, a question that waits for a client is one that waits for a person.
  if (ask_mode() == protocol::AskMode::kWait || !feed_.has_subscribers()) co_return Asked::kParked;
  while (open_question(question_id) != nullptr) {
    auto& signal = waiting_[question_id];
    if (!signal) signal = std::make_unique<runtime::Signal>(parts_.loop);
    const auto waited = co_await signal->wait(cancel, runtime::Deadline::never());
    if (!waited.ok()) {
      waiting_.erase(question_id);
      co_return waited.error();
    }
  }
  waiting_.erase(question_id);
  co_return Asked::kAnswered;
}

Async<Result<std::int64_t>> SessionTaskHost::settle(std::string id, protocol::Decision decision, std::string note,
                                                    std::optional<base::Json> amended, std::string by) {
  const ports::OpenQuestionState* question = open_question(id);
  if (question == nullptr || std::holds_alternative<protocol::UserQuestion>(question->request)) {
    co_return Error{.code = base::codes::kNotFound,
                    .message = fmt::format("no open approval \"{}\" in session {}", id, state().session_id),
                    .hint = "it may be settled already: lathe approvals list"};
  }
  if (decision == protocol::Decision::kApprovedAlways) {
    co_return Error{.code = base::codes::kUnsupported,
                    .message = "approved_always needs rules, which this version does not have",
                    .hint = "approved_for_session is the widest answer"};
  }
  protocol::ApprovalResolved resolved{.id = id,
                                      .call_id = question->call_id,
                                      .decision = decision,
                                      .by = by,
                                      .note = std::move(note),
                                      .amended_input = std::move(amended)};
  CO_TRY(const std::int64_t seq, co_await record_by(EventMsg(std::move(resolved)), by == "unattended" ? "" : by));
  const auto waiter = waiting_.find(id);
  if (waiter != waiting_.end()) waiter->second->notify();
  co_return seq;
}

Async<Result<std::int64_t>> SessionTaskHost::answer(std::string id, std::vector<std::string> answers, std::string by) {
  const ports::OpenQuestionState* question = open_question(id);
  if (question == nullptr || !std::holds_alternative<protocol::UserQuestion>(question->request)) {
    co_return Error{.code = base::codes::kNotFound,
                    .message = fmt::format("no open question \"{}\" in session {}", id, state().session_id),
                    .hint = "it may be answered already: lathe approvals list"};
  }
  const std::size_t asked = std::get<protocol::UserQuestion>(question->request).questions.size();
  if (!answers.empty() && answers.size() != asked) {
    co_return Error{.code = base::codes::kInvalid,
                    .message = fmt::format("{} answer{} to {} question{}", answers.size(),
                                           answers.size() == 1 ? "" : "s", asked, asked == 1 ? "" : "s"),
                    .hint = "one answer for each question, in order"};
  }
  protocol::UserQuestionAnswered answered{
      .id = id, .call_id = question->call_id, .answers = std::move(answers), .by = by};
  CO_TRY(const std::int64_t seq, co_await record_by(EventMsg(std::move(answered)), by == "unattended" ? "" : by));
  const auto waiter = waiting_.find(id);
  if (waiter != waiting_.end()) waiter->second->notify();
  co_return seq;
}

}  // namespace lathe::engine
