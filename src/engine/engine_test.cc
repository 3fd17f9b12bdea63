#include "lathe/engine/engine.h"

#include <set>

#include "lathe/engine/engine_rig.h"
#include "lathe/engine/recovery.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {
namespace {

using EngineTest = EngineRig;

TEST_F(EngineTest, ATaskRunsFromInputToEnd) {
  const std::string session = configure();
  const auto ack = submit_as("42", input("hi"));
  ASSERT_TRUE(ack.ok()) << ack.error().text();
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"session_configured", "task_started", "user_message",
                                                     "agent_message", "turn_complete", "task_complete"}));
  EXPECT_EQ(events[2].by, "client/42");
  EXPECT_EQ(events[2].seq, ack->seq);
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_EQ(events[i].id, "42");
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].seq, static_cast<std::int64_t>(i) + 1);
  const auto& end = std::get<protocol::TaskComplete>(events.back().msg);
  EXPECT_EQ(end.last_agent_message, "hello");
  EXPECT_EQ(end.usage.total(), 5);
}

TEST_F(EngineTest, RepeatedSubmissionsStartNothingAndRepeatTheAck) {
  configure();
  const auto first = submit_as("9", input("hi"));
  until("task_complete");
  const auto again = submit_as("9", input("hi"));
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(engine_->find_live(first->session)->state().tasks, 1);
}

TEST_F(EngineTest, ErrorsNameWhatIsWrong) {
  EXPECT_EQ(submit(input("hi")).error().code, protocol::error_codes::kNotConfigured);
  EXPECT_EQ(submit(protocol::ConfigureSession{.cwd = "/no/such/folder"}).error().code, base::codes::kNotFound);
  EXPECT_EQ(submit(protocol::ConfigureSession{.cwd = "relative"}).error().code, base::codes::kInvalid);
  EXPECT_EQ(submit(protocol::ConfigureSession{.model = "nope", .cwd = root_.string()}).error().code,
            base::codes::kNotFound);
  EXPECT_EQ(call(protocol::SessionList{})->sessions.size(), 0U) << "a failed configure must leave nothing behind";
  configure();
  EXPECT_EQ(submit(protocol::UserInput{}).error().code, base::codes::kInvalid);
  EXPECT_EQ(submit(input("x"), "0190a5b4-0000-7000-8000-000000000000").error().code, base::codes::kNotFound);
  EXPECT_EQ(submit(protocol::Approval{.id = "ask_none"}).error().code, base::codes::kNotFound);
  EXPECT_EQ(submit(protocol::Rollback{}).error().code, base::codes::kInvalid);
}

TEST_F(EngineTest, InterruptEndsTheTaskWithAbortThenError) {
  configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit_as("1x", input("hi")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit_as("2x", protocol::Interrupt{}).ok());
  const std::vector<Event> events = until("error");
  EXPECT_EQ(types(events), (std::vector<std::string>{"turn_aborted", "error"}));
  EXPECT_EQ(events[0].by, "client/2x");
  EXPECT_EQ(events[0].id, "1x");
  EXPECT_EQ(std::get<protocol::TurnAborted>(events[0].msg).reason, protocol::AbortReason::kInterrupted);
  EXPECT_EQ(std::get<protocol::ErrorEvent>(events[1].msg).code, protocol::error_codes::kInterrupted);
  EXPECT_TRUE(submit(protocol::Interrupt{}).ok()) << "nothing to interrupt is no error";
  behaviour_ = say_hello;
  ASSERT_TRUE(submit_as("3x", input("again")).ok());
  for (const Event& event : until("task_complete"))
    EXPECT_NE(event.id, "1x") << "of the interrupted task nothing comes";
}

TEST_F(EngineTest, NewInputReplacesTheRunningTask) {
  configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("first")).ok());
  until("agent_message_delta");
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("second")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"turn_aborted", "task_started", "user_message", "agent_message",
                                                     "turn_complete", "task_complete"}));
  EXPECT_EQ(std::get<protocol::TurnAborted>(events[0].msg).reason, protocol::AbortReason::kReplaced);
}

TEST_F(EngineTest, SteeringReachesTheRunningTask) {
  configure();
  behaviour_ = wait_for_steer;
  ASSERT_TRUE(submit(input("first")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit(input("also this", protocol::IfBusy::kSteer)).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"user_message", "task_complete"}));
  EXPECT_TRUE(std::get<protocol::UserMessage>(events[0].msg).steer);
}

