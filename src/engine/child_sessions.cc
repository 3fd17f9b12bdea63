#include "lathe/engine/child_sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/utf8.h"
#include "lathe/engine/event_feed.h"
#include "lathe/engine/lineage.h"
#include "lathe/engine/live_session.h"
#include "lathe/engine/task_host.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using ports::AgentDefinition;
using ports::AgentResult;
using protocol::AgentStarted;
using protocol::EventMsg;
using protocol::SessionConfigured;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// The client that sub-agents' ops come from.
constexpr const char* kClient = "agent";

Error no_agent(const std::string& session) {
  return {.code = base::codes::kNotFound,
          .message = fmt::format("no agent runs under the id \"{}\"", session.substr(0, 80)),
          .hint = "it may have ended"};
}

}  // namespace

ChildSessions::ChildSessions(EngineParts& parts, SessionFamily& family, SessionTaskHost& host, EventFeed& feed,
                             std::function<std::optional<protocol::Budget>()> room)
    : parts_(parts), family_(family), host_(host), feed_(feed), room_(std::move(room)), scope_(parts.loop) {}

ChildSessions::~ChildSessions() = default;

// ---- spawn

Result<void> ChildSessions::check_limits() const {
  const config::AgentLimits& limits = parts_.config.agents;
  if (static_cast<std::int64_t>(depth_) >= limits.max_depth) {
    return Error{.code = base::codes::kLimit,
                 .message = fmt::format("agents may stand {} deep, and this one does", limits.max_depth),
                 .hint = "do the work yourself"};
  }
  if (*running_ < limits.max_count) return {};
  return Error{.code = base::codes::kLimit,
               .message = fmt::format("{} agents run already, which is the limit", *running_),
               .hint = "wait until one has ended, or cancel one"};
}

Async<Result<void>> ChildSessions::record(EventMsg msg) {
  CO_TRY(const std::int64_t seq, co_await host_.record(msg));
  if (witness_) witness_(seq, msg);
  co_return Result<void>();
}

Async<Result<SessionConfigured>> ChildSessions::configuration_of(AgentDefinition agent, ports::SpawnRequest request) {
  SessionConfigured config = *host_.state().config;
  config.parent_session = host_.state().session_id;
  config.agent = agent.name;
  // Its Task is a part of the one that spawned it, and is as free as that.
  config.from_settings.clear();
  config.session_id = base::uuid7(parts_.loop.unix_now(), parts_.random);
  config.title =
      fmt::format("{}: {}", agent.name, base::utf8_prefix(request.prompt.substr(0, request.prompt.find('\n')), 60));
  config.system_prompt = parts_.system_prompt(agent.instructions);
  config.budget = agent.budget;
  if (!agent.model.empty()) {
    // A model named alone stays at the session's backend.
    const std::string backend = agent.model.find('/') == std::string::npos ? config.backend : "";
    auto resolved = co_await parts_.models.resolve(backend, agent.model);
    if (!resolved.ok()) co_return resolved.error().within("agent " + agent.name);
    config.model = resolved->model;
    config.backend = resolved->backend;
    config.provider = std::string(resolved->connection->provider());
  }
  co_return config;
}

Async<Result<std::string>> ChildSessions::spawn(ports::SpawnRequest request) {
  const auto& started = host_.state().agents;
  const auto known = std::ranges::find(started, request.call_id, &AgentStarted::call_id);
  if (known != started.end()) {
    const AgentStarted again = *known;
    co_await attach(again, /*resume=*/true);
    co_return again.session;
  }
  CO_TRY_OK(check_limits());
  CO_TRY(AgentDefinition agent, co_await find_agent(&parts_, host_.state().config->cwd, request.agent));
  CO_TRY(SessionConfigured config, co_await configuration_of(std::move(agent), request));
  const std::string session = config.session_id;
  AgentStarted msg{
      .session = session, .call_id = request.call_id, .agent = config.agent, .background = request.background};
  CO_TRY_OK(co_await record(EventMsg(msg)));
  children_.emplace(session, Child{.started = std::move(msg), .done = std::make_shared<Done>(parts_.loop)});
  ++*running_;
  const Result<void> begun = co_await begin(std::move(config), std::move(request));
  if (!begun.ok()) {
    children_.at(session).cancelled = true;  // the call tells of it
    co_await finish(session, {.status = protocol::CallStatus::kFailed, .why = begun.error()});
    children_.erase(session);
    co_return begun.error();
  }
  scope_.spawn(watch(session));
  co_return session;
}

