#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lathe/base/strings.h"
#include "lathe/engine/questions.h"
#include "lathe/engine/settled_by.h"
#include "lathe/engine/task_host.h"

// How the questions of a session are settled: by a person's answer, or by what makes one needless.

namespace lathe::engine {

using base::Error;
using base::Result;
using protocol::EventMsg;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

/// From the moment someone answers a question until the answer is recorded, or is refused by the disk: nobody else
/// answers it meanwhile.
class SessionTaskHost::Settling final {
 public:
  Settling(SessionTaskHost& host, std::string id) : host_(host), id_(std::move(id)) {
    host_.settling_.try_emplace(id_);
  }
  Settling(const Settling&) = delete;
  Settling& operator=(const Settling&) = delete;
  ~Settling() {
    const auto waited_for = host_.settling_.extract(id_);
    for (const auto& bell : waited_for.mapped()) bell->set(true);
    const auto waiter = host_.waiting_.find(id_);
    if (waiter != host_.waiting_.end()) waiter->second->notify();
  }

 private:
  SessionTaskHost& host_;
  const std::string id_;
};

Async<Result<void>> SessionTaskHost::deny_unless_settled(std::string id, std::string note, std::string by) {
  return settle_unless_settled(std::move(id), protocol::Decision::kDenied, std::move(note), std::move(by));
}

Async<Result<void>> SessionTaskHost::settle_unless_settled(std::string id, protocol::Decision decision,
                                                           std::string note, std::string by) {
  while (open_question(id) != nullptr) {
    if (!settling_.contains(id)) {
      CO_TRY_OK(co_await settle(id, decision, note, std::nullopt, {.who = by}));
      break;
    }
    auto& signal = waiting_[id];
    if (!signal) signal = std::make_unique<runtime::Signal>(parts_.loop);
    CO_TRY_OK(co_await signal->wait(CancelToken(), Deadline::never()));
  }
  co_return Result<void>();
}

Async<Result<bool>> SessionTaskHost::settle_by_rules(std::string call_id, protocol::Decision decision) {
  const ports::OpenQuestionState* open = question_of_call(call_id);
  if (open == nullptr || std::holds_alternative<protocol::UserQuestion>(open->request)) co_return false;
  CO_TRY_OK(co_await settle_unless_settled(open->id, decision, "It is decided without an answer by now.", kRules));
  co_return true;
}

Async<Result<void>> SessionTaskHost::settle_others(protocol::Decision decision) {
  const std::vector<ports::OpenQuestionState> others = state().questions;
  for (const ports::OpenQuestionState& other : others) {
    if (open_question(other.id) == nullptr || settling_.contains(other.id)) continue;
    CO_TRY_OK(co_await settle_other(other, decision));
  }
  co_return Result<void>();
}

Async<Result<void>> SessionTaskHost::settle_other(ports::OpenQuestionState other, protocol::Decision decision) {
  Result<std::int64_t> settled = 0;
  const bool approval = !std::holds_alternative<protocol::UserQuestion>(other.request);
  if (decision == protocol::Decision::kAbort && approval) {
    settled =
        co_await settle(other.id, protocol::Decision::kDenied, "The Task was ended.", std::nullopt, {.who = kEnded});
  } else if (decision == protocol::Decision::kAbort) {
    settled = co_await answer(other.id, {}, {.who = kEnded});
  } else if (approval && is_granted(state(), other.request) && !expiries_.passed(other.id, expiry_of(other.request))) {
    settled = co_await settle(other.id, protocol::Decision::kApproved, "", std::nullopt, {.who = kGranted});
  }
  if (!settled.ok()) co_return std::move(settled).error();
  co_return Result<void>();
}

Async<void> SessionTaskHost::while_settling(std::string id) {
  while (settling_.contains(id)) {
    auto bell = std::make_shared<runtime::OneShot<bool>>(parts_.loop);
    settling_.at(id).push_back(bell);
    (void)co_await bell->wait(CancelToken(), Deadline::never());
  }
}

Async<Error> SessionTaskHost::why_not_open(std::string what, std::string id) {
  const auto settled = co_await parts_.index.settled_question(id);
  if (settled.ok() && *settled && (*settled)->session_id == state().session_id) co_return settled_error(id, **settled);
  co_return Error{.code = base::codes::kNotFound,
                  .message = fmt::format("no open {} \"{}\" in session {}", what, id, state().session_id),
                  .hint = "lathe approvals list"};
}

Async<Result<std::int64_t>> SessionTaskHost::settle(std::string id, protocol::Decision decision, std::string note,
                                                    std::optional<base::Json> amended, SettledBy by) {
  co_await while_settling(id);
  const ports::OpenQuestionState* question = open_question(id);
  if (question == nullptr || std::holds_alternative<protocol::UserQuestion>(question->request)) {
    co_return co_await why_not_open("approval", id);
  }
  const EventMsg request = question->request;
  const std::string call_id = question->call_id;
  if (by.is_client() && expiries_.passed(id, expiry_of(request))) {
    CO_TRY_OK(co_await settle(id, protocol::Decision::kDenied, "No answer came in time, so the answer is no.",
                              std::nullopt, {.who = kExpired}));
    co_return Error{.code = base::codes::kInvalid,
                    .message = fmt::format("the question \"{}\" has expired, so the answer is no", id)};
  }
  const bool lasts =
      decision == protocol::Decision::kApprovedForSession || decision == protocol::Decision::kApprovedAlways;
  if (lasts && amended) {
    co_return Error{.code = base::codes::kInvalid,
                    .message = "changed arguments are approved once only",
                    .hint = "answer approved"};
  }
  const Settling settling(*this, id);
  protocol::ApprovalResolved resolved{.id = id,
                                      .call_id = call_id,
                                      .decision = decision,
                                      .by = by.who,
                                      .note = std::move(note),
                                      .amended_input = std::move(amended)};
  if (decision == protocol::Decision::kApprovedAlways) {
    CO_TRY(resolved.rule_written, co_await write_rules(request));
    if (open_question(id) == nullptr) {
      co_return co_await why_not_open("approval", id);
    }
  }
  CO_TRY(const std::int64_t seq, co_await record_by(EventMsg(std::move(resolved)), by.submission));
  if (lasts || decision == protocol::Decision::kAbort) CO_TRY_OK(co_await settle_others(decision));
  co_return seq;
}

Async<Result<std::string>> SessionTaskHost::write_rules(EventMsg question) {
  const std::vector<base::Json> rules = always_rules_of(question);
  if (rules.empty()) {
    co_return Error{.code = base::codes::kUnsupported,
                    .message = "no rule can let through just this",
                    .hint = "approved_for_session is the widest answer"};
  }
  PolicyBook& book = parts_.policy;
  auto written = co_await parts_.fs_pool.run([&] { return book.approve_always(rules); });
  if (!written.ok()) co_return std::move(written).error();
  book.put(*std::move(written));
  std::vector<std::string> lines;
  for (const base::Json& rule : rules) lines.push_back(base::dump_json(rule));
  co_return base::join(lines, "\n");
}

Async<Result<std::int64_t>> SessionTaskHost::answer(std::string id, std::vector<std::string> answers, SettledBy by) {
  co_await while_settling(id);
  const ports::OpenQuestionState* question = open_question(id);
  if (question == nullptr || !std::holds_alternative<protocol::UserQuestion>(question->request)) {
    co_return co_await why_not_open("question", id);
  }
  const std::size_t asked = std::get<protocol::UserQuestion>(question->request).questions.size();
  if (!answers.empty() && answers.size() != asked) {
    co_return Error{.code = base::codes::kInvalid,
                    .message = fmt::format("{} answer{} to {} question{}", answers.size(),
                                           answers.size() == 1 ? "" : "s", asked, asked == 1 ? "" : "s"),
                    .hint = "one answer for each question, in order"};
  }
  const Settling settling(*this, id);
  protocol::UserQuestionAnswered answered{
      .id = id, .call_id = question->call_id, .answers = std::move(answers), .by = by.who};
  co_return co_await record_by(EventMsg(std::move(answered)), by.submission);
}

}  // namespace lathe::engine
