#include "lathe/cli/task_end.h"

#include "lathe/cli/exit_codes.h"
#include "lathe/cli/render/labels.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::cli {

namespace p = lathe::protocol;

void TaskEndWatch::stopping(StopCause cause) {
  if (!cause_) cause_ = cause;
}

ExitCode TaskEndWatch::stopped_code() const {
  if (!cause_) return kStopped;
  switch (*cause_) {
    case StopCause::kPerson:
      return kInterrupted;
    case StopCause::kTimeout:
      return kTimedOut;
    case StopCause::kSignal:
    case StopCause::kReaderGone:
      return kStopped;
  }
  return kStopped;
}

std::string how_to_answer(const TaskEnd::Waiting& waiting) {
  return "lathe approvals answer " + waiting.question +
         (waiting.wants_text ? " --answer TEXT" : " --approve (or --deny, --abort)");
}

std::optional<TaskEnd> TaskEndWatch::observe(const p::Event& event) {
  if (event.seq && *event.seq <= after_seq_) return std::nullopt;
  if (const auto* message = std::get_if<p::AgentMessage>(&event.msg)) last_message_ = message->text;
  if (const auto* budget = std::get_if<p::BudgetStatus>(&event.msg)) {
    time_spent_ |= budget->kind == "millis" && budget->used >= budget->limit;
  }
  if (const auto* asked = std::get_if<p::UserQuestion>(&event.msg)) text_questions_.insert(asked->id);
  watch_jobs(event);
  std::optional<TaskEnd> end = end_of(event);
  if (end) end->jobs = jobs_;
  return end;
}

void TaskEndWatch::watch_jobs(const p::Event& event) {
  const auto* begin = std::get_if<p::ExecCommandBegin>(&event.msg);
  if (begin != nullptr && !begin->job.empty()) jobs_.emplace_back(begin->job, command_label(begin->command));
  if (const auto* end = std::get_if<p::JobEnd>(&event.msg)) {
    std::erase_if(jobs_, [&](const auto& job) { return job.first == end->job; });
  }
}

std::optional<TaskEnd> TaskEndWatch::end_of(const p::Event& event) const {
  if (const auto* complete = std::get_if<p::TaskComplete>(&event.msg)) {
    return TaskEnd{.code = kDone, .last_message = complete->last_agent_message};
  }
  if (const auto* parked = std::get_if<p::TaskParked>(&event.msg)) {
    // The next daemon goes on with it, and what it does comes here.
    if (parked->handed_over) return std::nullopt;
    TaskEnd end{.code = kStopped, .last_message = last_message_};
    for (const std::string& id : parked->questions) {
      end.questions.push_back({.question = id, .wants_text = text_questions_.contains(id)});
    }
    return end;
  }
  const auto* aborted = std::get_if<p::TurnAborted>(&event.msg);
  if (aborted != nullptr && aborted->reason == p::AbortReason::kReplaced) {
    return TaskEnd{.code = stopped_code(), .last_message = last_message_};
  }
  const auto* error = std::get_if<p::ErrorEvent>(&event.msg);
  if (error == nullptr || !error->ends_task) return std::nullopt;
  ExitCode code = exit_code_of_task_error(error->code);
  if (error->code == p::error_codes::kInterrupted) code = stopped_code();
  if (error->code == p::error_codes::kBudget && time_spent_) code = kTimedOut;
  return TaskEnd{.code = code, .last_message = last_message_};
}

}  // namespace lathe::cli