TEST_F(EngineTest, QueuedInputStartsWhenTheTaskIsDone) {
  const std::string session = configure();
  behaviour_ = wait_for_steer;
  ASSERT_TRUE(submit(input("first")).ok());
  until("agent_message_delta");
  runtime::Scope scope(loop_);
  struct Queue {
    static Async<void> run(Connection* client, protocol::Op op) {
      (void)co_await client->submit("", std::move(op), "q");
    }
  };
  scope.spawn(Queue::run(client_.get(), input("second", protocol::IfBusy::kQueue)));
  ASSERT_TRUE(submit(input("go", protocol::IfBusy::kSteer)).ok());
  behaviour_ = say_hello;
  until("task_complete");
  EXPECT_EQ(types(until("task_complete")), (std::vector<std::string>{"task_started", "user_message", "agent_message",
                                                                     "turn_complete", "task_complete"}));
  loop_.block_on(scope.stop());
}

TEST_F(EngineTest, ApprovalsPauseTheTaskAndSettleOnce) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto request = std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  EXPECT_EQ(request.command, (std::vector<std::string>{"rm", "x"}));
  ASSERT_TRUE(submit(protocol::ExecApproval{.id = request.id, .decision = protocol::Decision::kApproved}).ok());
  EXPECT_EQ(submit(protocol::ExecApproval{.id = request.id, .decision = protocol::Decision::kDenied}).error().code,
            protocol::error_codes::kSettled);
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::get<protocol::TaskComplete>(events.back().msg).last_agent_message, "ran");
}

TEST_F(EngineTest, ApprovedForTheSessionAsksOnlyOnce) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto request = std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  ASSERT_TRUE(submit(protocol::Approval{.id = request.id, .decision = protocol::Decision::kApprovedForSession}).ok());
  until("task_complete");
  ASSERT_TRUE(submit(input("again")).ok());
  for (const Event& event : until("task_complete")) {
    EXPECT_NE(protocol::type_of(event.msg), "exec_approval_request");
  }
}

TEST_F(EngineTest, NobodyThereMeansNo) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kDeny});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::get<protocol::TaskComplete>(events.back().msg).last_agent_message, "declined");
}

TEST_F(EngineTest, AParkedTaskSurvivesARestartAndGoesOn) {
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
  close();
  seen_.clear();
  open();
  const auto open_questions = call(protocol::ApprovalList{});
  ASSERT_TRUE(open_questions.ok()) << open_questions.error().text();
  ASSERT_EQ(open_questions->questions.size(), 1U);
  EXPECT_EQ(open_questions->questions[0].session_id, session);
  const auto answered = call(protocol::ApprovalAnswer{
      .id = open_questions->questions[0].id, .decision = protocol::Decision::kApproved, .resume = true});
  ASSERT_TRUE(answered.ok()) << answered.error().text();
  EXPECT_TRUE(answered->resumed);
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events),
            (std::vector<std::string>{"approval_resolved", "task_resumed", "exec_command_end", "task_complete"}));
}

TEST_F(EngineTest, ReconfiguringAbortsTheRunningTaskFirst) {
  configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit(protocol::ConfigureSession{.model = "other"}).ok());
  const std::vector<Event> events = until("session_configured");
  EXPECT_EQ(types(events), (std::vector<std::string>{"turn_aborted", "error", "session_configured"}));
  EXPECT_EQ(std::get<protocol::SessionConfigured>(events.back().msg).model, "other");
}

TEST_F(EngineTest, RollbackAndBookmarks) {
  const std::string session = configure();
  std::vector<std::string> marks;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(submit(input("task " + std::to_string(i))).ok());
    for (const Event& event : until("task_complete")) {
      if (const auto* turn = std::get_if<protocol::TurnComplete>(&event.msg)) marks.push_back(turn->response_id);
    }
  }
  const ports::SessionState& state = engine_->find_live(session)->state();
  ASSERT_EQ(state.conversation.entries.size(), 6U);
  ASSERT_TRUE(submit(protocol::Rollback{.to = {.tasks = 1}}).ok());
  EXPECT_EQ(state.conversation.entries.size(), 4U);
  protocol::UserInput from_first = input("instead");
  from_first.last_response_id = marks[0];
  ASSERT_TRUE(submit(from_first).ok());
  until("task_complete");
  EXPECT_EQ(state.conversation.entries.size(), 4U);
  from_first.last_response_id = "resp_unknown";
  EXPECT_EQ(submit(from_first).error().code, base::codes::kNotFound);

  const auto forked = call(protocol::SessionFork{.session = session, .response_id = marks[0]});
  ASSERT_TRUE(forked.ok()) << forked.error().text();
  EXPECT_EQ(engine_->find_live(forked->session)->state().conversation.entries.size(), 2U);
  EXPECT_EQ(engine_->find_live(forked->session)->state().config->session_id, forked->session);
}

