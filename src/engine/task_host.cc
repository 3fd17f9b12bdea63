#include "lathe/engine/task_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lathe/base/strings.h"
#include "lathe/engine/bound_files.h"
#include "lathe/engine/questions.h"
#include "lathe/engine/recovery.h"
#include "lathe/engine/settled_by.h"
#include "lathe/protocol/edit_strings.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/protocol/text_size.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using ports::GateAnswer;
using protocol::EventMsg;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// Text of an unfinished item is on disk so long after it came, which keeps a crash below the promised 2 s.
constexpr base::Millis kDraftInterval{1000};

GateAnswer refusal(const policy::PolicyDecision& decision) {
  std::string note = decision.rule;
  if (!decision.reason.empty()) note += ": " + decision.reason;
  return {.verdict = GateAnswer::Verdict::kDeclined, .note = std::move(note)};
}

std::string id_of(const EventMsg& question) {
  return std::visit(
      [](const auto& asked) -> std::string {
        if constexpr (requires { asked.always_rule; }) return asked.id;
        return "";
      },
      question);
}

/// The item that a record completes, or "".
std::string completed_item(const EventMsg& msg) {
  if (const auto* message = std::get_if<protocol::AgentMessage>(&msg)) return message->item;
  if (const auto* reasoning = std::get_if<protocol::AgentReasoning>(&msg)) return reasoning->item;
  return "";
}

EventMsg without_secrets(EventMsg msg, const std::vector<std::string>& secrets) {
  protocol::edit_strings(msg, [&](std::string& text) { text = base::cut_secrets(std::move(text), secrets); });
  return msg;
}

bool leaves_sandbox(const EventMsg& question) {
  const auto* exec = std::get_if<protocol::ExecApprovalRequest>(&question);
  return exec != nullptr && exec->outside_sandbox;
}

std::string rule_of(const EventMsg& question) {
  return std::visit(
      [](const auto& asked) -> std::string {
        if constexpr (requires { asked.always_rule; }) return asked.rule;
        return "";
      },
      question);
}

}  // namespace

SessionTaskHost::SessionTaskHost(EngineParts& parts, ports::SessionStream& stream, EventFeed& feed)
    : parts_(parts), stream_(stream), feed_(feed), expiries_(parts.loop) {}

protocol::Event SessionTaskHost::event_of(EventMsg msg, std::string by) const {
  return {.session = state().session_id,
          .seq = std::nullopt,
          .id = submission_,
          .by = std::move(by),
          .ts = parts_.loop.unix_now(),
          .msg = std::move(msg)};
}

Async<Result<std::int64_t>> SessionTaskHost::record(EventMsg msg) { return record_by(std::move(msg), ""); }

Async<Result<std::int64_t>> SessionTaskHost::record_by(EventMsg msg, std::string by) {
  // A draft of an item that is complete is out of date, so none is written once its record is on its way.
  auto completed = drafts_.extract(completed_item(msg));
  if (const auto expires_at = expiry_of(msg)) {
    expiries_.forget_unless([this](const std::string& id) { return open_question(id) != nullptr; });
    (void)expiries_.of(id_of(msg), expires_at);
  }
  if (!completed.empty()) completed.mapped().timer = {};
  const std::vector<std::string> secrets = parts_.secrets();
  if (protocol::has_long_text(msg)) {
    msg = co_await parts_.fs_pool.run([&] { return without_secrets(std::move(msg), secrets); });
  } else {
    msg = without_secrets(std::move(msg), secrets);
  }
  Result<std::int64_t> seq = co_await feed_.record(event_of(std::move(msg), std::move(by)));
  if (!seq.ok() && !completed.empty()) {
    Draft& draft = completed.mapped();
    draft.text += draft.filter.finish();
    keep_draft(completed.key(), draft);
    drafts_.insert(std::move(completed));
  }
  co_return seq;
}

void SessionTaskHost::show(EventMsg msg) {
  feed_.show(event_of(without_secrets(std::move(msg), parts_.secrets()), ""));
}

