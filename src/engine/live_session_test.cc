#include "lathe/engine/live_session.h"

#include <fmt/format.h>

#include <array>

#include "lathe/engine/engine_rig.h"

// What reaches a session while its Task runs, is parked, or compacts.

namespace lathe::engine {
namespace {

class LiveSessionTest : public EngineRig {
 protected:
  /// A new session in which a Task is at work.
  std::string at_work(Behaviour behaviour) {
    std::string session = configure();
    behaviour_ = std::move(behaviour);
    EXPECT_TRUE(submit(input("first")).ok());
    until("agent_message_delta");
    return session;
  }

  struct Parked {
    std::string session;
    std::string question;
  };
  /// A new session whose Task waits for a person, and what it asks.
  Parked parked(protocol::UserInput asked = input("hi")) {
    Parked made;
    made.session =
        configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
    EXPECT_TRUE(submit(std::move(asked)).ok());
    until("task_parked");
    const auto questions = call(protocol::ApprovalList{})->questions;
    EXPECT_EQ(questions.size(), 1U);
    if (!questions.empty()) made.question = questions[0].id;
    return made;
  }

  /// What another process tells of the session, up to the first event of `type`, if this one dies once its drafts are
  /// written.
  std::vector<Event> told_after_a_crash(const std::string& session, std::string_view type) {
    (void)loop_.block_on(loop_.sleep(std::chrono::milliseconds(1500), CancelToken()));
    reopen_as_after_a_crash();
    EXPECT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0}).ok());
    return until(type);
  }
};

/// Submits an op whose acknowledgement may come late.
Async<void> submit_later(Connection* client, protocol::Op op, std::string op_id, Result<protocol::Ack>* out) {
  *out = co_await client->submit("", std::move(op), std::move(op_id));
}

/// Approves a question, beside whoever else does.
Async<void> approve_later(Connection* client, std::string question, Result<protocol::ReplyMsg>* out) {
  *out = co_await client->call(
      protocol::ApprovalAnswer{.id = std::move(question), .decision = protocol::Decision::kApproved, .resume = false});
}

TEST_F(LiveSessionTest, InputIntoACompactionIsAnsweredAfterIt) {
  configure();
  std::vector<bool> compactions;
  behaviour_ = [&](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    compactions.push_back(request.compact_only);
    if (compactions.size() == 2) EXPECT_TRUE(host->take_steered());
    return compactions.size() == 1 ? wait_for_steer_left(host, std::move(cancel))
                                   : say_hello(host, std::move(request), std::move(cancel));
  };
  ASSERT_TRUE(submit(protocol::Compact{}).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit(input("and now?", protocol::IfBusy::kSteer)).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::get<protocol::TaskComplete>(events.back().msg).last_agent_message, "hello");
  EXPECT_EQ(compactions, (std::vector<bool>{true, false}));
}

TEST_F(LiveSessionTest, AParkedTaskGoesOnUnderItsOwnTerms) {
  std::vector<ports::TaskRequest> requests;
  behaviour_ = [&](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    requests.push_back(request);
    return ask_to_run(host, std::move(request), std::move(cancel));
  };
  protocol::UserInput asked = input("hi");
  asked.budget = protocol::Budget{.turns = 2};
  asked.output_schema = base::Json{{"type", "object"}};
  const std::string question = parked(asked).question;
  reopen();
  ASSERT_TRUE(
      call(protocol::ApprovalAnswer{.id = question, .decision = protocol::Decision::kApproved, .resume = true}).ok());
  until("task_complete");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].budget, requests[0].budget);
  EXPECT_EQ(requests[1].output_schema, requests[0].output_schema);
}