Async<Result<void>> ChildSessions::begin(SessionConfigured config, ports::SpawnRequest request) {
  const std::string session = config.session_id;
  CO_TRY(LiveSession* const live, co_await family_.create_child(std::move(config)));
  tie(*live, session);
  protocol::UserInput input{.items = {protocol::TextPart{std::move(request.prompt)}}};
  CO_TRY_OK(co_await live->submit(std::move(input), request.call_id, kClient));
  co_return Result<void>();
}

void ChildSessions::tie(LiveSession& live, const std::string& session) {
  live.tie_to({.feed = &feed_, .room = room_, .running = running_, .context = context_},
              [done = children_.at(session).done](TaskOutcome outcome) { done->set(std::move(outcome)); });
}

Async<void> ChildSessions::attach(AgentStarted started, bool resume) {
  const std::string session = started.session;
  const auto known = children_.find(session);
  if (known != children_.end() && !known->second.parked) co_return;
  const bool cancelled = known != children_.end() && known->second.cancelled;
  children_.insert_or_assign(
      session,
      Child{.started = started, .done = std::make_shared<Done>(parts_.loop), .questions = {}, .cancelled = cancelled});
  ++*running_;
  auto live = co_await family_.live(session);
  if (!live.ok()) {
    co_await finish(session, {.status = protocol::CallStatus::kInterrupted, .why = live.error()});
    co_return;
  }
  const ports::SessionState& state = (*live)->state();
  if (!state.task) {
    TaskOutcome outcome = outcome_of(state);
    co_await family_.let_go(session);
    co_await finish(session, std::move(outcome));
    co_return;
  }
  tie(**live, session);
  if (resume && state.task->parked) {
    if (const auto gone_on = co_await (*live)->go_on(); !gone_on.ok()) {
      // It still waits for an answer.
      TaskOutcome waits{.parked = true};
      for (const auto& question : state.questions) waits.questions.push_back(question.id);
      children_.at(session).done->set(std::move(waits));
    }
  }
  scope_.spawn(watch(session));
}

// ---- ends

Async<void> ChildSessions::watch(std::string session) {
  const std::shared_ptr<Done> done = children_.at(session).done;
  Result<TaskOutcome> outcome = co_await done->wait(CancelToken(), Deadline::never());
  CHECK(outcome.ok());
  if (LiveSession* live = family_.find_live(session)) live->untie();
  // Closed first: who is told of its end, or of what it waits for, finds its session free.
  children_.at(session).used = outcome->use;
  co_await family_.let_go(session);
  if (outcome->parked) {
    Child& child = children_.at(session);
    child.parked = true;
    child.questions = std::move(outcome->questions);
    --*running_;
    ring();
  } else {
    co_await finish(session, *std::move(outcome));
  }
}

Async<void> ChildSessions::finish(std::string session, TaskOutcome outcome) {
  const AgentStarted started = children_.at(session).started;
  protocol::AgentEnded ended{.session = session,
                             .call_id = started.call_id,
                             .status = outcome.status,
                             .last_agent_message = outcome.last_message,
                             .usage = outcome.use.usage,
                             .cost_micro_usd = outcome.use.cost_micro_usd,
                             .turns = outcome.use.turns,
                             .tool_calls = outcome.use.tool_calls};
  const std::string why = outcome.why.code.empty() ? "" : outcome.why.text();
  --*running_;
  // A disk that takes no more records stops the Task itself at its next one.
  (void)co_await record(EventMsg(ended));
  const bool pushed = started.background && !children_.at(session).cancelled;
  if (pushed) {
    protocol::ContextAdded told{.item = host_.new_id("ctx"),
                                .kind = protocol::ContextKind::kNudge,
                                .text = end_text(ended, started.agent, why)};
    (void)co_await record(EventMsg(std::move(told)));
    host_.steered();
    children_.erase(session);
  } else {
    children_.at(session).result = AgentResult{.session = session,
                                               .agent = started.agent,
                                               .status = outcome.status,
                                               .text = std::move(outcome.last_message),
                                               .why = why};
  }
  ring();
}

