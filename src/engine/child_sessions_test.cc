#include "lathe/engine/child_sessions.h"

#include <gtest/gtest.h>

#include "lathe/engine/engine.h"
#include "lathe/engine/engine_rig.h"
#include "lathe/engine/full_disk.h"
#include "lathe/protocol/error_codes.h"

// Sub-agents over real streams and a real index: the parent's driver spawns them through its SessionHost, theirs does
// what the test says.

namespace lathe::engine {
namespace {

using protocol::AgentEnded;
using protocol::AgentStarted;
using protocol::CallStatus;

class ChildSessionsTest : public EngineRig {
 protected:
  void SetUp() override {
    EngineRig::SetUp();
    behaviour_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
      return host->state().config->parent_session.empty() ? parent_(host, std::move(request), std::move(cancel))
                                                          : child_(host, std::move(request), std::move(cancel));
    };
  }
  /// The first event of type T among `events`.
  template <class T>
  static T only(const std::vector<Event>& events) {
    for (const Event& event : events) {
      if (const T* found = std::get_if<T>(&event.msg)) return *found;
    }
    ADD_FAILURE() << "no " << T::kType;
    return T{};
  }
  /// What comes of one session until an event of `type`.
  std::vector<Event> of(const std::string& session, std::string_view type) {
    std::vector<Event> all;
    while (all.empty() || protocol::type_of(all.back().msg) != type) {
      const std::vector<Event> more = until(type);
      if (more.empty()) break;
      for (const Event& event : more) {
        if (event.session == session) all.push_back(event);
      }
    }
    return all;
  }
  static std::size_t count(const std::vector<Event>& events, std::string_view type) {
    return static_cast<std::size_t>(std::ranges::count(types(events), type));
  }

  FullDisk disk_;
  Behaviour parent_;
  Behaviour child_ = say_hello;
};

/// Spawns one agent and answers with what it said.
struct SpawnAndWait {
  EngineRig* rig;
  std::string agent;
  bool background = false;

  Async<TaskEnd> operator()(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) const {
    return run(rig, agent, background, host, std::move(cancel));
  }
  static Async<TaskEnd> run(EngineRig* rig, std::string agent, bool background, ports::TaskHost* host,
                            CancelToken cancel) {
    ports::SessionHost* agents = rig->agents_of(host->state().session_id);
    if (agents == nullptr) co_return done("no agents here");
    bool recorded = false;
    for (const auto& placed : host->state().conversation.entries)
      recorded |= std::holds_alternative<ports::CallEntry>(placed.entry);
    if (!recorded) {
      (void)co_await host->record(protocol::ToolCalls{.calls = {{"call_1", "spawn_agent", "{}"}}});
      (void)co_await host->record(protocol::ToolCallBegin{.call_id = "call_1", .tool = "spawn_agent"});
    }
    const auto spawned =
        co_await agents->spawn({.call_id = "call_1", .agent = agent, .prompt = "look", .background = background});
    if (!spawned.ok()) co_return done("not spawned: " + spawned.error().text());
    if (background) co_return done("spawned");
    const auto ended = co_await agents->wait(*spawned, cancel);
    if (!ended.ok() && ended.error().code == protocol::error_codes::kParked) {
      co_return TaskEnd{.kind = TaskEnd::Kind::kParked};
    }
    if (cancel.cancelled()) co_return TaskEnd{.kind = TaskEnd::Kind::kAborted};
    (void)co_await host->record(protocol::ToolCallEnd{.call_id = "call_1", .tool = "spawn_agent"});
    co_return done("it said: " + ended->text + ended->why);
  }
};

TEST_F(ChildSessionsTest, AnAgentIsASessionOfItsOwnAndItsUseCountsInTheTask) {
  catalog_.view.agents = {{.name = "explore", .description = "Looks.", .instructions = " You look."}};
  parent_ = SpawnAndWait{this, "explore"};
  const std::string session = configure();
  ASSERT_TRUE(submit(input("go")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"session_configured", "task_started", "user_message", "tool_calls",
                                                     "tool_call_begin", "agent_started", "agent_ended", "tool_call_end",
                                                     "task_complete"}));
  const auto started = only<AgentStarted>(events);
  EXPECT_EQ(started.call_id, "call_1");
  EXPECT_EQ(started.agent, "explore");
  const auto ended = only<AgentEnded>(events);
  EXPECT_EQ(ended.session, started.session);
  EXPECT_EQ(ended.status, CallStatus::kCompleted);
  EXPECT_EQ(ended.last_agent_message, "hello");
  EXPECT_EQ(ended.turns, 1);
  EXPECT_EQ(ended.usage.total(), 5);
  const auto complete = only<protocol::TaskComplete>(events);
  EXPECT_EQ(complete.last_agent_message, "it said: hello");
  EXPECT_EQ(complete.usage.total(), 5);