TEST_F(LiveSessionTest, AnAnswerMayLimitTheTimeOfTheTaskThatGoesOn) {
  std::vector<ports::TaskRequest> requests;
  std::int64_t active_ms = -1;
  behaviour_ = [&](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    requests.push_back(request);
    active_ms = host->state().task->active_ms;
    return ask_to_run(host, std::move(request), std::move(cancel));
  };
  protocol::UserInput asked = input("hi");
  asked.budget = protocol::Budget{.turns = 2};
  const std::string question = parked(asked).question;
  ASSERT_TRUE(call(protocol::ApprovalAnswer{.id = question,
                                            .decision = protocol::Decision::kApproved,
                                            .resume = true,
                                            .budget = protocol::Budget{.millis = 60'000}})
                  .ok());
  until("task_complete");
  ASSERT_EQ(requests.size(), 2U);
  // What it was at work before is counted by the driver, and does not count here.
  protocol::Budget expected = requests[0].budget;
  expected.millis = 60'000 + active_ms;
  EXPECT_EQ(requests[1].budget, expected);
}

TEST_F(LiveSessionTest, AnInputThatIsQueuedAndSentAgainRunsOnce) {
  const std::string session = at_work(wait_for_steer);
  runtime::Scope scope(loop_);
  Result<protocol::Ack> first = protocol::Ack{};
  Result<protocol::Ack> again = protocol::Ack{};
  scope.spawn(submit_later(client_.get(), input("second", protocol::IfBusy::kQueue), "q", &first));
  scope.spawn(submit_later(client_.get(), input("second", protocol::IfBusy::kQueue), "q", &again));
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  behaviour_ = say_hello;
  until("task_complete");
  until("task_complete");
  ASSERT_TRUE(submit(protocol::Interrupt{}).ok());
  EXPECT_EQ(engine_->find_live(session)->state().tasks, 2);
  loop_.block_on(scope.stop());
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(*first, *again);
  EXPECT_NE(first->seq, 0);
}

TEST_F(LiveSessionTest, AnUnknownBookmarkLeavesTheRunningTaskAlone) {
  at_work(wait_for_steer);
  protocol::UserInput lost = input("from where?");
  lost.last_response_id = "resp_unknown";
  EXPECT_EQ(submit(lost).error().code, base::codes::kNotFound);
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  until("task_complete");
}

TEST_F(LiveSessionTest, WordsDoNotAnswerAnApproval) {
  behaviour_ = ask_to_run;
  EXPECT_EQ(call(protocol::ApprovalAnswer{
                     .id = parked().question, .decision = protocol::Decision::kApproved, .answers = {"no, never"}})
                .error()
                .code,
            base::codes::kInvalid);
  EXPECT_EQ(call(protocol::ApprovalList{})->questions.size(), 1U);
}

TEST_F(LiveSessionTest, ABudgetOfAnInputLeavesTheOtherCeilingsAsTheyAre) {
  config_.budget = {.turns = 9, .micro_usd = 1'000'000};
  reopen();
  configure({.budget = protocol::Budget{.tool_calls = 7}});
  protocol::UserInput asked = input("hi");
  asked.budget = protocol::Budget{.turns = 5};
  ASSERT_TRUE(submit(asked).ok());
  const std::vector<Event> events = until("task_started");
  EXPECT_EQ(std::get<protocol::TaskStarted>(events.back().msg).budget,
            (protocol::Budget{.turns = 5, .tool_calls = 7, .micro_usd = 1'000'000}));
}

TEST_F(LiveSessionTest, AQueuedInputThatFailsDoesNotHoldUpTheNext) {
  at_work(wait_for_steer);
  runtime::Scope scope(loop_);
  Result<protocol::Ack> bad = protocol::Ack{};
  Result<protocol::Ack> good = protocol::Ack{};
  scope.spawn(submit_later(client_.get(), protocol::UserInput{.if_busy = protocol::IfBusy::kQueue}, "bad", &bad));
  scope.spawn(submit_later(client_.get(), input("last", protocol::IfBusy::kQueue), "good", &good));
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  behaviour_ = say_hello;
  until("task_complete");
  until("task_complete");
  loop_.block_on(scope.join());
  EXPECT_EQ(bad.error().code, base::codes::kInvalid);
  EXPECT_TRUE(good.ok());
}

TEST_F(LiveSessionTest, AnInputThatReplacesLeavesTheQueueInItsOrder) {
  at_work(wait_forever);
  runtime::Scope scope(loop_);
  std::array<Result<protocol::Ack>, 2> queued{protocol::Ack{}, protocol::Ack{}};
  scope.spawn(submit_later(client_.get(), input("third", protocol::IfBusy::kQueue), "a", &queued[0]));
  scope.spawn(submit_later(client_.get(), input("fourth", protocol::IfBusy::kQueue), "b", &queued[1]));
  behaviour_ = wait_for_steer;
  ASSERT_TRUE(submit(input("second", protocol::IfBusy::kReplace)).ok());
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  std::vector<std::string> said;
  for (int i = 0; i < 3; ++i) {
    for (const Event& event : until("task_complete")) {
      const auto* message = std::get_if<protocol::UserMessage>(&event.msg);
      if (message != nullptr && !message->steer)
        said.push_back(std::get<protocol::TextPart>(message->content.front()).text);
    }
  }
  loop_.block_on(scope.join());
  EXPECT_EQ(said, (std::vector<std::string>{"second", "third", "fourth"}));
}

/// Ends no sooner than it may, whoever cancels it.
Async<ports::TaskEnd> end_at(ports::TaskHost* host, runtime::Signal* may_end) {
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "thinking"});
  (void)co_await may_end->wait(CancelToken(), Deadline::never());
  co_return ports::TaskEnd{.kind = ports::TaskEnd::Kind::kAborted};
}
Behaviour ending_at(runtime::Signal* may_end) {
  return
      [may_end](ports::TaskHost* host, const ports::TaskRequest&, const CancelToken&) { return end_at(host, may_end); };
}

TEST_F(LiveSessionTest, AnInputThatIsAboutToStartKeepsItsPlaceInAQueueThatFilledUp) {
  runtime::Signal may_end(loop_);
  at_work(ending_at(&may_end));
  runtime::Scope scope(loop_);
  constexpr std::size_t kQueued = 100;
  std::vector<Result<protocol::Ack>> acks(kQueued + 2, protocol::Ack{});
  for (std::size_t i = 0; i < kQueued; ++i) {
    const std::string id = "q" + std::to_string(i);
    scope.spawn(submit_later(client_.get(), input(id, protocol::IfBusy::kQueue), id, &acks[i]));
  }
  behaviour_ = wait_for_steer;
  scope.spawn(submit_later(client_.get(), input("second", protocol::IfBusy::kReplace), "s", &acks[kQueued]));
  scope.spawn(submit_later(client_.get(), input("last", protocol::IfBusy::kQueue), "l", &acks[kQueued + 1]));
  ASSERT_TRUE(call(protocol::ApprovalList{}).ok()) << "by then all of them wait";
  may_end.notify();
  until("agent_message_delta");
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  for (std::size_t i = 0; i < acks.size(); ++i) until("task_complete");
  loop_.block_on(scope.join());
  for (const auto& ack : acks) EXPECT_TRUE(ack.ok()) << ack.error().text();
}

TEST_F(LiveSessionTest, AnInputThatWaitedStartsAlsoWhereAsManyOpsWaitAsMay) {
  runtime::Signal may_end(loop_);
  at_work(ending_at(&may_end));
  runtime::Scope scope(loop_);
  Result<protocol::Ack> waited = protocol::Ack{};
  Result<protocol::Ack> second = protocol::Ack{};
  scope.spawn(submit_later(client_.get(), input("third", protocol::IfBusy::kQueue), "q", &waited));
  scope.spawn(submit_later(client_.get(), input("second", protocol::IfBusy::kReplace), "s", &second));
  std::vector<Result<protocol::Ack>> others(1'000, protocol::Ack{});
  for (std::size_t i = 0; i < others.size(); ++i) {
    scope.spawn(submit_later(client_.get(), protocol::AddContext{.text = "x"}, "c" + std::to_string(i), &others[i]));
  }
  ASSERT_TRUE(call(protocol::ApprovalList{}).ok()) << "by then all of them wait";
  behaviour_ = say_hello;
  may_end.notify();
  until("task_complete");
  until("task_complete");
  loop_.block_on(scope.join());
  EXPECT_TRUE(second.ok() && waited.ok());
}

TEST_F(LiveSessionTest, TextThatStallsIsKeptAllTheSame) {
  const std::string session = at_work([](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    host->draft(ports::DraftKind::kMessage, "i1", "Ha");
    host->draft(ports::DraftKind::kMessage, "i1", "lf");
    return wait_forever(host, std::move(request), std::move(cancel));
  });
  const std::vector<Event> events = told_after_a_crash(session, "agent_message");
  EXPECT_EQ(std::get<protocol::AgentMessage>(events.back().msg).text, "Half");
}

TEST_F(LiveSessionTest, TheDriverOfASessionAtRestIsLetGoAndMadeAnew) {
  engine_->parts().rest_after = std::chrono::milliseconds(1);
  configure();
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_complete");
  while (drivers_stopped_ == 0) (void)loop_.block_on(loop_.sleep(std::chrono::milliseconds(1), CancelToken()));
  EXPECT_EQ(drivers_made_, 1);
  ASSERT_TRUE(submit(input("again")).ok());
  until("task_complete");
  EXPECT_EQ(drivers_made_, 2);
}

/// Keeps what it is shown: "opened", and the types of events.
class Witnessed final : public ports::EventObserver {
 public:
  void opened(const ports::SessionState& state) override { seen.push_back(fmt::format("opened {}", state.last_seq)); }
  void see(const Event& event, std::size_t) override { seen.emplace_back(protocol::type_of(event.msg)); }
  std::vector<std::string> seen;
};

TEST_F(LiveSessionTest, AnObserverIsToldOfASessionBeforeItsEvents) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("hi")).ok());
  const std::int64_t last_seq = until("task_complete").back().seq.value_or(0);
  reopen();
  Witnessed witness;
  engine_->parts().observers.push_back(&witness);
  EXPECT_TRUE(submit(protocol::AddContext{.text = "x"}, session).ok());
  EXPECT_EQ(witness.seen, (std::vector<std::string>{fmt::format("opened {}", last_seq), "context_added"}));
  close();
}

