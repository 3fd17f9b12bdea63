#include "lathe/telemetry/event_counts.h"

#include <optional>
#include <variant>

namespace lathe::telemetry {

namespace p = lathe::protocol;

void LabelledCount::add(std::string_view first, std::string_view second, double number) {
  Key key{std::string(first), std::string(second)};
  if (series_.size() >= kMostSeries && !series_.contains(key)) key = {"other", "other"};
  series_[std::move(key)] += number;
}

/// One event on its way into the counts: an overload for each that is counted.
struct EventCounts::Seeing {
  EventCounts& counts;
  const p::Event& event;

  template <class Other>
  void operator()(const Other&) const {}

  void operator()(const p::TaskStarted&) const {
    ++counts.tasks_;
    counts.open_[event.session] = {};
  }
  void operator()(const p::TaskComplete&) const { end_task("completed"); }
  void operator()(const p::TurnAborted& m) const { end_task(p::name_of(m.reason)); }
  void operator()(const p::ErrorEvent& m) const {
    if (m.ends_task && counts.open_.contains(event.session)) end_task("failed");
  }
  void operator()(const p::TaskParked&) const { counts.task_ends_.add("parked", "", 1); }
  void operator()(const p::AgentStarted&) const { ++counts.agents_; }

  void operator()(const p::ToolCalls& m) const {
    OpenTask& task = counts.open_[event.session];
    for (const p::ToolCall& call : m.calls) task.tools[call.call_id] = call.tool;
    if (m.usage.total() == 0) return;
    task.answer_counted = true;
    spend(m.model, m.usage, m.cost_micro_usd);
  }
  void operator()(const p::TurnComplete& m) const {
    counts.turns_.add(m.model, "", 1);
    OpenTask& task = counts.open_[event.session];
    if (!std::exchange(task.answer_counted, false)) spend(m.model, m.usage, m.cost_micro_usd);
  }
  void operator()(const p::Compacted& m) const {
    if (m.usage.total() > 0) spend(counts.open_[event.session].model, m.usage, m.cost_micro_usd);
  }

  void operator()(const p::ExecCommandEnd& m) const { end_call(m.call_id, m.outcome); }
  void operator()(const p::PatchApplyEnd& m) const { end_call(m.call_id, m.outcome); }
  void operator()(const p::ToolCallEnd& m) const { end_call(m.call_id, m.outcome); }

  void operator()(const p::ExecApprovalRequest&) const { ask(); }
  void operator()(const p::ApplyPatchApprovalRequest&) const { ask(); }
  void operator()(const p::ApprovalRequest&) const { ask(); }
  void operator()(const p::UserQuestion&) const { ask(); }
  void operator()(const p::ApprovalResolved& m) const { counts.answered_.add(p::name_of(m.decision), "", 1); }
  void operator()(const p::UserQuestionAnswered&) const { counts.answered_.add("answered", "", 1); }
  void operator()(const p::StreamError& m) const { counts.retries_.add(m.code, "", 1); }

  void ask() const { counts.asked_.add(p::type_of(event.msg), "", 1); }
  void end_task(std::string_view how) const {
    counts.task_ends_.add(how, "", 1);
    counts.open_.erase(event.session);
  }
  void end_call(const std::string& call_id, const p::CallOutcome& outcome) const {
    std::string tool = "unknown";
    if (const auto task = counts.open_.find(event.session); task != counts.open_.end()) {
      if (auto call = task->second.tools.extract(call_id)) tool = std::move(call.mapped());
    }
    counts.tool_calls_.add(tool, p::name_of(outcome.status), 1);
  }
  void spend(const std::string& model, const p::Usage& usage, const std::optional<std::int64_t>& micro_usd) const {
    counts.open_[event.session].model = model;
    const auto add = [&](std::string_view kind, std::int64_t tokens) {
      if (tokens > 0) counts.tokens_.add(model, kind, static_cast<double>(tokens));
    };
    // Each token once, so that the sum over all kinds is right.
    add("input", usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens);
    add("cached_input", usage.cached_input_tokens);
    add("cache_write", usage.cache_write_tokens);
    add("output", usage.output_tokens - usage.reasoning_tokens);
    add("reasoning", usage.reasoning_tokens);
    if (micro_usd) {
      counts.usd_.add(model, "", static_cast<double>(*micro_usd) / 1e6);
    } else {
      counts.unpriced_.add(model, "", 1);
    }
  }
};

void EventCounts::see(const p::Event& event, std::size_t record_bytes) {
  if (event.seq) {
    ++records_;
    journal_bytes_ += static_cast<std::int64_t>(record_bytes);
  } else {
    ++passing_;
  }
  std::visit(Seeing{*this, event}, event.msg);
}

namespace {

void write_counter(MetricsText& text, std::string_view name, std::string_view help, const LabelledCount& count,
                   std::string_view first, std::string_view second = "") {
  text.family(name, MetricType::kCounter, help);
  for (const auto& [key, number] : count.series()) {
    Labels labels{{first, key.first}};
    if (!second.empty()) labels.emplace_back(second, key.second);
    text.sample(labels, number);
  }
}

}  // namespace

void EventCounts::write(MetricsText& text) const {
  const auto single = [&](std::string_view name, std::string_view help, std::int64_t value) {
    text.single(name, MetricType::kCounter, help, static_cast<double>(value));
  };
  single("lathe_events_appended_total", "Durable events appended to journals.", records_);
  single("lathe_journal_bytes_total", "Bytes of these records.", journal_bytes_);
  single("lathe_passing_events_total", "Deltas and progress, which are no records.", passing_);
  single("lathe_tasks_started_total", "Tasks begun.", tasks_);
  write_counter(text, "lathe_tasks_ended_total", "Ends of Tasks; a parked one may go on.", task_ends_, "outcome");
  single("lathe_agents_started_total", "Sub-agents spawned.", agents_);
  write_counter(text, "lathe_turns_total", "Model requests answered, with the calls that they led to.", turns_,
                "model");
  write_counter(text, "lathe_tool_calls_total", "Tool calls ended.", tool_calls_, "tool", "outcome");
  write_counter(text, "lathe_tokens_total", "Tokens, each in one kind.", tokens_, "model", "kind");
  write_counter(text, "lathe_cost_usd_total", "US dollars, where the price is known.", usd_, "model");
  write_counter(text, "lathe_unpriced_answers_total", "Answers whose price is not known.", unpriced_, "model");
  write_counter(text, "lathe_questions_asked_total", "Approvals and questions put to a person.", asked_, "kind");
  write_counter(text, "lathe_questions_answered_total", "Their answers.", answered_, "decision");
  write_counter(text, "lathe_model_retries_total", "Model requests that failed and were tried again.", retries_,
                "code");
}

}  // namespace lathe::telemetry