  const auto child = loop_.block_on(store_->peek(started.session));
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(child->config->parent_session, session);
  EXPECT_EQ(child->config->agent, "explore");
  EXPECT_EQ(child->config->system_prompt, "prompt You look.");
  EXPECT_EQ(child->config->cwd, root_.string());
  EXPECT_EQ(child->title, "explore: look");
  EXPECT_FALSE(store_->held(started.session)) << "it is closed when it is done";
}

TEST_F(ChildSessionsTest, ListsShowThemOnlyWhenAsked) {
  parent_ = SpawnAndWait{this, ""};
  const std::string session = configure();
  ASSERT_TRUE(submit(input("go")).ok());
  until("task_complete");
  ASSERT_EQ(call(protocol::SessionList{})->sessions.size(), 1U);
  EXPECT_EQ(call(protocol::SessionList{})->sessions[0].session_id, session);
  EXPECT_EQ(call(protocol::SessionList{.archived = true})->sessions.size(), 2U);
  EXPECT_EQ(call(protocol::SessionGet{.session = "last"})->session.session_id, session);
}

TEST_F(ChildSessionsTest, AnUnknownAgentIsNamedWithTheNearest) {
  catalog_.view.agents = {{.name = "explore", .description = "Looks."}};
  parent_ = SpawnAndWait{this, "exlpore"};
  configure();
  ASSERT_TRUE(submit(input("go")).ok());
  EXPECT_EQ(only<protocol::TaskComplete>(until("task_complete")).last_agent_message,
            "not spawned: there is no agent \"exlpore\" (did you mean \"explore\"?)");
}

TEST_F(ChildSessionsTest, AnInterruptEndsTheAgentToo) {
  parent_ = SpawnAndWait{this, ""};
  child_ = wait_forever;
  configure();
  ASSERT_TRUE(submit(input("go")).ok());
  until("agent_started");
  ASSERT_TRUE(submit(protocol::Interrupt{}).ok());
  const std::vector<Event> events = until("error");
  EXPECT_EQ(types(events), (std::vector<std::string>{"agent_ended", "turn_aborted", "error"}));
  EXPECT_EQ(only<AgentEnded>(events).status, CallStatus::kCancelled);
}

TEST_F(ChildSessionsTest, TheEndOfOneInTheBackgroundIsPushedAndTheTaskWaitsForIt) {
  int runs = 0;
  parent_ = [this, &runs](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    ++runs;
    if (runs == 1) return SpawnAndWait{this, "", true}(host, std::move(request), std::move(cancel));
    EXPECT_TRUE(host->take_steered());
    return say_hello(host, std::move(request), std::move(cancel));
  };
  configure();
  ASSERT_TRUE(submit(input("go")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(runs, 2);
  const auto told = only<protocol::ContextAdded>(events);
  EXPECT_EQ(told.kind, protocol::ContextKind::kNudge);
  EXPECT_NE(told.text.find("<answer>\nhello\n</answer>"), std::string::npos) << told.text;
  EXPECT_EQ(only<protocol::TaskComplete>(events).last_agent_message, "hello");
  EXPECT_EQ(only<protocol::TaskComplete>(events).turns, 2) << "its own and the agent's";
}

TEST_F(ChildSessionsTest, AFailedTaskEndsItsAgents) {
  parent_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    struct Fail {
      static Async<TaskEnd> run(EngineRig* rig, ports::TaskHost* host, CancelToken cancel) {
        (void)co_await SpawnAndWait::run(rig, "", true, host, std::move(cancel));
        co_return TaskEnd{.kind = TaskEnd::Kind::kFailed, .error = {.code = "stream_failed", .message = "no"}};
      }
    };
    (void)request;
    return Fail::run(this, host, std::move(cancel));
  };
  child_ = wait_forever;
  configure();
  ASSERT_TRUE(submit(input("go")).ok());
  const std::vector<Event> events = until("error");
  EXPECT_EQ(only<AgentEnded>(events).status, CallStatus::kCancelled);
}

TEST_F(ChildSessionsTest, DepthIsLimited) {
  config_.agents.max_depth = 1;
  reopen();
  parent_ = SpawnAndWait{this, ""};
  child_ = SpawnAndWait{this, ""};
  configure();
  ASSERT_TRUE(submit(input("go")).ok());
  EXPECT_EQ(only<protocol::TaskComplete>(until("task_complete")).last_agent_message, "it said: no agents here");
}

TEST_F(ChildSessionsTest, TheirNumberIsLimited) {
  config_.agents.max_count = 1;
  reopen();
  parent_ = SpawnAndWait{this, ""};
  child_ = SpawnAndWait{this, ""};
  configure();
  ASSERT_TRUE(submit(input("go")).ok());
  const std::string said = only<protocol::TaskComplete>(until("task_complete")).last_agent_message;
  EXPECT_NE(said.find("1 agents run already"), std::string::npos) << said;
}

TEST_F(ChildSessionsTest, ItsQuestionsReachWhoLooksAtTheParent) {
  parent_ = SpawnAndWait{this, ""};
  child_ = ask_to_run;
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted});
  ASSERT_TRUE(submit(input("go")).ok());
  const std::vector<Event> events = until("exec_approval_request");
  const Event& asked = events.back();
  EXPECT_EQ(asked.session, only<AgentStarted>(events).session);
  const std::string id = std::get<protocol::ExecApprovalRequest>(asked.msg).id;
  ASSERT_TRUE(submit(protocol::Approval{.id = id, .decision = protocol::Decision::kApproved}, asked.session).ok());
  EXPECT_EQ(only<protocol::TaskComplete>(until("task_complete")).last_agent_message, "it said: ran");
}

