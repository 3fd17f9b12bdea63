#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/engine/lineage.h"
#include "lathe/engine/live_session.h"
#include "lathe/engine/recovery.h"
#include "lathe/protocol/error_codes.h"

// The part of LiveSession that runs a Task and records how it ended. A Task ends exactly once: task_complete, or
// turn_aborted and (unless it was replaced) error, or error with ends_task, or task_parked.

namespace lathe::engine {

using base::Error;
using base::Result;
using ports::TaskEnd;
using protocol::AbortReason;
using protocol::EventMsg;
using runtime::Async;

namespace {

Error error_of(AbortReason reason) {
  switch (reason) {
    case AbortReason::kInterrupted:
      return {.code = protocol::error_codes::kInterrupted, .message = "interrupted"};
    case AbortReason::kReplaced:
      return {.code = protocol::error_codes::kInterrupted, .message = "replaced by new input"};
    case AbortReason::kReconfigured:
      return {.code = protocol::error_codes::kInterrupted, .message = "the session was reconfigured"};
    case AbortReason::kBudget:
      return {.code = protocol::error_codes::kBudget, .message = "a budget is spent"};
    case AbortReason::kLoop:
      return {.code = protocol::error_codes::kLoop, .message = "the model repeated itself"};
    case AbortReason::kApproval:
      return {.code = protocol::error_codes::kApprovalAborted, .message = "ended by the answer to a question"};
    case AbortReason::kShutdown:
      return {.code = protocol::error_codes::kInterrupted, .message = "Lathe was shut down"};
    case AbortReason::kCrashed:
      return {.code = protocol::error_codes::kInterrupted, .message = "the process that ran the Task died"};
  }
  return {};
}

}  // namespace

LiveSession::Seq LiveSession::end_task(AbortReason reason, std::string by) {
  if (running_) {
    running_->reason = reason;
    running_->by = by;
    running_->cancel.cancel(error_of(reason));
    while (running_) CO_TRY_OK(co_await task_ended_.wait(runtime::CancelToken(), runtime::Deadline::never()));
    // One that parked just then outlives other reasons.
    if (reason != AbortReason::kInterrupted && reason != AbortReason::kReplaced) co_return state().last_seq;
    CO_TRY_OK(co_await record_kept_end());
  }
  if (!state().task) co_return state().last_seq;
  // Parked: no driver runs; its agents and its open calls end here.
  co_await children_.end_all();
  const TaskOutcome outcome = outcome_now({.kind = TaskEnd::Kind::kAborted, .error = error_of(reason)});
  const Result<std::int64_t> seq = co_await record_end_of_parked(reason, std::move(by));
  // Also where the disk takes no record, since nobody else tells whoever waits for it.
  tell_parent(outcome);
  if (seq.ok()) start_queued();
  co_return seq;
}

LiveSession::Seq LiveSession::record_end_of_parked(AbortReason reason, std::string by) {
  for (EventMsg& closed :
       close_open_calls(state(), protocol::CallStatus::kCancelled, "Not answered: the Task was ended.",
                        "Not run: the Task was ended before this call started.")) {
    CO_TRY_OK(co_await host_.record(std::move(closed)));
  }
  co_return co_await record_abort(reason, error_of(reason), std::move(by));
}

Async<Result<void>> LiveSession::take_settings() {
  const SettingsState settings = parts_.refreshed();
  if (settings.generation != std::exchange(settings_, settings.generation)) candidates_.clear();
  if (!settings.problem) co_return Result<void>();
  protocol::Warning warning{.code = "settings",
                            .message = fmt::format("{}; what was set before holds", settings.problem->text())};
  CO_TRY_OK(co_await host_.record(EventMsg(std::move(warning))));
  co_return Result<void>();
}

Async<Result<void>> LiveSession::follow_settings() {
  CO_TRY(protocol::SessionConfigured config, with_settings(parts_, *state().config));
  if (config == *state().config) co_return Result<void>();
  candidates_.clear();
  CO_TRY_OK(co_await host_.record(EventMsg(std::move(config))));
  co_return Result<void>();
}

bool LiveSession::at_rest() const {
  const bool waits = handling_ || ops_.size() > 0 || !queued_.empty();
  return !busy() && !waits && state().jobs.empty();
}

void LiveSession::rest_later() {
  if (!parts_.rest_after) return;
  rest_timer_ = parts_.loop.call_after(*parts_.rest_after, [this] {
    if (closing_ || !driver_) return;
    if (!at_rest()) return rest_later();
    scope_.spawn(let_driver_go());
  });
}

Async<void> LiveSession::let_driver_go() {
  letting_go_ = true;
  std::unique_ptr<ports::Driver> driver = std::move(driver_);
  co_await driver->stop();
  driver.reset();
  letting_go_ = false;
  let_go_.notify();
}

Async<Result<void>> LiveSession::tell_warnings() {
  // A process with a terminal has said so there.
  if (!parts_.end_process) co_return Result<void>();
  std::vector<std::string> due = parts_.policy.untrusted_for(state().config->cwd);
  for (const ports::ResolvedModel& model : candidates_) {
    if (!model.warning.empty()) due.push_back(model.warning);
  }
  for (const std::string& text : due) {
    if (!warned_.insert(text).second) continue;
    CO_TRY_OK(co_await host_.record(EventMsg(protocol::Warning{.code = "notice", .message = text})));
  }
  co_return Result<void>();
}

Async<Result<void>> LiveSession::ensure_driver() {
  while (letting_go_) CO_TRY_OK(co_await let_go_.wait(runtime::CancelToken(), runtime::Deadline::never()));
  const protocol::SessionConfigured config = *state().config;
  const bool same =
      driver_cwd_ == config.cwd && driver_mode_ == config.sandbox_mode && driver_network_ == config.network &&
      driver_hosts_ == config.allow_hosts &&
      ((same_context(driver_context_, context_) && driver_settings_ == settings_) || !state().jobs.empty());
  if (driver_ && !same) {
    co_await driver_->stop();
    driver_.reset();
  }
  if (!driver_) {
    CO_TRY(std::vector<ports::AgentDefinition> lineage, co_await find_lineage(&parts_, &family_, config));
    children_.place(lineage.size());
    const bool may_spawn = static_cast<std::int64_t>(lineage.size()) < parts_.config.agents.max_depth;
    driver_ =
        parts_.make_driver({.session_id = state().session_id,
                            .cwd = config.cwd,
                            .sandbox_mode = config.sandbox_mode,
                            .network = config.network,
                            .allow_hosts = config.allow_hosts,
                            .questioner = &host_,
                            .record = [this](EventMsg msg) { record_aside(std::move(msg)); },
                            .verdict_on = [this](const ports::Action& action) { return host_.verdict_on(action); },
                            .history = history(),
                            .candidates = [this] { return candidates_; },
                            .agents = may_spawn ? &children_ : nullptr,
                            .lineage = std::move(lineage),
                            .context = context_});
    driver_cwd_ = config.cwd;
    driver_mode_ = config.sandbox_mode;
    driver_network_ = config.network;
    driver_hosts_ = config.allow_hosts;
    driver_context_ = context_;
    driver_settings_ = settings_;
  }
  co_return Result<void>();
}

Async<TaskEnd> LiveSession::run_driver(ports::TaskRequest request) {
  if (const Result<void> made = co_await ensure_driver(); !made.ok()) {
    co_return TaskEnd{.kind = TaskEnd::Kind::kFailed, .error = made.error()};
  }
  TaskEnd end;
  try {
    end = co_await driver_->run(std::move(request), host_, running_->cancel.token());
  } catch (const base::RequestBug& bug) {
    end.kind = TaskEnd::Kind::kFailed;
    end.error = {.code = base::codes::kInternal, .message = bug.what(), .hint = "this is a bug of Lathe"};
  }
  co_return end;
}

/// Runs the driver until neither it nor an agent in the background has more to do. Input that was steered in while the
/// driver was finishing, or compacting, is due a Turn of its own, and so is the end of an agent.
Async<TaskEnd> LiveSession::run_with_agents(ports::TaskRequest request) {
  TaskEnd end = co_await run_driver(request);
  request.compact_only = false;
  while (end.kind == TaskEnd::Kind::kComplete && co_await children_.wait_for_news(running_->cancel.token())) {
    if (running_->cancel.cancelled()) break;
    end = co_await run_driver(request);
  }
  if (end.kind == TaskEnd::Kind::kComplete && running_->cancel.cancelled()) end.kind = TaskEnd::Kind::kAborted;
  if (end.kind == TaskEnd::Kind::kComplete && children_.any_parked()) end.kind = TaskEnd::Kind::kParked;
  if (end.kind == TaskEnd::Kind::kAborted || end.kind == TaskEnd::Kind::kFailed) co_await children_.end_all();
  (void)host_.take_steered();
  co_return end;
}

std::optional<protocol::Budget> LiveSession::room() const {
  if (!running_ || (!parent_.room && children_.none())) return std::nullopt;
  const protocol::Budget left = left_of(budget_, use());
  const std::optional<protocol::Budget> outer = parent_.room ? parent_.room() : std::nullopt;
  return outer ? narrower(left, *outer) : left;
}

ports::AgentUse LiveSession::use() const {
  if (!state().task) return {};
  return sum_of(use_of(*state().task), children_.use_of_running());
}

void LiveSession::tie_to(ParentLink link, std::function<void(TaskOutcome)> on_end) {
  parent_ = std::move(link);
  on_end_ = std::move(on_end);
  feed_.pass_questions_to(parent_.feed);
  children_.share_count(parent_.running);
  if (parent_.context) use_context(parent_.context);
}

void LiveSession::use_context(SharedContext context) {
  context_ = std::move(context);
  children_.use_context(context_);
}

void LiveSession::untie() {
  feed_.pass_questions_to(nullptr);
  parent_ = {};
  on_end_ = nullptr;
}

TaskOutcome LiveSession::outcome_now(const TaskEnd& end) const {
  TaskOutcome outcome{.last_message = {}, .why = end.error};
  // Only a parent reads it, and it may be long.
  if (on_end_) outcome.last_message = end.last_agent_message;
  if (state().task) outcome.use = use_of(*state().task);
  switch (end.kind) {
    case TaskEnd::Kind::kComplete:
      break;
    case TaskEnd::Kind::kParked:
      outcome.parked = true;
      for (const auto& question : state().questions) outcome.questions.push_back(question.id);
      for (std::string& id : children_.open_questions()) outcome.questions.push_back(std::move(id));
      break;
    case TaskEnd::Kind::kAborted:
    case TaskEnd::Kind::kFailed: {
      const bool from_outside = !running_ || running_->cancel.cancelled();
      outcome.status = from_outside ? protocol::CallStatus::kCancelled : protocol::CallStatus::kFailed;
      if (running_ && (from_outside || end.error.code.empty())) {
        outcome.why = error_of(from_outside ? running_->reason : end.abort_reason);
      }
      break;
    }
  }
  return outcome;
}

void LiveSession::tell_parent(TaskOutcome outcome) {
  if (on_end_) on_end_(std::move(outcome));
}

Async<Result<void>> LiveSession::record_lost_agents() {
  const std::vector<protocol::AgentStarted> agents = state().agents;
  for (const protocol::AgentStarted& agent : agents) {
    const auto there = co_await parts_.sessions.peek(agent.session);
    const TaskOutcome outcome = there.ok() ? outcome_of(*there) : TaskOutcome();
    protocol::AgentEnded ended{.session = agent.session,
                               .call_id = agent.call_id,
                               .status = protocol::CallStatus::kInterrupted,
                               .last_agent_message = outcome.last_message,
                               .usage = outcome.use.usage,
                               .cost_micro_usd = outcome.use.cost_micro_usd,
                               .turns = outcome.use.turns,
                               .tool_calls = outcome.use.tool_calls};
    CO_TRY_OK(co_await host_.record(EventMsg(std::move(ended))));
  }
  co_return Result<void>();
}

Async<void> LiveSession::run_task(ports::TaskRequest request, Begun begun) {
  budget_ = request.budget;
  if (!budget_.turns) budget_.turns = ports::kDefaultTurns;
  if (!budget_.tool_calls) budget_.tool_calls = ports::kDefaultToolCalls;
  if (begun == Begun::kBefore) co_await children_.go_on();
  TaskEnd end = co_await run_with_agents(std::move(request));
  running_->ending = true;
  TaskOutcome outcome = outcome_now(end);
  const TaskEnd::Kind kind = end.kind;
  if (const auto recorded = co_await record_end(std::move(end)); !recorded.ok()) keep_end(recorded.error(), kind);
  running_.reset();
  rest_later();
  task_ended_.notify();
  family_.task_ended();
  start_queued();
  tell_parent(std::move(outcome));
}

Async<Result<std::int64_t>> LiveSession::record_end(TaskEnd end) {
  if (!end.diff.empty()) host_.show(protocol::TurnDiff{.unified_diff = end.diff});
  // What does not fit on the disk leaves room for the end, which is short; it comes before the next Task then.
  const Result<void> whole = co_await host_.record_drafts();
  switch (end.kind) {
    case TaskEnd::Kind::kComplete: {
      const ports::OpenTask& task = *state().task;
      // For how long one was parked, perhaps in another process, only the wall clock tells.
      const std::int64_t parked_too = parts_.loop.unix_now() - task.started_at;
      protocol::TaskComplete complete{.task = task.task,
                                      .last_agent_message = std::move(end.last_agent_message),
                                      .usage = task.usage,
                                      .cost_micro_usd = task.cost_micro_usd,
                                      .turns = task.turns,
                                      .tool_calls = task.tool_calls,
                                      .duration_ms = task.active_ms == 0 ? ran_ms() : std::max(ran_ms(), parked_too)};
      co_return co_await host_.record(EventMsg(std::move(complete)));
    }
    case TaskEnd::Kind::kAborted: {
      const bool from_outside = running_->cancel.cancelled();
      const AbortReason reason = from_outside ? running_->reason : end.abort_reason;
      const Error error = from_outside || end.error.code.empty() ? error_of(reason) : end.error;
      co_return co_await record_abort(reason, error, running_->by);
    }
    case TaskEnd::Kind::kFailed: {
      protocol::ErrorEvent failed{.code = end.error.code,
                                  .message = end.error.message,
                                  .hint = end.error.hint,
                                  .retryable = end.error.retryable,
                                  .ends_task = true};
      if (!whole.ok()) failed.message += "; text that was shown could not be recorded";
      co_return co_await host_.record(EventMsg(std::move(failed)));
    }
    case TaskEnd::Kind::kParked:
      co_return co_await host_.record(EventMsg(parked_now()));
  }
  co_return Error{.code = base::codes::kInternal, .message = "a Task ended in no known way"};
}

std::int64_t LiveSession::ran_ms() const {
  return std::chrono::duration_cast<base::Millis>(parts_.loop.mono_now() - running_->since).count();
}

protocol::TaskParked LiveSession::parked_now() const {
  protocol::TaskParked parked{.questions = {}, .active_ms = ran_ms(), .handed_over = false};
  for (const auto& question : state().questions) parked.questions.push_back(question.id);
  for (std::string& id : children_.open_questions()) parked.questions.push_back(std::move(id));
  parked.handed_over = hands_over_ && parked.questions.empty();
  return parked;
}

void LiveSession::keep_end(const Error& why, TaskEnd::Kind kind) {
  const protocol::ErrorEvent failed{
      .code = why.code, .message = why.message, .hint = why.hint, .retryable = why.retryable, .ends_task = true};
  host_.show(failed);
  // What it took may be the beginning of the end, which is enough.
  if (!state().task) return;
  kept_end_ = kind == TaskEnd::Kind::kParked ? EventMsg(parked_now()) : EventMsg(failed);
}

Async<Result<void>> LiveSession::record_kept_end() {
  if (!running_) CO_TRY_OK(co_await host_.record_drafts());
  if (!kept_end_) co_return Result<void>();
  if (!std::holds_alternative<protocol::TaskParked>(*kept_end_)) {
    CO_TRY_OK(co_await record_lost_agents());
    for (EventMsg& closed : close_open_calls(
             state(), protocol::CallStatus::kInterrupted,
             "Interrupted: its end could not be recorded. Its outcome is unknown; check before running it again.",
             "Not run: the Task ended before this call started.")) {
      CO_TRY_OK(co_await host_.record(std::move(closed)));
    }
  }
  CO_TRY_OK(co_await host_.record(*kept_end_));
  kept_end_.reset();
  co_return Result<void>();
}

std::optional<protocol::SessionState> LiveSession::unrecorded_state() const {
  if (!kept_end_) return std::nullopt;
  const bool parked = std::holds_alternative<protocol::TaskParked>(*kept_end_);
  return parked ? protocol::SessionState::kParked : protocol::SessionState::kInterrupted;
}

Async<Result<std::int64_t>> LiveSession::record_abort(AbortReason reason, Error error, std::string by) {
  protocol::TurnAborted aborted{.reason = reason, .detail = error.message};
  CO_TRY(const std::int64_t seq, co_await host_.record_by(EventMsg(std::move(aborted)), std::move(by)));
  if (reason == AbortReason::kReplaced) co_return seq;
  protocol::ErrorEvent told{
      .code = error.code, .message = error.message, .hint = error.hint, .retryable = false, .ends_task = true};
  co_return co_await host_.record(EventMsg(std::move(told)));
}

LiveSession::Seq LiveSession::go_on(std::optional<protocol::Budget> budget) {
  if (closing_) co_return closing_error();
  const Visit visit(*this);
  const runtime::AsyncMutex::Holder held = co_await alone();
  CO_TRY_OK(co_await record_kept_end());
  co_return co_await resume_parked(std::move(budget));
}

Async<void> LiveSession::tell_not_continued(Error why) {
  if (closing_) co_return;
  const Visit visit(*this);
  protocol::Warning warning{.code = "not_continued",
                            .message = "the task has its answers and is not continued: " + why.text()};
  (void)co_await host_.record(EventMsg(std::move(warning)));
}

LiveSession::Seq LiveSession::resume_parked(std::optional<protocol::Budget> budget) {
  CO_TRY_OK(check_takes_work());
  if (running_ || !state().task || !state().task->parked) {
    co_return Error{.code = base::codes::kInvalid, .message = "no Task of this session waits to go on"};
  }
  if (!state().questions.empty()) {
    co_return Error{.code = base::codes::kUnavailable,
                    .message = fmt::format("the Task still waits for an answer to {}", state().questions.front().id),
                    .hint = "lathe approvals answer " + state().questions.front().id + " --approve"};
  }
  CO_TRY_OK(co_await read_project_rules(&parts_, state().config->cwd));
  host_.set_submission(state().task->submission);
  CO_TRY_OK(co_await take_settings());
  CO_TRY_OK(co_await resolve_models());
  ports::TaskRequest request;
  request.task = state().task->task;
  // The driver counts the time that the Task was at work before.
  if (budget && budget->millis) *budget->millis += state().task->active_ms;
  request.budget = over(budget.value_or(protocol::Budget()), state().task->budget);
  request.output_schema = state().task->output_schema;
  // Another process may be about to take its place by now.
  CO_TRY_OK(check_takes_work());
  CO_TRY(const std::int64_t seq, co_await host_.record(protocol::TaskResumed{.task = request.task}));
  running_.emplace(parts_.loop.mono_now());
  scope_.spawn(run_task(std::move(request), Begun::kBefore));
  co_return seq;
}

}  // namespace lathe::engine
