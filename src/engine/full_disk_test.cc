#include "lathe/engine/full_disk.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "lathe/engine/engine_rig.h"

// A Task whose end its stream does not take: what is told of it, and what becomes of it once there is room again.

namespace lathe::engine {
namespace {

Async<TaskEnd> say_hello_and_fill(ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel,
                                  FullDisk* disk) {
  TaskEnd end = co_await say_hello(host, std::move(request), std::move(cancel));
  disk->full = true;
  co_return end;
}

Async<TaskEnd> ask_and_fill(ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel, FullDisk* disk) {
  TaskEnd end = co_await ask_to_run(host, std::move(request), std::move(cancel));
  disk->full = true;
  co_return end;
}

/// Its call fills the disk.
Async<TaskEnd> fill_by_a_call(ports::TaskHost* host, FullDisk* disk) {
  (void)co_await host->record(protocol::ToolCalls{.calls = {{"call_1", "shell", "{}"}}});
  (void)co_await host->record(protocol::ExecCommandBegin{.call_id = "call_1", .command = {"dd"}});
  disk->full = true;
  const auto ended = co_await host->record(protocol::ExecCommandEnd{.call_id = "call_1"});
  co_return TaskEnd{.kind = TaskEnd::Kind::kFailed, .error = ended.error()};
}

/// Says more than the disk takes.
Async<TaskEnd> say_too_much(ports::TaskHost* host) {
  const std::string thought = "hm";
  const std::string text(FullDisk::kLongText, 'x');
  host->draft(ports::DraftKind::kReasoning, "r1", thought);
  host->draft(ports::DraftKind::kMessage, "m1", text);
  (void)co_await host->record(protocol::AgentReasoning{.item = "r1", .text = thought});
  const auto said = co_await host->record(protocol::AgentMessage{.item = "m1", .text = text});
  co_return TaskEnd{.kind = TaskEnd::Kind::kFailed, .error = said.ok() ? base::Error{} : said.error()};
}

Async<TaskEnd> fill_when_told(ports::TaskHost* host, runtime::Signal* told, FullDisk* disk) {
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "thinking"});
  (void)co_await told->wait(CancelToken(), Deadline::never());
  disk->full = true;
  co_return done("done");
}

Async<void> submit_to_full(Connection* client, protocol::Op op, Result<protocol::Ack>* out) {
  *out = co_await client->submit("", std::move(op), "beside");
}

class FullDiskTest : public EngineRig {
 protected:
  void SetUp() override {
    faults_ = &disk_;
    EngineRig::SetUp();
  }
  /// The Task that fills the disk is told of as failed for lack of space.
  void expect_failure() {
    const std::vector<Event> events = until("error");
    ASSERT_FALSE(events.empty());
    const auto& failed = std::get<protocol::ErrorEvent>(events.back().msg);
    EXPECT_EQ(failed.code, base::codes::kNoSpace);
    EXPECT_TRUE(failed.ends_task);
    EXPECT_FALSE(events.back().seq);
  }
  /// A Task ends with a text that the disk does not take, though it takes the end.
  void say_too_much_for_it() {
    disk_.nearly_full = true;
    behaviour_ = [](ports::TaskHost* host, const ports::TaskRequest&, const CancelToken&) {
      return say_too_much(host);
    };
    ASSERT_TRUE(submit(input("hi")).ok());
    const std::vector<Event> events = until("error");
    ASSERT_TRUE(events.back().seq);
    EXPECT_THAT(std::get<protocol::ErrorEvent>(events.back().msg).message,
                ::testing::EndsWith("text that was shown could not be recorded"));
  }
  static void expect_cut_text(const Event& event) {
    const auto& said = std::get<protocol::AgentMessage>(event.msg);
    EXPECT_EQ(said.item, "m1");
    EXPECT_EQ(said.text, std::string(FullDisk::kLongText, 'x'));
    EXPECT_EQ(said.status, protocol::ItemStatus::kIncomplete);
  }
  protocol::SessionState listed() {
    const auto list = call(protocol::SessionList{});
    return list.ok() && list->sessions.size() == 1 ? list->sessions[0].state : protocol::SessionState::kDamaged;
  }

  FullDisk disk_;
};

TEST_F(FullDiskTest, ATaskWhoseEndIsNotRecordedIsNotToldAsRunning) {
  const std::string session = configure();
  behaviour_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    return say_hello_and_fill(host, std::move(request), std::move(cancel), &disk_);
  };
  ASSERT_TRUE(submit(input("hi")).ok());
  expect_failure();

  constexpr auto kInterrupted = protocol::SessionState::kInterrupted;
  EXPECT_EQ(listed(), kInterrupted);
  EXPECT_EQ(call(protocol::SessionGet{.session = session})->session.state, kInterrupted);
  EXPECT_EQ(call(protocol::SessionSubscribe{.session = session, .since = -1})->state, kInterrupted);
  const auto status = call(protocol::DaemonStatus{});
  ASSERT_EQ(status->sessions.size(), 1U);
  EXPECT_EQ(status->sessions[0].state, kInterrupted);
  const auto vitals = call(protocol::Vitals{});
  EXPECT_EQ(vitals->sessions.running, 0);
  EXPECT_EQ(vitals->sessions.interrupted, 1);
  ASSERT_TRUE(call(protocol::Watch{}).ok());
  EXPECT_EQ(std::get<protocol::SessionChanged>(until("session_changed").back().msg).session.state, kInterrupted);
}

