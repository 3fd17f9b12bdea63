#include "lathe/journal/fold.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/ports/grant_keys.h"
#include "lathe/ports/job_runner.h"
#include "lathe/ports/session_title.h"

namespace lathe::journal {

using ports::CallEntry;
using ports::PlacedEntry;
using ports::SessionState;
using ports::SummaryEntry;
using protocol::Event;

namespace {

constexpr std::size_t kAcknowledgedKept = 1'024;

/// An unknown price makes the whole sum unknown.
void add_cost(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& more) {
  if (sum && more) {
    *sum += *more;
  } else {
    sum.reset();
  }
}

/// One event on its way into a state: an overload for every durable event.
class Fold {
 public:
  Fold(SessionState& state, const Event& event, OpenCalls& calls)
      : state_(state), event_(event), calls_(calls), seq_(*event.seq) {}

  template <class Passing>
    requires(Passing::kPassing)
  void operator()(const Passing&) const {}

  void operator()(const protocol::SessionConfigured& m) const {
    state_.config = m;
    if (!m.title.empty()) state_.title = m.title;
  }
  void operator()(const protocol::SessionUpdated& m) const {
    if (!m.title.empty()) state_.title = m.title;
    if (!state_.config) return;
    protocol::SessionConfigured& config = *state_.config;
    if (!m.model.empty()) config.model = m.model;
    if (!m.backend.empty()) config.backend = m.backend;
    if (!m.provider.empty()) config.provider = m.provider;
    if (!m.title.empty()) config.title = m.title;
  }
  /// `state_` is the parent's at the point of the fork. What belongs to the parent alone is left behind.
  void operator()(const protocol::ForkedFrom& m) const {
    state_.forked_from = m;
    state_.created_at = event_.ts;
    if (state_.config) state_.config->session_id = event_.session;
    end_task();
    state_.session_grants.clear();
    state_.jobs.clear();
    state_.job_news.clear();
    state_.acknowledged.clear();
    state_.agents.clear();
    state_.usage = {};
    state_.cost_micro_usd = 0;
    state_.tasks = 0;
  }

  void operator()(const protocol::TaskStarted& m) const {
    end_task();
    state_.task = ports::OpenTask{.task = m.task,
                                  .submission = event_.id,
                                  .started_at = event_.ts,
                                  .start_seq = seq_,
                                  .budget = m.budget,
                                  .output_schema = m.output_schema,
                                  .usage = {},
                                  .cost_micro_usd = 0,
                                  .active_since = event_.ts};
    if (!m.compact_only) count_task(seq_);
  }
  void operator()(const protocol::TaskParked& m) const {
    if (!state_.task) return;
    state_.task->handed_over = m.handed_over;
    if (state_.task->parked) return;
    state_.task->parked = true;
    const std::int64_t by_wall_clock = std::max<std::int64_t>(event_.ts - state_.task->active_since, 0);
    state_.task->active_ms += m.active_ms.value_or(by_wall_clock);
  }
  void operator()(const protocol::TaskResumed&) const {
    if (!state_.task) return;
    state_.task->parked = false;
    state_.task->handed_over = false;
    state_.task->active_since = event_.ts;
  }
  void operator()(const protocol::TaskComplete&) const { end_task(); }
  void operator()(const protocol::TurnAborted&) const { end_task(); }
  void operator()(const protocol::ErrorEvent& m) const {
    if (m.ends_task) end_task();
  }

  void operator()(const protocol::UserMessage& m) const {
    add(ports::UserEntry{.content = m.content, .context = std::nullopt});
    if (state_.title.empty()) state_.title = ports::session_title(m.content);
    // Words that came into a compaction make it a Task of a person.
    const std::vector<std::int64_t>& starts = state_.task_starts;
    if (!state_.task || (!starts.empty() && starts.back() >= state_.task->start_seq)) return;
    count_task(state_.task->start_seq);
  }
  void operator()(const protocol::ContextAdded& m) const {
    // News of a job have its name as their item.
    std::erase_if(state_.job_news, [&](const protocol::JobEnd& end) { return end.job == m.item; });
    add(ports::UserEntry{.content = {protocol::TextPart{m.text}}, .context = m.kind});
  }
  void operator()(const protocol::AgentMessage& m) const {
    add(ports::AgentEntry{.text = m.text, .incomplete = m.status == protocol::ItemStatus::kIncomplete});
  }
  void operator()(const protocol::AgentReasoning& m) const {
    add(ports::ReasoningEntry{.text = m.text,
                              .provider = m.provider,
                              .opaque = m.opaque,
                              .incomplete = m.status == protocol::ItemStatus::kIncomplete});
  }