Async<void> ChildSessions::interrupt(std::string session) {
  LiveSession* const live = family_.find_live(session);
  if (live == nullptr) co_return;
  const std::string op_id = fmt::format("end-{}-{}", host_.state().last_seq, ++ops_);
  (void)co_await live->submit(protocol::Interrupt{}, op_id, kClient);
}

Async<Result<AgentResult>> ChildSessions::wait(std::string session, CancelToken cancel) {
  bool ending = false;
  while (true) {
    const auto found = children_.find(session);
    if (found == children_.end()) co_return no_agent(session);
    if (found->second.result) {
      AgentResult result = *std::move(found->second.result);
      children_.erase(found);
      if (cancel.cancelled()) co_return cancel.reason();
      co_return result;
    }
    if (found->second.parked) {
      co_return Error{.code = protocol::error_codes::kParked, .message = "a sub-agent waits for a person"};
    }
    if (cancel.cancelled() && !ending) {
      ending = true;
      co_await interrupt(session);
      continue;  // it may have ended meanwhile, and rung before anyone listened
    }
    (void)co_await news(ending ? CancelToken() : cancel);
  }
}

Async<Result<AgentResult>> ChildSessions::cancel(std::string session) {
  const auto found = children_.find(session);
  if (found == children_.end() || found->second.result) co_return no_agent(session);
  found->second.cancelled = true;
  const AgentStarted started = found->second.started;
  if (found->second.parked) co_await attach(started, /*resume=*/false);
  co_await interrupt(session);
  co_return co_await wait(session, CancelToken());
}

Async<void> ChildSessions::end_all() {
  const std::vector<AgentStarted> started = host_.state().agents;
  for (const AgentStarted& agent : started) {
    const auto known = children_.find(agent.session);
    if (known == children_.end() || known->second.parked) co_await attach(agent, /*resume=*/false);
  }
  co_await stop();
  children_.clear();
}

Async<void> ChildSessions::stop() {
  for (const ports::RunningAgent& agent : running()) co_await interrupt(agent.session);
  co_await scope_.join();
}

// ---- what the session asks

std::vector<ports::RunningAgent> ChildSessions::running() const {
  std::vector<ports::RunningAgent> agents;
  for (const auto& [session, child] : children_) {
    if (child.runs()) {
      agents.push_back({.session = session, .agent = child.started.agent, .background = child.started.background});
    }
  }
  return agents;
}

bool ChildSessions::any_parked() const {
  return std::ranges::any_of(children_, [](const auto& entry) { return entry.second.parked; });
}

std::vector<std::string> ChildSessions::open_questions() const {
  std::vector<std::string> questions;
  for (const auto& [session, child] : children_) {
    questions.insert(questions.end(), child.questions.begin(), child.questions.end());
  }
  return questions;
}

ports::AgentUse ChildSessions::use_of_running() const {
  ports::AgentUse sum;
  for (const auto& [session, child] : children_) {
    if (!child.runs()) continue;
    const LiveSession* live = family_.find_live(session);
    if (child.used || live != nullptr) sum = sum_of(sum, child.used ? *child.used : live->use());
  }
  return sum;
}

Async<void> ChildSessions::go_on() {
  const std::vector<AgentStarted> started = host_.state().agents;
  for (const AgentStarted& agent : started) {
    if (agent.background) co_await attach(agent, /*resume=*/true);
  }
}

Async<bool> ChildSessions::wait_for_news(CancelToken cancel) {
  while (!host_.is_steered() && !running().empty()) {
    const auto woken = co_await news(cancel);
    if (!woken.ok()) co_return false;
  }
  co_return host_.is_steered();
}

void ChildSessions::ring() {
  for (const auto& waiter : std::exchange(waiting_, {})) waiter->set(true);
}

Async<Result<void>> ChildSessions::news(CancelToken cancel) {
  auto bell = std::make_shared<runtime::OneShot<bool>>(parts_.loop);
  waiting_.push_back(bell);
  CO_TRY(const bool woken, co_await bell->wait(std::move(cancel), Deadline::never()));
  (void)woken;
  co_return Result<void>();
}

}  // namespace lathe::engine