/// How many Tasks have been told to end.
struct Told {
  runtime::Loop& loop;
  int tasks = 0;
  bool together = false;
};

/// Ends when both Tasks have been told to.
Async<ports::TaskEnd> wait_for_the_other(Told* told, ports::TaskHost* host, CancelToken cancel) {
  (void)co_await wait_forever(host, {}, cancel);
  ++told->tasks;
  const Deadline patience = Deadline::after(told->loop, std::chrono::seconds(20));
  while (told->tasks < 2 && !patience.passed(told->loop)) co_await told->loop.yield();
  told->together = told->tasks == 2;
  co_return ports::TaskEnd{.kind = ports::TaskEnd::Kind::kAborted};
}

TEST_F(EngineTest, AtTheEndNoSessionWaitsForAnothersTask) {
  Told told{.loop = loop_};
  behaviour_ = [&told](ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
    return wait_for_the_other(&told, host, std::move(cancel));
  };
  const auto other = engine_->connect("other");
  for (Connection* client : {client_.get(), other.get()}) {
    protocol::ConfigureSession op;
    op.cwd = root_.string();
    const auto made = loop_.block_on(client->submit("", op, "1"));
    ASSERT_TRUE(made.ok()) << made.error().text();
    ASSERT_TRUE(loop_.block_on(client->submit(made->session, input("go"), "2")).ok());
  }
  until("agent_message_delta");
  loop_.block_on(engine_->shut_down());
  EXPECT_TRUE(told.together);
}

TEST_F(EngineTest, WhoHasSeenWhatNeverWasIsToldSoAndStaysSubscribed) {
  const std::string session = configure();
  const auto refused = call(protocol::SessionSubscribe{.session = session, .since = 1'000'000});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::codes::kInvalid);
  ASSERT_TRUE(submit(input("one")).ok());
  until("task_complete");
}

TEST_F(EngineTest, NumbersThatMeanNothingAreRefused) {
  const std::string session = configure();
  const auto code_of = [](const auto& reply) { return reply.ok() ? std::string("taken") : reply.error().code; };
  EXPECT_EQ(code_of(call(protocol::SessionSubscribe{.session = session, .since = -7})), base::codes::kInvalid);
  EXPECT_EQ(code_of(call(protocol::SessionSubscribe{.session = session, .since = -1})), "taken");
  EXPECT_EQ(code_of(call(protocol::SessionList{.limit = -3})), base::codes::kInvalid);
  EXPECT_EQ(code_of(call(protocol::SessionExport{.session = session, .limit = -3})), base::codes::kInvalid);
  EXPECT_EQ(code_of(call(protocol::SessionExport{.session = session, .since = -7})), base::codes::kInvalid);
  EXPECT_EQ(code_of(call(protocol::SessionSearch{.query = "x", .limit = -3})), base::codes::kInvalid);
}

TEST_F(EngineTest, ALateSubscriberGetsEverythingOnceAndWhatIsInFlight) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("one")).ok());
  until("task_complete");
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("two")).ok());
  until("agent_message_delta");

  client_ = engine_->connect("second");
  seen_.clear();
  const auto reply = call(protocol::SessionSubscribe{.session = session, .since = 3});
  ASSERT_TRUE(reply.ok()) << reply.error().text();
  EXPECT_EQ(reply->state, protocol::SessionState::kRunning);
  ASSERT_TRUE(submit(protocol::Interrupt{}, session).ok());
  const std::vector<Event> events = until("error");
  std::vector<std::int64_t> seqs;
  for (const Event& event : events) {
    if (event.seq) seqs.push_back(*event.seq);
  }
  ASSERT_FALSE(seqs.empty());
  EXPECT_EQ(seqs.front(), 4);
  for (std::size_t i = 1; i < seqs.size(); ++i) EXPECT_EQ(seqs[i], seqs[i - 1] + 1);
  const bool in_flight = std::ranges::any_of(events, [](const Event& event) {
    const auto* delta = std::get_if<protocol::AgentMessageDelta>(&event.msg);
    return delta != nullptr && delta->offset == 0 && delta->text == "thinking";
  });
  EXPECT_TRUE(in_flight);
}

