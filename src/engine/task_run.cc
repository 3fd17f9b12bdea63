#include <fmt/format.h>

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
    running_->by = std::move(by);
    running_->cancel.cancel(error_of(reason));
    while (running_) CO_TRY_OK(co_await task_ended_.wait(runtime::CancelToken(), runtime::Deadline::never()));
    co_return state().last_seq;
  }
  if (!state().task) co_return state().last_seq;
  // Parked: no driver runs; its open calls end here.
  for (EventMsg& closed :
       close_open_calls(state(), protocol::CallStatus::kCancelled, "Not answered: the Task was ended.",
                        "Not run: the Task was ended before this call started.")) {
    CO_TRY_OK(co_await host_.record(std::move(closed)));
  }
  CO_TRY(const std::int64_t seq, co_await record_abort(reason, error_of(reason), std::move(by)));
  start_queued();
  co_return seq;
}

Async<TaskEnd> LiveSession::run_driver(ports::TaskRequest request) {
  const std::string cwd = state().config->cwd;
  if (driver_ && driver_cwd_ != cwd) {
    co_await driver_->stop();
    driver_.reset();
  }
  if (!driver_) {
    driver_ =
        parts_.make_driver({.session_id = state().session_id, .cwd = cwd, .questioner = &host_, .candidates = [this] {
                              return candidates_;
                            }});
    driver_cwd_ = cwd;
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

Async<void> LiveSession::run_task(ports::TaskRequest request) {
  TaskEnd end = co_await run_driver(request);
  // Input that was steered in while the driver was finishing, or compacting, is due a Turn of its own.
  request.compact_only = false;
  while (end.kind == TaskEnd::Kind::kComplete && host_.is_steered() && !running_->cancel.cancelled()) {
    end = co_await run_driver(request);
  }
  (void)host_.take_steered();
  const Result<std::int64_t> recorded = co_await record_end(std::move(end));
  if (!recorded.ok()) {
    // The disk refuses records; the person is told all the same.
    host_.show(protocol::ErrorEvent{.code = recorded.error().code,
                                    .message = recorded.error().message,
                                    .hint = recorded.error().hint,
                                    .retryable = recorded.error().retryable,
                                    .ends_task = true});
  }
  running_.reset();
  task_ended_.notify();
  start_queued();
}

Async<Result<std::int64_t>> LiveSession::record_end(TaskEnd end) {
  if (!end.diff.empty()) host_.show(protocol::TurnDiff{.unified_diff = end.diff});
  switch (end.kind) {
    case TaskEnd::Kind::kComplete: {
      const ports::OpenTask& task = *state().task;
      protocol::TaskComplete complete{.task = task.task,
                                      .last_agent_message = std::move(end.last_agent_message),
                                      .usage = task.usage,
                                      .cost_micro_usd = task.cost_micro_usd,
                                      .turns = task.turns,
                                      .tool_calls = task.tool_calls,
                                      .duration_ms = parts_.loop.unix_now() - task.started_at};
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
      co_return co_await host_.record(EventMsg(std::move(failed)));
    }
    case TaskEnd::Kind::kParked: {
      protocol::TaskParked parked;
      for (const auto& question : state().questions) parked.questions.push_back(question.id);
      co_return co_await host_.record(EventMsg(std::move(parked)));
    }
  }
  co_return Error{.code = base::codes::kInternal, .message = "a Task ended in no known way"};
}

Async<Result<std::int64_t>> LiveSession::record_abort(AbortReason reason, Error error, std::string by) {
  protocol::TurnAborted aborted{.reason = reason, .detail = error.message};
  CO_TRY(const std::int64_t seq, co_await host_.record_by(EventMsg(std::move(aborted)), std::move(by)));
  if (reason == AbortReason::kReplaced) co_return seq;
  protocol::ErrorEvent told{
      .code = error.code, .message = error.message, .hint = error.hint, .retryable = false, .ends_task = true};
  co_return co_await host_.record(EventMsg(std::move(told)));
}

void LiveSession::start_queued() {
  if (queued_.empty() || closing_ || state().task) return;
  Pending next = std::move(queued_.front());
  queued_.pop_front();
  // Through the worker, so that ops stay in order; it is not busy now, or this input goes behind what it does.
  auto done = next.done;
  if (!ops_.try_send(std::move(next))) {
    done->set(Error{.code = base::codes::kLimit, .message = "too many ops wait at this session", .retryable = true});
  }
}

}  // namespace lathe::engine