  void operator()(const protocol::ToolCalls& m) const {
    for (const protocol::ToolCall& call : m.calls) {
      add(CallEntry{.call = call, .started = false, .outcome = std::nullopt});
    }
    if (!state_.task) return;
    state_.task->tool_calls += static_cast<std::int64_t>(m.calls.size());
    state_.task->answer = m;
    state_.task->answer->calls.clear();
  }
  void operator()(const protocol::ExecCommandBegin& m) const {
    begin_call(m.call_id, m.kType);
    if (!m.job.empty()) state_.jobs.push_back({.job = m.job, .call_id = m.call_id, .command = m.command});
  }
  void operator()(const protocol::PatchApplyBegin& m) const { begin_call(m.call_id, m.kType); }
  void operator()(const protocol::ToolCallBegin& m) const { begin_call(m.call_id, m.kType); }
  void operator()(const protocol::ExecCommandEnd& m) const { end_call(m.call_id, m.outcome); }
  void operator()(const protocol::PatchApplyEnd& m) const { end_call(m.call_id, m.outcome); }
  void operator()(const protocol::ToolCallEnd& m) const { end_call(m.call_id, m.outcome); }

  void operator()(const protocol::ExecApprovalRequest& m) const { ask(m.id, m.call_id); }
  void operator()(const protocol::ApplyPatchApprovalRequest& m) const { ask(m.id, m.call_id); }
  void operator()(const protocol::ApprovalRequest& m) const { ask(m.id, m.call_id); }
  void operator()(const protocol::UserQuestion& m) const { ask(m.id, m.call_id); }
  void operator()(const protocol::ApprovalResolved& m) const {
    const auto question = std::ranges::find(state_.questions, m.id, &ports::OpenQuestionState::id);
    // An answer that changed the arguments approved those, not what was asked about.
    const bool grants = !m.amended_input && (m.decision == protocol::Decision::kApprovedForSession ||
                                             m.decision == protocol::Decision::kApprovedAlways);
    if (question != state_.questions.end()) {
      if (grants) grant(question->request);
      state_.decided_questions[m.call_id] = std::move(*question);
      state_.questions.erase(question);
    }
    state_.decisions[m.call_id] = m;
  }
  void operator()(const protocol::UserQuestionAnswered& m) const {
    std::erase_if(state_.questions, [&](const auto& question) { return question.id == m.id; });
    state_.answers[m.call_id] = m;
  }

  void operator()(const protocol::TurnComplete& m) const {
    spend(m.usage, m.cost_micro_usd);
    if (state_.task) {
      ++state_.task->turns;
      state_.task->answer.reset();
    }
    state_.bookmarks.add({.response_id = m.response_id, .seq = seq_});
    state_.conversation.counted_tokens = m.usage.total();
    state_.conversation.counted_entries = state_.conversation.entries.size();
  }
  void operator()(const protocol::Compacted& m) const {
    std::vector<PlacedEntry>& entries = state_.conversation.entries;
    std::erase_if(entries, [&](const PlacedEntry& placed) {
      return placed.seq < m.keep_from_seq || std::holds_alternative<SummaryEntry>(placed.entry);
    });
    entries.insert(entries.begin(), PlacedEntry{.seq = seq_, .turn = turn(), .entry = SummaryEntry{m.summary}});
    calls_.forget();
    forget_count();
    if (m.usage.total() > 0) spend(m.usage, m.cost_micro_usd);
    // Its request is one of the Task's Turns, as budgets count them.
    if (state_.task) ++state_.task->turns;
  }
  void operator()(const protocol::RolledBack& m) const {
    end_task();
    std::erase_if(state_.conversation.entries, [&](const PlacedEntry& placed) { return placed.seq > m.to_seq; });
    calls_.forget();
    state_.bookmarks.drop_after(m.to_seq);
    std::erase_if(state_.task_starts, [&](std::int64_t start) { return start > m.to_seq; });
    if (state_.conversation.counted_entries > state_.conversation.entries.size()) forget_count();
  }
  void operator()(const protocol::PlanUpdate& m) const { state_.plan = m.plan; }
  void operator()(const protocol::JobEnd& m) const {
    const bool lived = std::erase_if(state_.jobs, [&](const auto& job) { return job.job == m.job; }) > 0;
    if (lived) state_.job_news.push_back(m);
  }
  // Told to people; what the model is to know of them comes as context_added.
  void operator()(const protocol::AgentStarted& m) const { state_.agents.push_back(m); }
  /// Counts in the Task, whose budget it is of; the session's own sums leave it to the sub-agent's session.
  void operator()(const protocol::AgentEnded& m) const {
    std::erase_if(state_.agents, [&](const protocol::AgentStarted& agent) { return agent.session == m.session; });
    if (!state_.task) return;
    ports::OpenTask& task = *state_.task;
    for (protocol::Usage* usage : {&task.usage, &task.agents.usage}) *usage += m.usage;
    for (auto* cost : {&task.cost_micro_usd, &task.agents.cost_micro_usd}) add_cost(*cost, m.cost_micro_usd);
    for (std::int64_t* turns : {&task.turns, &task.agents.turns}) *turns += m.turns;
    for (std::int64_t* calls : {&task.tool_calls, &task.agents.tool_calls}) *calls += m.tool_calls;
  }
  void operator()(const protocol::NetworkDecision&) const {}
  void operator()(const protocol::WorkspaceSnapshot&) const {}
  void operator()(const protocol::FilesRestored&) const {}
  void operator()(const protocol::Warning&) const {}