TEST_F(ChildSessionsTest, ItsQuestionParksWhenNobodyIsLeftWhoCouldAnswer) {
  parent_ = SpawnAndWait{this, ""};
  child_ = ask_to_run;
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kClient});
  auto watcher = engine_->connect("watcher");
  ASSERT_TRUE(
      loop_.block_on(watcher->call(protocol::SessionSubscribe{.session = session, .since = 0, .only_looks = true}))
          .ok());
  ASSERT_TRUE(submit(input("go")).ok());
  until("exec_approval_request");
  seen_.clear();
  client_ = std::move(watcher);
  until("task_parked");
}

TEST_F(ChildSessionsTest, AParkedAgentParksItsParentAndBothGoOnInAnotherProcess) {
  parent_ = SpawnAndWait{this, ""};
  child_ = ask_to_run;
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  ASSERT_TRUE(submit(input("go")).ok());
  const std::vector<Event> events = until("task_parked");
  const auto open = call(protocol::ApprovalList{});
  ASSERT_EQ(open->questions.size(), 1U);
  EXPECT_EQ(only<protocol::TaskParked>(events).questions, std::vector<std::string>{open->questions[0].id});
  EXPECT_EQ(open->questions[0].session_id, only<AgentStarted>(events).session);

  reopen();
  const auto answered =
      call(protocol::ApprovalAnswer{.id = open->questions[0].id, .decision = protocol::Decision::kApproved});
  ASSERT_TRUE(answered.ok()) << answered.error().text();
  EXPECT_EQ(answered->session, session) << "the parent goes on, and its agent with it";
  const std::vector<Event> after = of(session, "task_complete");
  EXPECT_EQ(only<protocol::TaskComplete>(after).last_agent_message, "it said: ran");
  EXPECT_EQ(count(after, "agent_started"), 0U) << "it is the same agent";
}

TEST_F(ChildSessionsTest, InterruptingAParkedTaskEndsItsParkedAgent) {
  parent_ = SpawnAndWait{this, ""};
  child_ = ask_to_run;
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  ASSERT_TRUE(submit(input("go")).ok());
  until("task_parked");
  ASSERT_TRUE(submit(protocol::Interrupt{}).ok());
  EXPECT_EQ(only<AgentEnded>(until("error")).status, CallStatus::kCancelled);
  EXPECT_EQ(call(protocol::ApprovalList{})->questions.size(), 0U);
}

