#include "lathe/engine/task_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "lathe/base/strings.h"
#include "lathe/engine/bound_files.h"
#include "lathe/engine/questions.h"
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

// Who settled a question that no client answered.
constexpr const char* kUnattended = "unattended";
constexpr const char* kExpired = "expired";
constexpr const char* kChanged = "changed";
constexpr const char* kRules = "rules";
constexpr const char* kGranted = "granted";
constexpr const char* kEnded = "ended";

bool is_client(const std::string& by) {
  const std::initializer_list<std::string_view> others{kUnattended, kExpired, kChanged, kRules, kGranted, kEnded};
  return std::ranges::find(others, by) == others.end();
}

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

Error settled_already(std::string_view what, const std::string& id, const std::string& session) {
  return {.code = base::codes::kNotFound,
          .message = fmt::format("no open {} \"{}\" in session {}", what, id, session),
          .hint = "it may be settled already: lathe approvals list"};
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

/// From the moment someone answers a question until the answer is recorded, or is refused by the disk: nobody else
/// answers it meanwhile.
class SessionTaskHost::Settling final {
 public:
  Settling(SessionTaskHost& host, std::string id) : host_(host), id_(std::move(id)) { host_.settling_.insert(id_); }
  Settling(const Settling&) = delete;
  Settling& operator=(const Settling&) = delete;
  ~Settling() {
    host_.settling_.erase(id_);
    const auto waiter = host_.waiting_.find(id_);
    if (waiter != host_.waiting_.end()) waiter->second->notify();
  }

 private:
  SessionTaskHost& host_;
  const std::string id_;
};

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
  if (!seq.ok() && !completed.empty()) keep_draft(completed.key(), completed.mapped());
  co_return seq;
}

void SessionTaskHost::show(EventMsg msg) {
  feed_.show(event_of(without_secrets(std::move(msg), parts_.secrets()), ""));
}

void SessionTaskHost::draft(ports::DraftKind kind, const std::string& item, std::string_view more) {
  const base::MonoTime now = parts_.loop.mono_now();
  auto found = drafts_.find(item);
  if (found == drafts_.end()) {
    Draft fresh{.kind = kind, .filter = base::SecretFilter(parts_.secrets()), .text = {}, .kept_at = now};
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
    CO_TRY_OK(co_await answer(question_id, {}, kUnattended));
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

Async<Result<void>> SessionTaskHost::deny_unless_settled(std::string id, std::string note, std::string by) {
  return settle_unless_settled(std::move(id), protocol::Decision::kDenied, std::move(note), std::move(by));
}

Async<Result<void>> SessionTaskHost::settle_unless_settled(std::string id, protocol::Decision decision,
                                                           std::string note, std::string by) {
  while (open_question(id) != nullptr) {
    if (!settling_.contains(id)) {
      CO_TRY_OK(co_await settle(id, decision, note, std::nullopt, by));
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
    settled = co_await settle(other.id, protocol::Decision::kDenied, "The Task was ended.", std::nullopt, kEnded);
  } else if (decision == protocol::Decision::kAbort) {
    settled = co_await answer(other.id, {}, kEnded);
  } else if (approval && is_granted(state(), other.request) && !expiries_.passed(other.id, expiry_of(other.request))) {
    settled = co_await settle(other.id, protocol::Decision::kApproved, "", std::nullopt, kGranted);
  }
  if (!settled.ok()) co_return std::move(settled).error();
  co_return Result<void>();
}

Async<Result<std::int64_t>> SessionTaskHost::settle(std::string id, protocol::Decision decision, std::string note,
                                                    std::optional<base::Json> amended, std::string by) {
  const ports::OpenQuestionState* question = open_question(id);
  if (question == nullptr || settling_.contains(id) ||
      std::holds_alternative<protocol::UserQuestion>(question->request)) {
    co_return settled_already("approval", id, state().session_id);
  }
  const EventMsg request = question->request;
  const std::string call_id = question->call_id;
  if (is_client(by) && expiries_.passed(id, expiry_of(request))) {
    CO_TRY_OK(co_await settle(id, protocol::Decision::kDenied, "No answer came in time, so the answer is no.",
                              std::nullopt, kExpired));
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
                                      .by = by,
                                      .note = std::move(note),
                                      .amended_input = std::move(amended)};
  if (decision == protocol::Decision::kApprovedAlways) {
    CO_TRY(resolved.rule_written, co_await write_rules(request));
    if (open_question(id) == nullptr) {
      co_return Error{.code = base::codes::kNotFound, .message = fmt::format("\"{}\" was settled meanwhile", id)};
    }
  }
  CO_TRY(const std::int64_t seq, co_await record_by(EventMsg(std::move(resolved)), is_client(by) ? by : ""));
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

Async<Result<std::int64_t>> SessionTaskHost::answer(std::string id, std::vector<std::string> answers, std::string by) {
  const ports::OpenQuestionState* question = open_question(id);
  if (question == nullptr || settling_.contains(id) ||
      !std::holds_alternative<protocol::UserQuestion>(question->request)) {
    co_return settled_already("question", id, state().session_id);
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
      .id = id, .call_id = question->call_id, .answers = std::move(answers), .by = by};
  co_return co_await record_by(EventMsg(std::move(answered)), is_client(by) ? by : "");
}

}  // namespace lathe::engine
