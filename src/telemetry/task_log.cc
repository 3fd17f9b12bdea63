#include "lathe/telemetry/task_log.h"

#include <iterator>
#include <variant>

namespace lathe::telemetry {

namespace p = lathe::protocol;

/// One event on its way into the log: an overload for each that is told.
struct TaskLog::Seeing {
  TaskLog& to;
  const p::Event& event;

  template <class Other>
  void operator()(const Other&) const {}

  void operator()(const p::TaskStarted& m) const {
    to.tasks_[event.session] = m.task;
    tell(LogLevel::kInfo, "task started", {{"by", event.by}});
  }
  void operator()(const p::TaskResumed& m) const {
    to.tasks_[event.session] = m.task;
    tell(LogLevel::kInfo, "task goes on");
  }
  void operator()(const p::TaskParked& m) const {
    tell(LogLevel::kInfo, m.handed_over ? "task waits for the next daemon" : "task waits for a person");
  }
  void operator()(const p::TaskComplete& m) const {
    tell(LogLevel::kInfo, "task complete",
         {{"turns", m.turns},
          {"tool_calls", m.tool_calls},
          {"input_tokens", m.usage.input_tokens},
          {"output_tokens", m.usage.output_tokens},
          {"duration_ms", m.duration_ms}});
    to.tasks_.erase(event.session);
  }
  void operator()(const p::TurnAborted& m) const {
    tell(LogLevel::kInfo, "task aborted", {{"reason", std::string(p::name_of(m.reason))}});
    to.tasks_.erase(event.session);
  }
  void operator()(const p::ErrorEvent& m) const {
    // The one that follows turn_aborted tells nothing new.
    if (m.ends_task && !to.tasks_.contains(event.session)) return;
    tell(LogLevel::kWarning, m.ends_task ? "task failed" : "error", {{"code", m.code}});
    if (m.ends_task) to.tasks_.erase(event.session);
  }
  void operator()(const p::StreamError& m) const {
    tell(LogLevel::kWarning, "model request failed", {{"code", m.code}, {"attempt", m.attempt}, {"of", m.of}});
  }
  void operator()(const p::Warning& m) const { tell(LogLevel::kWarning, "warning in a session", {{"code", m.code}}); }
  void operator()(const p::ExecApprovalRequest& m) const { ask(m.id); }
  void operator()(const p::ApplyPatchApprovalRequest& m) const { ask(m.id); }
  void operator()(const p::ApprovalRequest& m) const { ask(m.id); }
  void operator()(const p::UserQuestion& m) const { ask(m.id); }
  void operator()(const p::ApprovalResolved& m) const {
    tell(LogLevel::kInfo, "question settled", {{"question", m.id}, {"decision", std::string(p::name_of(m.decision))}});
  }
  void operator()(const p::UserQuestionAnswered& m) const {
    tell(LogLevel::kInfo, "question settled", {{"question", m.id}, {"decision", "answered"}});
  }

  void ask(const std::string& id) const {
    tell(LogLevel::kInfo, "question asked", {{"question", id}, {"kind", std::string(p::type_of(event.msg))}});
  }
  void tell(LogLevel level, std::string_view text, LogFields more = {}) const {
    LogFields fields{{"session", event.session}};
    if (const auto task = to.tasks_.find(event.session); task != to.tasks_.end()) {
      fields.emplace_back("task", task->second);
    }
    fields.insert(fields.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    to.log_.write(level, text, std::move(fields));
  }
};

void TaskLog::see(const p::Event& event, std::size_t /*record_bytes*/) { std::visit(Seeing{*this, event}, event.msg); }

}  // namespace lathe::telemetry
