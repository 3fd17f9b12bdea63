#include "lathe/telemetry/span_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace lathe::telemetry {

namespace p = lathe::protocol;

namespace {

/// Sessions whose provider is remembered; what is known of one that was seen longer ago is known again with its next
/// configuration.
constexpr std::size_t kMostSessions = 10'000;

/// A Task's UUID is as long as the id of a trace.
std::string trace_of(std::string_view task) {
  std::string digits;
  for (const char letter : task) {
    if (letter != '-') digits += letter;
  }
  digits.resize(32, '0');
  return digits;
}

/// The same for the same words (FNV-1a); never all zeros, which would be none.
std::string span_id_of(std::string_view task, std::string_view what) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::string_view part : {task, std::string_view("/"), what}) {
    for (const unsigned char letter : part) hash = (hash ^ letter) * 0x100000001b3;
  }
  return fmt::format("{:016x}", std::max<std::uint64_t>(hash, 1));
}

/// The wire as the conventions name who speaks it; what they have no name for stays.
std::string provider_name(std::string_view wire) { return std::string(wire.starts_with("openai") ? "openai" : wire); }

/// "backend/model" in its two parts.
std::pair<std::string, std::string> parts_of(const std::string& model) {
  const std::size_t slash = model.find('/');
  if (slash == std::string::npos) return {"", model};
  return {model.substr(0, slash), model.substr(slash + 1)};
}