TEST_F(FullDiskTest, TheEndIsRecordedBeforeTheNextTaskOnceThereIsRoom) {
  configure();
  behaviour_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    return say_hello_and_fill(host, std::move(request), std::move(cancel), &disk_);
  };
  ASSERT_TRUE(submit(input("hi")).ok());
  expect_failure();
  for (const auto if_busy : {protocol::IfBusy::kReplace, protocol::IfBusy::kQueue, protocol::IfBusy::kSteer}) {
    const auto refused = submit(input("and now?", if_busy));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, base::codes::kNoSpace);
  }
  EXPECT_EQ(listed(), protocol::SessionState::kInterrupted);

  disk_.full = false;
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("and now?", protocol::IfBusy::kQueue)).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events), (std::vector<std::string>{"error", "task_started", "user_message", "agent_message",
                                                     "turn_complete", "task_complete"}));
  EXPECT_TRUE(events.at(0).seq);
  EXPECT_EQ(listed(), protocol::SessionState::kIdle);
}

TEST_F(FullDiskTest, ACallWhoseEndIsNotRecordedHasAnUnknownOutcome) {
  configure();
  behaviour_ = [this](ports::TaskHost* host, const ports::TaskRequest&, const CancelToken&) {
    return fill_by_a_call(host, &disk_);
  };
  ASSERT_TRUE(submit(input("hi")).ok());
  expect_failure();
  disk_.full = false;
  ASSERT_TRUE(submit(protocol::Interrupt{}).ok());
  const std::vector<Event> events = until("error");
  ASSERT_EQ(types(events), (std::vector<std::string>{"exec_command_end", "error"}));
  EXPECT_EQ(std::get<protocol::ExecCommandEnd>(events[0].msg).outcome.status, protocol::CallStatus::kInterrupted);
}

TEST_F(FullDiskTest, WhatWaitsForTheEndIsToldThatItCannotBeRecorded) {
  configure();
  runtime::Signal may_end(loop_);
  behaviour_ = [this, &may_end](ports::TaskHost* host, const ports::TaskRequest&, const CancelToken&) {
    return fill_when_told(host, &may_end, &disk_);
  };
  ASSERT_TRUE(submit(input("first")).ok());
  until("agent_message_delta");
  runtime::Scope scope(loop_);
  Result<protocol::Ack> waited = protocol::Ack{};
  scope.spawn(submit_to_full(client_.get(), input("second", protocol::IfBusy::kQueue), &waited));
  ASSERT_TRUE(call(protocol::ApprovalList{}).ok()) << "by then it waits";
  may_end.notify();
  loop_.block_on(scope.join());
  ASSERT_FALSE(waited.ok());
  EXPECT_EQ(waited.error().code, base::codes::kNoSpace);
}

TEST_F(FullDiskTest, ATextThatDidNotFitIsRecordedBeforeTheNextTaskOnceThereIsRoom) {
  configure();
  say_too_much_for_it();
  EXPECT_EQ(submit(input("and now?")).error().code, base::codes::kNoSpace);
  disk_.nearly_full = false;
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("and now?")).ok());
  const std::vector<Event> events = until("task_complete");
  ASSERT_EQ(types(events), (std::vector<std::string>{"agent_message", "task_started", "user_message", "agent_message",
                                                     "turn_complete", "task_complete"}));
  expect_cut_text(events[0]);
}

TEST_F(FullDiskTest, ATextThatDidNotFitIsRecordedByTheNextProcess) {
  const std::string session = configure();
  say_too_much_for_it();
  close();
  disk_.nearly_full = false;
  reopen();
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0}).ok());
  expect_cut_text(until("agent_message").back());
  EXPECT_TRUE(std::ranges::none_of(std::filesystem::recursive_directory_iterator(root_),
                                   [](const auto& file) { return file.path().filename() == "draft.ndjson"; }));
}

TEST_F(FullDiskTest, ATaskThatCouldNotParkIsParkedOnceThereIsRoom) {
  configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  behaviour_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    return ask_and_fill(host, std::move(request), std::move(cancel), &disk_);
  };
  ASSERT_TRUE(submit(input("hi")).ok());
  expect_failure();
  EXPECT_EQ(listed(), protocol::SessionState::kParked);

  disk_.full = false;
  behaviour_ = ask_to_run;
  const auto questions = call(protocol::ApprovalList{})->questions;
  ASSERT_EQ(questions.size(), 1U);
  ASSERT_TRUE(
      call(protocol::ApprovalAnswer{.id = questions[0].id, .decision = protocol::Decision::kApproved, .resume = true})
          .ok());
  EXPECT_EQ(types(until("task_complete")), (std::vector<std::string>{"task_parked", "approval_resolved", "task_resumed",
                                                                     "exec_command_end", "task_complete"}));
}

}  // namespace
}  // namespace lathe::engine