void SessionTaskHost::draft(ports::DraftKind kind, const std::string& item, std::string_view more) {
  const base::MonoTime now = parts_.loop.mono_now();
  auto found = drafts_.find(item);
  if (found == drafts_.end()) {
    Draft fresh{.kind = kind,
                .number = next_draft_++,
                .filter = base::SecretFilter(parts_.secrets()),
                .text = {},
                .kept_at = now};
    found = drafts_.emplace(item, std::move(fresh)).first;
  }
  Draft& draft = found->second;
  draft.text += draft.filter.take(more);
  if (now - draft.kept_at >= kDraftInterval) {
    keep_draft(item, draft);
  } else if (!draft.due) {
    // Written even when nothing more comes.
    draft.due = true;
    draft.timer =
        parts_.loop.call_at(draft.kept_at + kDraftInterval, [this, item, &draft] { keep_draft(item, draft); });
  }
}

void SessionTaskHost::keep_draft(const std::string& item, Draft& draft) {
  draft.due = false;
  draft.kept_at = parts_.loop.mono_now();
  // A draft that cannot be kept costs nothing now: the item's own record will meet the same disk and say so.
  (void)stream_.keep_draft({.kind = draft.kind, .item = item, .text = draft.text});
}

void SessionTaskHost::drop_draft(const std::string& item) {
  const auto found = drafts_.find(item);
  if (found == drafts_.end()) return;
  (void)stream_.keep_draft({.kind = found->second.kind, .item = item, .text = ""});
  drafts_.erase(found);
}

Async<Result<void>> SessionTaskHost::record_drafts() {
  while (!drafts_.empty()) {
    const auto first = std::ranges::min_element(drafts_, {}, [](const auto& one) { return one.second.number; });
    Draft& draft = first->second;
    draft.text += draft.filter.finish();
    if (draft.text.empty()) {
      drafts_.erase(first);
      continue;
    }
    CO_TRY_OK(co_await record(unfinished_item({.kind = draft.kind, .item = first->first, .text = draft.text})));
  }
  co_return Result<void>();
}

protocol::AskMode SessionTaskHost::ask_mode() const {
  return state().config ? state().config->ask : protocol::AskMode::kDeny;
}

const ports::OpenQuestionState* SessionTaskHost::open_question(const std::string& id) const {
  const auto found = std::ranges::find(state().questions, id, &ports::OpenQuestionState::id);
  return found == state().questions.end() ? nullptr : &*found;
}

const ports::OpenQuestionState* SessionTaskHost::question_of_call(const std::string& call_id) const {
  const auto found = std::ranges::find(state().questions, call_id, &ports::OpenQuestionState::call_id);
  return found == state().questions.end() ? nullptr : &*found;
}

policy::PolicyDecision SessionTaskHost::judge(const ports::Action& action) const {
  const protocol::SessionConfigured& config = *state().config;
  return parts_.policy.judge(action, {.cwd = config.cwd,
                                      .approval = config.approval_policy,
                                      .mode = config.sandbox_mode,
                                      .allow_hosts = config.allow_hosts});
}

ports::MayShow SessionTaskHost::may_show() const {
  const std::string cwd = state().config ? state().config->cwd : std::string();
  std::vector<policy::Source> sources = parts_.policy.sources_for(cwd);
  if (sources.empty()) return {};
  return [sources = std::move(sources), cwd](const std::string& tool, const std::string& path) {
    return policy::may_show(sources, cwd, tool, path);
  };
}

