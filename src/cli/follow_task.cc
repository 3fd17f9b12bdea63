#include "lathe/cli/follow_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/cli/trust_question.h"
#include "lathe/client/records.h"
#include "lathe/protocol/record.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;
using runtime::Deadline;

namespace {

constexpr base::Millis kEndPatience{10'000};
constexpr base::Millis kSpinnerStep{100};
/// So many pieces of output are held while a person is asked; then no more is taken in until they answered.
constexpr std::size_t kMostHeld = 4'000;
/// An answer of a model and what its calls did until one of them asked is hardly more than this.
constexpr std::int64_t kRecordsOfAnAnswer = 500;
constexpr std::array<std::string_view, 10> kSpinner{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

/// The call that the question is about, or "".
std::string call_of(const p::EventMsg& question) {
  return std::visit(
      [](const auto& asked) -> std::string {
        if constexpr (requires { asked.call_id; }) return asked.call_id;
        return "";
      },
      question);
}

/// The question that the event settles, or "".
std::string settled_question(const p::EventMsg& msg) {
  const bool settles =
      std::holds_alternative<p::ApprovalResolved>(msg) || std::holds_alternative<p::UserQuestionAnswered>(msg);
  return settles ? question_id(msg) : "";
}

}  // namespace

TaskFollower::TaskFollower(Context& context, FollowRequest request)
    : context_(context),
      request_(std::move(request)),
      watch_(request_.after_seq),
      last_seq_(request_.after_seq),
      started_(context.loop.mono_now()),
      answering_(context.loop),
      scope_(context.loop) {
  if (!request_.joined) return;
  state_ = request_.joined->at.state;
  for (p::EventMsg& question : request_.joined->open_questions) {
    take_question({.event = {.session = request_.session, .msg = std::move(question)}, .line = nullptr});
  }
}

Async<Result<TaskEnd>> TaskFollower::run() {
  if (!request_.joined) scope_.spawn(watch_stops());
  if (request_.screen->has_footer() && !request_.view->status().empty()) scope_.spawn(spin());
  if (request_.joined) scope_.spawn(mark_read());
  Result<TaskEnd> end = co_await follow();
  if (end_) co_await mark_read();
  co_await scope_.stop();
  request_.screen->clear_footer();
  request_.stops->reset();
  co_return end;
}

Async<void> TaskFollower::mark_read() {
  if (!request_.person_reads || output_error_) co_return;
  const std::int64_t behind = request_.joined ? request_.joined->at.last_seq : 0;
  co_await client::mark_read(request_.transport, request_.session, std::max(last_seq_, behind));
}

Async<Result<TaskEnd>> TaskFollower::follow() {
  Result<TaskEnd> end = co_await watch_events();
  over_ = true;
  question_.cancel(runtime::cancelled_error("the task has ended"));
  co_await answering_.stop();
  co_await flush();
  const bool ended = end_ || request_.joined;
  if (ended && output_error_ && output_error_->code != base::codes::kUnavailable) co_return *output_error_;
  co_return end;
}

Async<Result<TaskEnd>> TaskFollower::watch_events() {
  while (!end_) {
    if (answering_.running() == 0 && !questions_.empty() && !catches_up()) answering_.spawn(answer_all());
    // Told after the answer was taken.
    if (answering_.running() == 0 && answered_ && std::exchange(not_continued_, false)) answering_.spawn(go_on());
    leave_if_idle();
    auto batch = co_await request_.transport->events(give_up_.token(), Deadline::never());
    if (give_up_.cancelled() && (!batch.ok() || request_.joined)) co_return given_up();
    if (!batch.ok()) co_return std::move(batch).error();
    for (client::Delivery& delivery : *batch) {
      if (end_) break;
      CO_TRY_OK(co_await take(std::move(delivery)));
    }
    if (answering_.running() > 0) {
      tell_more();
      if (pieces_.size() > kMostHeld) co_await answering_.join();
    } else {
      co_await flush();
    }
  }
  co_return *end_;
}

TaskEnd TaskFollower::given_up() const {
  if (request_.joined) return last_end_.value_or(TaskEnd{});
  // The engine did not end the Task in time; it was asked to, and it ends with the connection.
  return {.code = watch_.stop_cause() == StopCause::kTimeout ? kTimedOut : kBroken};
}

void TaskFollower::leave() {
  over_ = true;
  const base::Error left = runtime::cancelled_error("this front end leaves");
  question_.cancel(left);
  give_up_.cancel(left);
}

void TaskFollower::leave_when_idle(std::int64_t after_seq) {
  leave_after_seq_ = after_seq;
  leave_if_idle();
}

void TaskFollower::leave_if_idle() {
  // What was taken is shown first; whoever shows it comes here again.
  const bool shown = !showing_ && pieces_.empty() && answering_.running() == 0;
  if (leave_after_seq_ && last_seq_ >= *leave_after_seq_ && shown && !running() && !catches_up()) leave();
}

Async<Result<void>> TaskFollower::take(client::Delivery delivery) {
  if (request_.asker != nullptr) forget_settled(delivery.event.msg);
  if (delivery.event.session != request_.session) {
    // Of the sessions of sub-agents only their questions are shown here.
    take_question(std::move(delivery));
    co_return Result<void>();
  }
  if (delivery.event.seq) last_seq_ = *delivery.event.seq;
  if (std::holds_alternative<p::Lagged>(delivery.event.msg)) co_return co_await subscribe_again();
  std::vector<Piece> shown = request_.view->show(delivery);
  std::ranges::move(shown, std::back_inserter(pieces_));
  if (request_.joined) {
    watch_session(delivery.event);
  } else {
    end_ = watch_.observe(delivery.event);
  }
  const bool is_new = !delivery.event.seq || *delivery.event.seq > request_.after_seq;
  if (const auto* calls = std::get_if<p::ToolCalls>(&delivery.event.msg)) {
    arguments_.clear();
    for (const p::ToolCall& call : calls->calls) arguments_[call.call_id] = call.arguments;
  }
  const auto* warning = std::get_if<p::Warning>(&delivery.event.msg);
  if (is_new && warning != nullptr && warning->code == "not_continued") not_continued_ = true;
  if (is_new) take_question(std::move(delivery));
  co_return Result<void>();
}

void TaskFollower::watch_session(const p::Event& event) {
  const bool past = !event.seq || *event.seq <= request_.joined->at.last_seq;
  if (std::holds_alternative<p::TaskStarted>(event.msg) || std::holds_alternative<p::TaskResumed>(event.msg)) {
    watch_next(past);
    started_ = context_.loop.mono_now();
    if (!past) state_ = p::SessionState::kRunning;
  }
  std::optional<TaskEnd> end = watch_.observe(event);
  if (!end) return;
  watch_next(past);
  if (end->questions.empty()) {
    // They ended with it.
    questions_.clear();
    question_.cancel(runtime::cancelled_error("the task has ended"));
  }
  if (past) return;
  scope_.spawn(mark_read());
  state_ = end->questions.empty() ? p::SessionState::kIdle : p::SessionState::kParked;
  last_end_ = std::move(end);
}

void TaskFollower::watch_next(bool past) {
  // What is asked while the past is still being told is about the present.
  const std::optional<StopCause> cause = past ? watch_.stop_cause() : std::nullopt;
  watch_ = TaskEndWatch(last_seq_);
  if (cause) watch_.stopping(*cause);
}

void TaskFollower::take_question(client::Delivery delivery) {
  if (!is_question(delivery.event.msg)) return;
  if (request_.asker == nullptr) return tell_how_to_answer(delivery.event.msg);
  questions_.push_back({.session = std::move(delivery.event.session),
                        .seq = delivery.event.seq.value_or(0),
                        .question = std::move(delivery.event.msg)});
  unlisted_ = true;
}

void TaskFollower::tell_how_to_answer(const p::EventMsg& question) {
  // Who started the Task has said what happens to its questions.
  if (!request_.joined || catches_up()) return;
  const TaskEnd::Waiting waiting{.question = question_id(question),
                                 .wants_text = std::holds_alternative<p::UserQuestion>(question)};
  pieces_.push_back({Piece::To::kActivity, "  " + how_to_answer(waiting) + "\n"});
}

void TaskFollower::forget_settled(const p::EventMsg& msg) {
  const std::string id = settled_question(msg);
  if (id.empty()) return;
  std::erase_if(questions_, [&](const Waiting& waiting) { return question_id(waiting.question) == id; });
  if (shown_ && question_id(shown_->question) == id) {
    question_.cancel(runtime::cancelled_error("it is settled already"));
  }
}

Async<void> TaskFollower::flush() {
  if (output_error_) {
    pieces_.clear();
    co_return;
  }
  // An answer comes in thousands of deltas: what they change in the footer waits for the next step of the spinner.
  if (pieces_.empty() && !asking_ && request_.screen->has_footer()) co_return;
  update_status();
  showing_ = true;
  Result<void> shown = co_await request_.screen->show(std::exchange(pieces_, {}), give_up_.token());
  showing_ = false;
  if (shown.ok() || give_up_.cancelled()) co_return;
  output_error_ = shown.error();
  if (request_.joined) co_return leave();
  co_await stop(StopCause::kReaderGone);
}

Async<void> TaskFollower::answer_all() {
  do {
    co_await answer_next();
    co_await flush();
    if (answered_ && std::exchange(not_continued_, false)) co_await go_on();
  } while (!pieces_.empty() || (!questions_.empty() && !is_over()));
}

std::string TaskFollower::label_of(const Waiting& waiting) const {
  const std::string label = question_label(waiting.question);
  return waiting.session == request_.session ? label : "of a sub-agent: " + label;
}

std::string TaskFollower::waiting_list() const {
  std::string list = fmt::format("{} questions wait:", questions_.size() + (shown_ ? 1 : 0));
  if (shown_) list += "\n  " + label_of(*shown_);
  for (const Waiting& waiting : questions_) list += "\n  " + label_of(waiting);
  return list;
}

void TaskFollower::tell_more() {
  if (!unlisted_ || !shown_ || questions_.empty()) return;
  if (request_.asker->tell(waiting_list())) unlisted_ = false;
}

Async<Result<std::string>> TaskFollower::arguments_of(Waiting waiting) {
  const std::string call_id = call_of(waiting.question);
  if (call_id.empty()) co_return "";
  if (waiting.session == request_.session) {
    const auto found = arguments_.find(call_id);
    co_return found == arguments_.end() ? "" : found->second;
  }
  // An answer's calls stand shortly before what is asked about them.
  std::int64_t since = std::max<std::int64_t>(waiting.seq - kRecordsOfAnAnswer, 0);
  std::string arguments;
  do {
    p::SessionExport page{.session = waiting.session, .since = since, .limit = kRecordsOfAnAnswer};
    CO_TRY(const p::SessionExportReply read, co_await client::call_as(request_.transport, std::move(page)));
    for (const std::string& line : read.records) {
      CO_TRY(const p::Event event, p::decode_record(line));
      const auto* calls = std::get_if<p::ToolCalls>(&event.msg);
      if (calls == nullptr) continue;
      const auto found = std::ranges::find(calls->calls, call_id, &p::ToolCall::call_id);
      // Some servers name their calls alike in every answer: the last one is meant.
      if (found != calls->calls.end()) arguments = found->arguments;
    }
    since = read.next;
  } while (since != 0);
  co_return arguments;
}

Async<void> TaskFollower::answer_next() {
  asking_ = true;
  request_.screen->set_status("");
  request_.screen->set_unfinished("");
  co_await flush();
  if (questions_.empty() || is_over()) {
    asking_ = false;
    co_return;
  }
  if (std::exchange(unlisted_, false) && questions_.size() > 1) {
    for (const std::string_view line : base::split_lines(waiting_list())) request_.screen->note(line);
  }
  shown_ = std::move(questions_.front());
  questions_.pop_front();
  const bool of_agent = shown_->session != request_.session;
  if (of_agent) request_.screen->note("a sub-agent asks:");
  Result<p::Op> op = co_await ask(*shown_);
  const Waiting asked = *std::exchange(shown_, std::nullopt);
  asking_ = false;
  if (!op.ok() && question_.cancelled()) co_return;
  if (!op.ok()) {
    request_.screen->note("nobody could be asked: " + op.error().text());
    // It is for whoever else is there.
    if (request_.joined) co_return;
    if (const auto* question = std::get_if<p::UserQuestion>(&asked.question)) {
      op = p::Op(p::UserAnswer{.id = question->id});
    } else {
      op = approval_op(asked.question, p::Decision::kDenied, "nobody could be asked");
    }
  }
  co_await submit_answer(asked.session, *std::move(op));
}

Async<void> TaskFollower::submit_answer(std::string session, p::Op answer) {
  answered_ = true;
  const auto ack = co_await request_.transport->submit(std::move(session), std::move(answer));
  if (!ack.ok()) request_.screen->note("the answer was not taken: " + ack.error().text());
}

Async<void> TaskFollower::go_on() {
  question_ = runtime::CancelSource();
  if (is_over()) question_.cancel(runtime::cancelled_error("nobody is asked any more"));
  asking_ = true;
  // Nothing is said.
  const Result<p::Ack> ack = co_await submit_once_trusted(&context_, request_.transport, request_.session,
                                                          p::UserInput{.if_busy = p::IfBusy::kSteer},
                                                          {.asker = request_.asker, .cancel = question_.token()});
  asking_ = false;
  if (!ack.ok() && !question_.cancelled()) {
    request_.screen->note("the task does not go on: " + ack.error().text());
  }
}

Async<Result<p::Op>> TaskFollower::ask(Waiting waiting) {
  question_ = runtime::CancelSource();
  Result<std::string> arguments = co_await arguments_of(waiting);
  if (!arguments.ok()) {
    request_.screen->note("the call could not be read, a changed one has only what is typed: " +
                          arguments.error().text());
  }
  co_return co_await request_.asker->ask({.question = waiting.question, .arguments = arguments.value_or("")},
                                         question_.token());
}

Async<Result<void>> TaskFollower::subscribe_again() {
  const bool only_looks = request_.joined && request_.asker == nullptr;
  p::SessionSubscribe subscribe{.session = request_.session, .since = last_seq_, .only_looks = only_looks};
  CO_TRY(p::SessionSubscribeReply at, co_await client::call_as(request_.transport, std::move(subscribe)));
  if (!request_.joined) co_return Result<void>();
  state_ = at.state;
  request_.joined->at = std::move(at);
  co_return Result<void>();
}

Async<void> TaskFollower::watch_stops() {
  Deadline deadline = request_.deadline;
  while (true) {
    const Result<StopCause> cause = co_await request_.stops->next(scope_.token(), deadline);
    if (!cause.ok() && cause.error().code != base::codes::kTimeout) co_return;
    deadline = Deadline::never();
    co_await stop(cause.ok() ? *cause : StopCause::kTimeout);
  }
}

Async<void> TaskFollower::stop(StopCause cause) {
  if (watch_.stop_cause()) co_return;
  watch_.stopping(cause);
  question_.cancel(runtime::cancelled_error("the task is being stopped"));
  if (!request_.joined) {
    give_up_timer_ = context_.loop.call_after(
        kEndPatience, [this] { give_up_.cancel(runtime::cancelled_error("the engine did not end the task in time")); });
  }
  (void)co_await request_.transport->submit(request_.session, p::Interrupt{});
}

Async<void> TaskFollower::spin() {
  while ((co_await context_.loop.sleep(kSpinnerStep, scope_.token())).ok()) {
    ++frame_;
    if (asking_) continue;
    update_status();
    request_.screen->draw();
  }
}

void TaskFollower::update_status() {
  if (asking_ || !request_.screen->has_footer()) return;
  request_.screen->set_unfinished(request_.view->unfinished());
  if (request_.joined && !running()) return request_.screen->set_status("");
  const std::optional<StopCause> stopping = watch_.stop_cause();
  const std::string status = stopping ? "stopping" : request_.view->status();
  if (status.empty()) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(context_.loop.mono_now() - started_);
  const std::string took = elapsed.count() < 60 ? fmt::format("{}s", elapsed.count()) : base::format_duration(elapsed);
  std::string hint = stopping ? "" : request_.hint;
  if (stopping == StopCause::kPerson) hint = "Ctrl-C again to leave";
  request_.screen->set_status(fmt::format("{} {} · {}{}", kSpinner[frame_ % kSpinner.size()], elide(status, 50), took,
                                          hint.empty() ? "" : " · " + hint));
}

}  // namespace lathe::cli