Async<TaskEnd> say_secret(ports::TaskHost* host, ports::TaskRequest, CancelToken) {
  (void)co_await host->record(protocol::AgentMessage{.item = "i", .text = "the key is sk-very-secret."});
  co_return done("said sk-very-secret");
}

TEST_F(EngineTest, KnownSecretsReachNoRecordAndNoClient) {
  const std::string session = configure();
  behaviour_ = say_secret;
  ASSERT_TRUE(submit(input("hi")).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(std::get<protocol::AgentMessage>(events[events.size() - 2].msg).text, "the key is [secret].");
  const auto records = call(protocol::SessionExport{.session = session});
  for (const std::string& line : records->records) EXPECT_EQ(line.find("sk-very"), std::string::npos) << line;
}

TEST_F(EngineTest, ADriverThatThrowsFailsOnlyItsTask) {
  configure();
  struct Throw {
    static Async<TaskEnd> run(ports::TaskHost*, ports::TaskRequest, CancelToken) {
      throw base::RequestBug("broken driver");
      co_return TaskEnd{};
    }
  };
  behaviour_ = Throw::run;
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto failed = std::get<protocol::ErrorEvent>(until("error").back().msg);
  EXPECT_EQ(failed.code, base::codes::kInternal);
  EXPECT_TRUE(failed.ends_task);
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("again")).ok());
  until("task_complete");
}

TEST_F(EngineTest, SessionsAreListedFoundSearchedAndRemoved) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("find the walrus")).ok());
  until("task_complete");
  EXPECT_EQ(call(protocol::SessionList{})->sessions.at(0).session_id, session);
  EXPECT_EQ(call(protocol::SessionGet{.session = "last"})->session.session_id, session);
  EXPECT_EQ(call(protocol::SessionGet{.session = session.substr(0, 13)})->session.session_id, session);
  const ports::SessionPlace place = store_->place(session);
  EXPECT_EQ(call(protocol::SessionGet{.session = "last"})->folder, place.folder);
  EXPECT_EQ(call(protocol::SessionGet{.session = "last"})->journal, place.journal);
  EXPECT_TRUE(std::filesystem::is_regular_file(place.journal));
  EXPECT_EQ(call(protocol::SessionGet{.session = "ffff"}).error().code, base::codes::kNotFound);
  EXPECT_EQ(call(protocol::SessionSearch{.query = "walrus"})->hits.size(), 1U);
  EXPECT_TRUE(call(protocol::SessionRemove{.session = session}).ok());
  EXPECT_EQ(call(protocol::SessionList{})->sessions.size(), 0U);
  EXPECT_EQ(call(protocol::ModelList{})->models.at(0).model, "one");
}

TEST_F(EngineTest, AClientThatComesBackUnderItsNameIsNotTakenForAnother) {
  EXPECT_EQ(call(protocol::Hello{.client = "test", .client_id = "a/b"}).error().code, base::codes::kInvalid);
  ASSERT_TRUE(call(protocol::Hello{.client = "test", .client_id = "editor-1"}).ok());
  const std::string session = configure();
  const auto first = submit_as("9", input("hi"));
  EXPECT_EQ(until("user_message").back().by, "editor-1/9");
  until("task_complete");

  client_ = engine_->connect("another");
  ASSERT_TRUE(call(protocol::Hello{.client = "test", .client_id = "editor-1"}).ok());
  EXPECT_EQ(*submit_as("9", input("hi"), session), *first);
  EXPECT_EQ(engine_->find_live(session)->state().tasks, 1);
}

TEST_F(EngineTest, ASessionIsOpenWhileSomeoneLooksAtItOrSomethingRuns) {
  behaviour_ = wait_forever;
  const std::string session = configure();
  ASSERT_TRUE(submit(input("hi")).ok());
  EXPECT_TRUE(client_->has_running_task());
  client_ = engine_->connect("another");
  EXPECT_EQ(loop_.block_on(engine_->close_forsaken()), 1U) << "a Task runs";
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0}).ok());
  ASSERT_TRUE(submit(protocol::Interrupt{}, session).ok());
  until("error");
  EXPECT_FALSE(client_->has_running_task());
  EXPECT_EQ(loop_.block_on(engine_->close_forsaken()), 1U) << "someone looks";
  client_ = engine_->connect("a third");
  EXPECT_EQ(loop_.block_on(engine_->close_forsaken()), 0U);
  EXPECT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0}).ok()) << "it opens again";
}

}  // namespace
}  // namespace lathe::engine