std::optional<GateAnswer> SessionTaskHost::earlier_answer(const ports::Action& action,
                                                          const policy::PolicyDecision& decision,
                                                          const EventMsg& fresh) const {
  const auto decided = state().decisions.find(action.call_id);
  if (decided == state().decisions.end()) return std::nullopt;
  const GateAnswer answer = to_gate_answer(decided->second);
  if (answer.verdict != GateAnswer::Verdict::kRun) return answer;
  const auto asked = state().decided_questions.find(action.call_id);
  if (asked == state().decided_questions.end()) return std::nullopt;
  // Whoever let it run in the sandbox said nothing about the outside, also not of arguments that are their own.
  if (leaves_sandbox(fresh) && !leaves_sandbox(asked->second.request)) return std::nullopt;
  if (decided->second.amended_input) {
    const auto now = base::parse_json(action.arguments);
    // Other arguments than the person's: they are taken instead, and come here again.
    if (!now.ok() || *now != *decided->second.amended_input) return answer;
    // The person's own words need no second question from the rule that asked the first.
    const bool same_rule = rule_of(fresh) == rule_of(asked->second.request);
    return decision.verdict == policy::Verdict::kAllow || same_rule ? std::optional(answer) : std::nullopt;
  }
  if (binding_of(without_secrets(fresh, parts_.secrets())) != binding_of(asked->second.request)) return std::nullopt;
  return answer;
}

Async<Result<GateAnswer>> SessionTaskHost::gate(ports::Action action, CancelToken cancel) {
  while (true) {
    const policy::PolicyDecision decision = judge(action);
    if (decision.verdict == policy::Verdict::kDeny) {
      CO_TRY_OK(co_await settle_by_rules(action.call_id, protocol::Decision::kDenied));
      co_return refusal(decision);
    }
    const EventMsg question = co_await question_for(action, decision);
    // An answer that was given ahead, while the Task was parked, or before a crash.
    if (auto earlier = earlier_answer(action, decision, question)) co_return *std::move(earlier);
    if (decision.verdict == policy::Verdict::kAllow || is_granted(state(), question)) {
      CO_TRY(const bool was_open, co_await settle_by_rules(action.call_id, protocol::Decision::kApproved));
      if (was_open) continue;
      co_return GateAnswer{.verdict = GateAnswer::Verdict::kRun};
    }
    // What the sandbox stopped is offered to whoever is there; a Task is not parked for it.
    if (!action.refused.empty() && !is_attended()) {
      co_return GateAnswer{.verdict = GateAnswer::Verdict::kDeclined, .note = "nobody is there to let it run outside"};
    }
    // A question that waits for another day would hold the command for ever.
    if (action.holds_a_command && ask_mode() == protocol::AskMode::kWait) {
      co_return GateAnswer{.verdict = GateAnswer::Verdict::kParked};
    }
    CO_TRY(GateAnswer answer, co_await ask_person(action, question, cancel));
    // Time has passed: what is refused by now stays refused, and what is not the same any more is asked about again.
    const bool yes = answer.verdict == GateAnswer::Verdict::kRun;
    if (!yes || answer.amended_arguments || co_await still_holds(action, question)) co_return answer;
  }
}

Async<Result<void>> SessionTaskHost::ask_ahead(ports::Action action) {
  const policy::PolicyDecision decision = judge(action);
  if (!asks_ahead() || decision.verdict != policy::Verdict::kAsk) co_return Result<void>();
  EventMsg question = co_await question_for(action, decision);
  const bool asked = question_of_call(action.call_id) != nullptr;
  if (asked || earlier_answer(action, decision, question) || is_granted(state(), question)) co_return Result<void>();
  CO_TRY_OK(co_await record(std::move(question)));
  co_return Result<void>();
}

Async<EventMsg> SessionTaskHost::question_for(ports::Action action, policy::PolicyDecision decision) {
  std::optional<std::int64_t> expires_at;
  if (decision.timeout) expires_at = parts_.loop.unix_now() + decision.timeout->count();
  EventMsg question = question_about(action, new_id("ask"), decision, expires_at);
  if (auto* exec = std::get_if<protocol::ExecApprovalRequest>(&question); exec && exec->outside_sandbox) {
    const std::string workspace = state().config->cwd;
    exec->files = co_await parts_.fs_pool.run([&] { return bound_files(decision.named_paths, workspace); });
  }
  co_return question;
}

bool SessionTaskHost::is_attended() const { return ask_mode() == protocol::AskMode::kClient && has_answerers(); }