 private:
  /// The answer that an entry belongs to: Turns that count so far.
  [[nodiscard]] std::int64_t turn() const { return static_cast<std::int64_t>(state_.bookmarks.size()); }
  void add(ports::Entry entry) const {
    state_.conversation.entries.push_back({.seq = seq_, .turn = turn(), .entry = std::move(entry)});
  }
  void forget_count() const {
    state_.conversation.counted_tokens = 0;
    state_.conversation.counted_entries = 0;
  }
  void spend(const protocol::Usage& usage, const std::optional<std::int64_t>& cost) const {
    state_.usage += usage;
    add_cost(state_.cost_micro_usd, cost);
    if (!state_.task) return;
    state_.task->usage += usage;
    add_cost(state_.task->cost_micro_usd, cost);
  }
  void count_task(std::int64_t start_seq) const {
    state_.task_starts.push_back(start_seq);
    ++state_.tasks;
  }
  /// An answer whose Turn did not end was paid for all the same.
  void end_task() const {
    if (state_.task && state_.task->answer) {
      const protocol::ToolCalls answer = *state_.task->answer;
      if (answer.usage.total() > 0) spend(answer.usage, answer.cost_micro_usd);
    }
    state_.task.reset();
    state_.questions.clear();
    state_.decisions.clear();
    state_.decided_questions.clear();
    state_.answers.clear();
  }

  /// The newest call of that id that has no result.
  [[nodiscard]] CallEntry* open_call(const std::string& call_id) const {
    return calls_.newest(state_.conversation, call_id);
  }
  void begin_call(const std::string& call_id, std::string_view begun_by) const {
    CallEntry* call = open_call(call_id);
    if (call == nullptr) return;
    call->started = true;
    call->begun_by = begun_by;
  }
  void end_call(const std::string& call_id, const protocol::CallOutcome& outcome) const {
    if (CallEntry* call = open_call(call_id)) call->outcome = outcome;
    std::erase_if(state_.job_news,
                  [&](const protocol::JobEnd& end) { return ports::tells_job_end(outcome.output, end.job); });
    state_.decisions.erase(call_id);
    state_.decided_questions.erase(call_id);
    state_.answers.erase(call_id);
    std::erase_if(state_.questions, [&](const auto& question) { return question.call_id == call_id; });
  }
  void ask(const std::string& id, const std::string& call_id) const {
    state_.questions.push_back({.id = id, .call_id = call_id, .request = event_.msg, .asked_at = event_.ts});
  }
  void grant(const protocol::EventMsg& request) const {
    for (std::string& key : ports::grant_keys(request)) {
      const bool known = std::ranges::find(state_.session_grants, key) != state_.session_grants.end();
      if (!known) state_.session_grants.push_back(std::move(key));
    }
  }

  SessionState& state_;
  const Event& event_;
  OpenCalls& calls_;
  const std::int64_t seq_;
};

void note_event(SessionState& state, const Event& event) {
  if (state.created_at == 0) state.created_at = event.ts;
  state.session_id = event.session;
  state.last_seq = *event.seq;
  state.updated_at = event.ts;
  if (event.by.empty()) return;
  state.acknowledged.insert_or_assign(event.by, *event.seq);
  if (state.acknowledged.size() < 2 * kAcknowledgedKept) return;
  // The older half goes at once: to look for the oldest whenever one comes would cost more than its record.
  std::vector<std::int64_t> seqs;
  for (const auto& [by, seq] : state.acknowledged) seqs.push_back(seq);
  const auto middle = seqs.begin() + kAcknowledgedKept;
  std::ranges::nth_element(seqs, middle);
  std::erase_if(state.acknowledged, [oldest = *middle](const auto& known) { return known.second < oldest; });
}

}  // namespace

void fold(SessionState& state, const Event& event, OpenCalls& calls) {
  if (!event.seq) return;
  std::visit(Fold(state, event, calls), event.msg);
  note_event(state, event);
}

void fold(SessionState& state, const Event& event) {
  OpenCalls calls;
  fold(state, event, calls);
}

bool needs_history(const SessionState& state, const Event& event) {
  const auto* rolled = std::get_if<protocol::RolledBack>(&event.msg);
  if (rolled == nullptr || rolled->to_seq <= 0) return false;
  return std::ranges::any_of(state.conversation.entries, [&](const PlacedEntry& placed) {
    return std::holds_alternative<SummaryEntry>(placed.entry) && placed.seq > rolled->to_seq;
  });
}

void fold_rollback(SessionState& state, const Event& event, const SessionState& then, OpenCalls& calls) {
  fold(state, event, calls);
  calls.forget();
  state.conversation = then.conversation;
  state.bookmarks = then.bookmarks;
  state.task_starts = then.task_starts;
}

void fold_rollback(SessionState& state, const Event& event, const SessionState& then) {
  OpenCalls calls;
  fold_rollback(state, event, then, calls);
}

}  // namespace lathe::journal