void add_usage(Attributes& attributes, const p::Usage& usage) {
  attributes.emplace_back("gen_ai.usage.input_tokens", usage.input_tokens);
  attributes.emplace_back("gen_ai.usage.output_tokens", usage.output_tokens);
  const auto add = [&](const char* name, std::int64_t tokens) {
    if (tokens > 0) attributes.emplace_back(name, tokens);
  };
  add("gen_ai.usage.cache_read.input_tokens", usage.cached_input_tokens);
  add("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_tokens);
  add("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens);
}

void add_cost(Attributes& attributes, const std::optional<std::int64_t>& micro_usd) {
  if (micro_usd) attributes.emplace_back("lathe.cost_usd", static_cast<double>(*micro_usd) / 1e6);
}

}  // namespace

/// One event on its way into the spans: an overload for each that begins, changes or ends one.
struct SpanBuilder::Taking {
  SpanBuilder& builder;
  const p::Event& event;
  std::vector<Span>& done;

  template <class Other>
  void operator()(const Other&) const {}

  void operator()(const p::SessionConfigured& m) const { builder.configured(event.session, m); }
  void operator()(const p::SessionUpdated& m) const {
    if (!m.provider.empty()) builder.about(event.session).provider = provider_name(m.provider);
  }
  void operator()(const p::AgentStarted& m) const {
    if (const Task* const now = task()) {
      builder.about(m.session).spawner = Spawner{.session = event.session, .task = now->id, .call_id = m.call_id};
    }
  }
  void operator()(const p::AgentEnded& m) const {
    const auto agent = builder.sessions_.find(m.session);
    if (agent != builder.sessions_.end()) agent->second.spawner.reset();
  }

  void operator()(const p::TaskStarted& m) const { begin(m.task); }
  void operator()(const p::TaskResumed& m) const {
    Task* const known = task();
    if (known == nullptr) return begin(m.task);
    known->turn_start = event.ts;
  }
  void operator()(const p::TaskParked&) const { note("lathe.task.parked", {}, ""); }

  void operator()(const p::ToolCalls& m) const {
    Task* const now = task();
    if (now == nullptr) return;
    now->answer = m;
    now->answered = event.ts;
    for (const p::ToolCall& call : m.calls) now->calls[call.call_id] = {.tool = call.tool, .start = event.ts};
  }
  void operator()(const p::TurnComplete& m) const {
    Task* const now = task();
    if (now == nullptr) return;
    const bool called = now->answer.has_value();
    end_turn(*now, {.model = m.model,
                    .provider_response_id = m.provider_response_id,
                    .response_id = m.response_id,
                    .usage = m.usage,
                    .cost_micro_usd = m.cost_micro_usd,
                    .finish_reason = m.finish_reason,
                    .end = called ? now->answered : event.ts});
    now->turn_start = event.ts;
  }

  void operator()(const p::ExecCommandBegin& m) const { begin_call(m.call_id); }
  void operator()(const p::PatchApplyBegin& m) const { begin_call(m.call_id); }
  void operator()(const p::ToolCallBegin& m) const { begin_call(m.call_id); }
  void operator()(const p::ExecCommandEnd& m) const { end_call(m.call_id, m.outcome.status); }
  void operator()(const p::PatchApplyEnd& m) const { end_call(m.call_id, m.outcome.status); }
  void operator()(const p::ToolCallEnd& m) const { end_call(m.call_id, m.outcome.status); }

  void operator()(const p::ExecApprovalRequest& m) const { ask(m.id, m.call_id); }
  void operator()(const p::ApplyPatchApprovalRequest& m) const { ask(m.id, m.call_id); }
  void operator()(const p::ApprovalRequest& m) const { ask(m.id, m.call_id); }
  void operator()(const p::ApprovalResolved& m) const {
    note("lathe.approval.resolved",
         {{"lathe.approval.id", m.id}, {"lathe.approval.decision", std::string(p::name_of(m.decision))}}, m.call_id);
  }

  void operator()(const p::TaskComplete& m) const {
    Attributes used{{"lathe.turns", m.turns}, {"lathe.tool_calls", m.tool_calls}};
    add_usage(used, m.usage);
    add_cost(used, m.cost_micro_usd);
    end_task("", std::move(used));
  }
  void operator()(const p::TurnAborted& m) const { end_task(std::string(p::name_of(m.reason)), {}); }
  void operator()(const p::ErrorEvent& m) const {
    if (m.ends_task) end_task(m.code, {});
  }

  [[nodiscard]] Task* task() const {
    const auto found = builder.tasks_.find(event.session);
    return found == builder.tasks_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] Call* call(const std::string& id) const {
    Task* const now = task();
    if (now == nullptr) return nullptr;
    const auto found = now->calls.find(id);
    return found == now->calls.end() ? nullptr : &found->second;
  }
  [[nodiscard]] Session session() const {
    const auto found = builder.sessions_.find(event.session);
    return found == builder.sessions_.end() ? Session() : found->second;
  }
  void begin(const std::string& id) const {
    Task task{.id = id, .trace = trace_of(id), .start = event.ts, .turn_start = event.ts};
    // A session that was a sub-agent's may have a Task of a person by now.
    if (const auto spawner = session().spawner; spawner && spawner->call_id == event.id) {
      const auto above = builder.tasks_.find(spawner->session);
      const bool known = above != builder.tasks_.end() && above->second.id == spawner->task;
      task.trace = known ? above->second.trace : trace_of(spawner->task);
      task.parent_span = span_id_of(spawner->task, "call " + spawner->call_id);
    }
    builder.tasks_[event.session] = std::move(task);
  }
  void begin_call(const std::string& id) const {
    if (Call* const known = call(id)) known->start = event.ts;
  }

  void ask(const std::string& id, const std::string& call_id) const {
    note("lathe.approval.requested",
         {{"lathe.approval.id", id}, {"lathe.approval.kind", std::string(p::type_of(event.msg))}}, call_id);
  }
  void note(std::string name, Attributes attributes, const std::string& call_id) const {
    Task* const now = task();
    if (now == nullptr) return;
    Call* const known = call(call_id);
    auto& moments = known == nullptr ? now->moments : known->moments;
    moments.push_back({.name = std::move(name), .at = event.ts, .attributes = std::move(attributes)});
  }

  [[nodiscard]] Span child_of(const Task& now, std::string_view id, std::string name) const {
    return {.trace_id = now.trace,
            .span_id = span_id_of(now.id, id),
            .parent_id = span_id_of(now.id, "task"),
            .name = std::move(name)};
  }

  /// What is known of the answer of a Turn.
  struct Answer {
    std::string model = {};
    std::string provider_response_id = {};
    std::string response_id = {};
    p::Usage usage = {};
    std::optional<std::int64_t> cost_micro_usd = {};
    std::string finish_reason = {};
    base::UnixMillis end = 0;
  };
  void end_turn(Task& now, const Answer& answer) const {
    const auto [backend, model] = parts_of(answer.model);
    const std::string provider = session().provider;
    Span span = child_of(now, fmt::format("turn {} {}", ++now.turns, now.turn_start), "chat " + model);
    span.kind = SpanKind::kClient;
    span.start = std::min(now.turn_start, answer.end);
    span.end = answer.end;
    const std::string& id = answer.provider_response_id.empty() ? answer.response_id : answer.provider_response_id;
    span.attributes = {{"gen_ai.operation.name", "chat"},
                       {"gen_ai.provider.name", provider.empty() ? backend : provider},
                       {"gen_ai.request.model", model},
                       {"gen_ai.conversation.id", event.session}};
    if (!id.empty()) span.attributes.emplace_back("gen_ai.response.id", id);
    if (!answer.finish_reason.empty()) {
      span.attributes.emplace_back("gen_ai.response.finish_reasons", std::vector<std::string>{answer.finish_reason});
    }
    add_usage(span.attributes, answer.usage);
    add_cost(span.attributes, answer.cost_micro_usd);
    if (!answer.response_id.empty()) span.attributes.emplace_back("lathe.response_id", answer.response_id);
    span.attributes.emplace_back("lathe.backend", backend);
    now.model = model;
    now.answer.reset();
    done.push_back(std::move(span));
  }

  void end_call(const std::string& id, p::CallStatus status) const {
    Task* const now = task();
    if (now == nullptr) return;
    auto ended = now->calls.extract(id);
    if (!ended) return;
    Call& call = ended.mapped();
    Span span = child_of(*now, "call " + id, "execute_tool " + call.tool);
    span.start = call.start;
    span.end = event.ts;
    span.attributes = {
        {"gen_ai.operation.name", "execute_tool"}, {"gen_ai.tool.name", call.tool},
        {"gen_ai.tool.type", "function"},          {"gen_ai.tool.call.id", id},
        {"gen_ai.conversation.id", event.session}, {"lathe.tool.outcome", std::string(p::name_of(status))}};
    if (status != p::CallStatus::kCompleted) fail(span, std::string(p::name_of(status)));
    span.moments = std::move(call.moments);
    done.push_back(std::move(span));
  }

  void end_task(const std::string& error, Attributes used) const {
    Task* const now = task();
    if (now == nullptr) return;
    if (now->answer) {
      const p::ToolCalls answer = *std::move(now->answer);
      end_turn(*now, {.model = answer.model,
                      .provider_response_id = answer.provider_response_id,
                      .response_id = "",
                      .usage = answer.usage,
                      .cost_micro_usd = answer.cost_micro_usd,
                      .finish_reason = answer.finish_reason,
                      .end = now->answered});
    }
    const Session about = session();
    const std::string agent = about.agent.empty() ? "lathe" : about.agent;
    Span span = child_of(*now, "task", "invoke_agent " + agent);
    span.parent_id = now->parent_span;
    span.start = now->start;
    span.end = event.ts;
    span.attributes = {{"gen_ai.operation.name", "invoke_agent"},
                       {"gen_ai.agent.name", agent},
                       {"gen_ai.conversation.id", event.session},
                       {"lathe.task", now->id}};
    if (!about.provider.empty()) span.attributes.emplace_back("gen_ai.provider.name", about.provider);
    if (!now->model.empty()) span.attributes.emplace_back("gen_ai.request.model", now->model);
    if (!about.parent_session.empty()) span.attributes.emplace_back("lathe.parent_session", about.parent_session);
    for (auto& one : used) span.attributes.push_back(std::move(one));
    if (!error.empty()) fail(span, error);
    span.moments = std::move(now->moments);
    done.push_back(std::move(span));
    builder.tasks_.erase(event.session);
  }

  static void fail(Span& span, const std::string& code) {
    span.error = code;
    span.attributes.emplace_back("error.type", code);
  }
};

SpanBuilder::Session& SpanBuilder::about(const std::string& session) {
  if (sessions_.size() >= kMostSessions && !sessions_.contains(session)) sessions_.clear();
  return sessions_[session];
}

void SpanBuilder::configured(const std::string& session, const p::SessionConfigured& config) {
  Session& known = about(session);
  known.provider = provider_name(config.provider);
  known.agent = config.agent;
  known.parent_session = config.parent_session;
}

void SpanBuilder::know(const ports::SessionState& state) {
  if (state.config) configured(state.session_id, *state.config);
  if (!state.task) return;
  for (const p::AgentStarted& agent : state.agents) {
    about(agent.session).spawner =
        Spawner{.session = state.session_id, .task = state.task->task, .call_id = agent.call_id};
  }
}

std::vector<Span> SpanBuilder::take(const p::Event& event) {
  std::vector<Span> done;
  if (event.seq) std::visit(Taking{*this, event, done}, event.msg);
  return done;
}

}  // namespace lathe::telemetry