TEST_F(ChildSessionsTest, NobodyWaitsForAParkedAgentWhoseEndTheDiskDoesNotTake) {
  faults_ = &disk_;
  reopen();
  parent_ = SpawnAndWait{this, ""};
  child_ = ask_to_run;
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  ASSERT_TRUE(submit(input("go")).ok());
  until("task_parked");
  disk_.full = true;
  const auto refused = submit(protocol::Interrupt{});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::codes::kNoSpace);
  disk_.full = false;
  ASSERT_TRUE(submit(protocol::Interrupt{}).ok());
  EXPECT_EQ(only<AgentEnded>(until("error")).status, CallStatus::kCancelled);
}

TEST_F(ChildSessionsTest, ABudgetIsSharedWithTheParent) {
  std::optional<protocol::Budget> room;
  child_ = [&room](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    room = host->room();
    return say_hello(host, std::move(request), std::move(cancel));
  };
  parent_ = SpawnAndWait{this, ""};
  configure();
  protocol::UserInput with_budget = input("go");
  with_budget.budget = protocol::Budget{.turns = 3, .tokens = 100};
  ASSERT_TRUE(submit(with_budget).ok());
  until("task_complete");
  ASSERT_TRUE(room.has_value());
  EXPECT_EQ(room->turns, 2) << "the Turn that spawned it is taken";
  EXPECT_EQ(room->tokens, 100);
  EXPECT_EQ(room->tool_calls, ports::kDefaultToolCalls - 1) << "the call that spawned it was taken";
  EXPECT_EQ(room->micro_usd, std::nullopt);
}

TEST_F(ChildSessionsTest, AfterACrashBothSayThatTheyWereInterrupted) {
  parent_ = SpawnAndWait{this, ""};
  child_ = [](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    struct Spend {
      static Async<TaskEnd> run(ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
        (void)co_await host->record(
            protocol::TurnComplete{.response_id = "r", .model = "b/m", .usage = {.input_tokens = 7}});
        co_return co_await wait_forever(host, std::move(request), std::move(cancel));
      }
    };
    return Spend::run(host, std::move(request), std::move(cancel));
  };
  const std::string session = configure();
  ASSERT_TRUE(submit(input("go")).ok());
  const std::string child = only<AgentStarted>(until("agent_started")).session;
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = child, .since = 0}).ok());
  until("turn_complete");
  reopen_as_after_a_crash();
  const auto peeked = loop_.block_on(engine_->live(session));
  ASSERT_TRUE(peeked.ok()) << peeked.error().text();
  EXPECT_FALSE((*peeked)->state().task) << "it was cut short";
  EXPECT_TRUE((*peeked)->state().agents.empty());
  const std::vector<std::string> lines = loop_.block_on(store_->read(session, 0, 100))->records;
  const auto ended = std::ranges::find_if(lines, [](const std::string& line) { return line.contains("agent_ended"); });
  ASSERT_NE(ended, lines.end());
  EXPECT_TRUE(ended->contains("\"interrupted\"") && ended->contains("\"input_tokens\":7")) << *ended;
  const auto list = call(protocol::SessionList{.archived = true});
  const auto row = std::ranges::find(list->sessions, child, &protocol::SessionInfo::session_id);
  ASSERT_NE(row, list->sessions.end());
  EXPECT_EQ(row->state, protocol::SessionState::kInterrupted);
}

Async<void> replace_parked(Connection* client, std::string session, Result<protocol::Ack>* out) {
  protocol::UserInput op{.items = {protocol::TextPart{"something else"}}, .if_busy = protocol::IfBusy::kReplace};
  *out = co_await client->submit(std::move(session), std::move(op), "replacing");
}
Async<void> remove_parked(Engine* engine, std::string session, Result<void>* out) {
  *out = co_await engine->remove(std::move(session));
}

TEST_F(ChildSessionsTest, AnInputThatWouldEndAgentsDoesNotHoldUpTheRemovalOfItsSession) {
  parent_ = SpawnAndWait{this, ""};
  child_ = ask_to_run;
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  ASSERT_TRUE(submit(input("go")).ok());
  of(session, "task_parked");
  runtime::Scope scope(loop_);
  Result<protocol::Ack> replaced = protocol::Ack{};
  Result<void> removed = base::Error{};
  scope.spawn(replace_parked(client_.get(), session, &replaced));
  scope.spawn(remove_parked(engine_.get(), session, &removed));
  loop_.block_on(scope.join());
  EXPECT_TRUE(removed.ok()) << removed.error().text();
  ASSERT_FALSE(replaced.ok());
  EXPECT_EQ(replaced.error().code, base::codes::kUnavailable);
}

}  // namespace
}  // namespace lathe::engine