Async<bool> SessionTaskHost::still_holds(ports::Action action, EventMsg question) {
  const policy::PolicyDecision now = judge(action);
  if (now.verdict == policy::Verdict::kDeny) co_return false;
  const auto* asked = std::get_if<protocol::ExecApprovalRequest>(&question);
  if (asked == nullptr || !asked->outside_sandbox || now.verdict == policy::Verdict::kAllow) co_return true;
  const EventMsg again = co_await question_for(action, now);
  co_return std::get<protocol::ExecApprovalRequest>(again).files == asked->files;
}

Async<Result<GateAnswer>> SessionTaskHost::ask_person(ports::Action action, EventMsg question, CancelToken cancel) {
  std::string question_id;
  const ports::OpenQuestionState* open = question_of_call(action.call_id);
  if (open != nullptr && binding_of(open->request) == binding_of(without_secrets(question, parts_.secrets()))) {
    question_id = open->id;
  } else {
    if (open != nullptr) {
      CO_TRY_OK(co_await deny_unless_settled(open->id, "Asked again: it changed meanwhile.", kChanged));
    }
    question_id = id_of(question);
    CO_TRY_OK(co_await record(std::move(question)));
  }
  if (ask_mode() == protocol::AskMode::kDeny) {
    CO_TRY_OK(
        co_await deny_unless_settled(question_id, "Nobody is there to answer, so the answer is no.", kUnattended));
  } else {
    CO_TRY(const Asked asked, co_await wait_for_answer(question_id, cancel));
    if (asked == Asked::kParked) co_return GateAnswer{.verdict = GateAnswer::Verdict::kParked};
  }
  const auto settled = state().decisions.find(action.call_id);
  CHECK_REQUEST(settled != state().decisions.end());
  GateAnswer answer = to_gate_answer(settled->second);
  answer.asked = true;
  co_return answer;
}

Async<Result<std::vector<std::string>>> SessionTaskHost::ask(std::string call_id,
                                                             std::vector<protocol::Question> questions,
                                                             CancelToken cancel) {
  const auto answered = state().answers.find(call_id);
  if (answered != state().answers.end()) co_return answered->second.answers;

  std::string question_id;
  if (const ports::OpenQuestionState* open = question_of_call(call_id)) {
    question_id = open->id;
  } else {
    question_id = new_id("ask");
    protocol::UserQuestion question{.id = question_id, .call_id = call_id, .questions = std::move(questions)};
    CO_TRY_OK(co_await record(EventMsg(std::move(question))));
  }
  if (ask_mode() == protocol::AskMode::kDeny) {
    CO_TRY_OK(co_await answer(question_id, {}, {.who = kUnattended}));
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
  if (ask_mode() == protocol::AskMode::kWait || !has_answerers()) co_return Asked::kParked;
  while (const ports::OpenQuestionState* open = open_question(question_id)) {
    Deadline deadline = Deadline::never();
    // An answer that is on its way comes in time.
    if (!settling_.contains(question_id)) deadline = expiries_.of(question_id, expiry_of(open->request));
    auto& signal = waiting_[question_id];
    if (!signal) signal = std::make_unique<runtime::Signal>(parts_.loop);
    const auto waited = co_await signal->wait(cancel, deadline);
    if (!waited.ok() && waited.error().code == base::codes::kTimeout) {
      CO_TRY_OK(co_await deny_unless_settled(question_id, "No answer came in time, so the answer is no.", kExpired));
    } else if (!waited.ok()) {
      waiting_.erase(question_id);
      co_return waited.error();
    } else if (!has_answerers() && open_question(question_id) != nullptr && !settling_.contains(question_id)) {
      waiting_.erase(question_id);
      co_return Asked::kParked;
    }
  }
  waiting_.erase(question_id);
  co_return Asked::kAnswered;
}

void SessionTaskHost::audience_changed() {
  if (has_answerers()) return;
  for (const auto& [question, signal] : waiting_) {
    if (signal) signal->notify();
  }
}

}  // namespace lathe::engine