TEST_F(LiveSessionTest, ADraftIsNotWrittenAfterItsRecord) {
  const std::string session =
      at_work([](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) -> Async<TaskEnd> {
        host->draft(ports::DraftKind::kMessage, "i1", "Whole");
        (void)co_await host->record(protocol::AgentMessage{.item = "i1", .text = "Whole"});
        co_return co_await wait_forever(host, std::move(request), std::move(cancel));
      });
  const std::vector<Event> events = told_after_a_crash(session, "error");
  EXPECT_EQ(std::ranges::count(types(events), "agent_message"), 1);
}

TEST_F(LiveSessionTest, OfTwoAnswersAtOnceOneCounts) {
  durability_ = runtime::Durability::kPower;
  reopen();
  behaviour_ = ask_to_run;
  const auto [session, question] = parked();
  runtime::Scope scope(loop_);
  Result<protocol::ReplyMsg> first = protocol::OkReply{};
  Result<protocol::ReplyMsg> second = protocol::OkReply{};
  scope.spawn(approve_later(client_.get(), question, &first));
  scope.spawn(approve_later(client_.get(), question, &second));
  loop_.block_on(scope.join());
  EXPECT_NE(first.ok(), second.ok());
  EXPECT_EQ((first.ok() ? second : first).error().code, protocol::error_codes::kSettled);
  ASSERT_TRUE(submit(protocol::UserInput{}).ok());
  until("task_complete");
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0}).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::ranges::count(types(events), "approval_resolved"), 1);
}

TEST_F(LiveSessionTest, ShutdownEndsTheTaskAndClosesTheSession) {
  const std::string session = at_work(wait_forever);
  ASSERT_TRUE(submit(protocol::Shutdown{}).ok());
  until("turn_aborted");
  until("shutdown_complete");
  EXPECT_EQ(engine_->find_live(session), nullptr);
  EXPECT_FALSE(store_->held(session));

  // Whoever comes later opens it again, and sees what it does.
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(protocol::ConfigureSession{.cwd = root_.string()}, session).ok());
  ASSERT_TRUE(submit(input("again"), session).ok());
  until("task_complete");
}

}  // namespace
}  // namespace lathe::engine
