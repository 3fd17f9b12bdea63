#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "lathe/engine/engine_rig.h"
#include "lathe/storage/fault.h"

// Who begins, ends or goes on with a Task, or brings files back, has the session to itself meanwhile.

namespace lathe::engine {
namespace {

/// Holds one sync of a stream up until it is told to let it go on.
class HeldSync final : public storage::FaultPoint {
 public:
  storage::Fault before(std::string_view operation, std::size_t) override {
    std::unique_lock lock(mutex_);
    if (operation != "stream.sync" || !std::exchange(holds_, false)) return {};
    // Long enough for any machine; without an end, a broken test would never end.
    changed_.wait_for(lock, std::chrono::seconds(30), [this] { return released_; });
    return {};
  }
  void after(std::string_view) override {}
  void hold_next() {
    const std::scoped_lock lock(mutex_);
    holds_ = true;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool holds_ = false;
  bool released_ = false;
};

Async<void> go_on_beside(LiveSession* session, Result<std::int64_t>* out) { *out = co_await session->go_on(); }
Async<void> submit_beside(Connection* client, std::string session, protocol::Op op, Result<protocol::Ack>* out) {
  *out = co_await client->submit(std::move(session), std::move(op), "beside");
}
Async<void> undo_beside(Connection* client, std::string session, Result<protocol::ReplyMsg>* out) {
  *out = co_await client->call(protocol::Undo{.session = std::move(session)});
}

/// Its end is the first record that is held up.
Async<TaskEnd> say_hello_and_hold(ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel,
                                  HeldSync* disk) {
  TaskEnd end = co_await say_hello(host, std::move(request), std::move(cancel));
  disk->hold_next();
  co_return end;
}

/// Parks at the moment at which it is cancelled.
Async<TaskEnd> park_when_cancelled(ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
  (void)co_await wait_forever(host, std::move(request), std::move(cancel));
  co_return TaskEnd{.kind = TaskEnd::Kind::kParked};
}

/// Those that tell of the course of Tasks.
std::vector<std::string> course(const std::vector<Event>& events) {
  std::vector<std::string> told;
  for (const Event& event : events) {
    const std::string type(protocol::type_of(event.msg));
    if (type.starts_with("task_") || type == "turn_aborted") told.push_back(type);
  }
  return told;
}

class AloneTest : public EngineRig {
 protected:
  /// A session whose Task is parked and has its answer, in a process that knows nothing of its model yet. The Task
  /// that goes on takes its time; one after it does not.
  std::string park() {
    behaviour_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
      ++runs_;
      if (runs_ == 1) return ask_to_run(host, std::move(request), std::move(cancel));
      return runs_ == 2 ? wait_forever(host, std::move(request), std::move(cancel))
                        : say_hello(host, std::move(request), std::move(cancel));
    };
    std::string session =
        configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
    EXPECT_TRUE(submit(input("hi")).ok());
    until("task_parked");
    reopen();
    const auto questions = call(protocol::ApprovalList{})->questions;
    EXPECT_EQ(questions.size(), 1U);
    EXPECT_TRUE(call(protocol::ApprovalAnswer{
                         .id = questions.at(0).id, .decision = protocol::Decision::kApproved, .resume = false})
                    .ok());
    return session;
  }
  bool reached(runtime::Signal& signal) {
    return loop_.block_on(signal.wait(CancelToken(), Deadline::after(loop_, std::chrono::seconds(20)))).ok();
  }

  HeldSync disk_;
  int runs_ = 0;
};

TEST_F(AloneTest, AnInputReplacesATaskThatIsAboutToGoOn) {
  const std::string session = park();
  OneDirectory::Hold hold(loop_);
  directory_.hold = &hold;
  runtime::Scope scope(loop_);
  Result<std::int64_t> gone_on = 0;
  Result<protocol::Ack> replaced = protocol::Ack{};
  scope.spawn(go_on_beside(engine_->find_live(session), &gone_on));
  ASSERT_TRUE(reached(hold.begun));
  scope.spawn(submit_beside(client_.get(), session, input("something else"), &replaced));
  ASSERT_TRUE(call(protocol::ApprovalList{}).ok()) << "by then it waits";
  hold.let_on.notify();
  loop_.block_on(scope.join());
  ASSERT_TRUE(gone_on.ok()) << gone_on.error().text();
  ASSERT_TRUE(replaced.ok()) << replaced.error().text();
  EXPECT_EQ(course(until("task_complete")),
            (std::vector<std::string>{"task_resumed", "turn_aborted", "task_started", "task_complete"}));
  EXPECT_EQ(runs_, 3);
}

TEST_F(AloneTest, ATaskGoesOnOnce) {
  const std::string session = park();
  OneDirectory::Hold hold(loop_);
  directory_.hold = &hold;
  runtime::Scope scope(loop_);
  Result<std::int64_t> first = 0;
  Result<std::int64_t> second = 0;
  scope.spawn(go_on_beside(engine_->find_live(session), &first));
  ASSERT_TRUE(reached(hold.begun));
  scope.spawn(go_on_beside(engine_->find_live(session), &second));
  hold.let_on.notify();
  loop_.block_on(scope.join());
  EXPECT_TRUE(first.ok()) << first.error().text();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, base::codes::kInvalid);
  EXPECT_EQ(runs_, 2);
}

TEST_F(AloneTest, NoFileIsTouchedWhileATaskStarts) {
  const std::string session = configure();
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_complete");
  reopen();
  behaviour_ = wait_forever;
  OneDirectory::Hold hold(loop_);
  directory_.hold = &hold;
  runtime::Scope scope(loop_);
  Result<protocol::Ack> started = protocol::Ack{};
  Result<protocol::ReplyMsg> undone = protocol::OkReply{};
  scope.spawn(submit_beside(client_.get(), session, input("and again"), &started));
  ASSERT_TRUE(reached(hold.begun));
  scope.spawn(undo_beside(client_.get(), session, &undone));
  ASSERT_TRUE(call(protocol::ApprovalList{}).ok()) << "by then it waits";
  hold.let_on.notify();
  loop_.block_on(scope.join());
  EXPECT_TRUE(started.ok()) << started.error().text();
  ASSERT_FALSE(undone.ok());
  EXPECT_EQ(undone.error().code, base::codes::kUnavailable) << undone.error().text();
}

TEST_F(AloneTest, NoTaskStartsOnceAnotherProcessIsToTakeItsPlace) {
  const std::string session = park();
  OneDirectory::Hold hold(loop_);
  directory_.hold = &hold;
  runtime::Scope scope(loop_);
  Result<std::int64_t> gone_on = 0;
  scope.spawn(go_on_beside(engine_->find_live(session), &gone_on));
  ASSERT_TRUE(reached(hold.begun));
  (void)loop_.block_on(engine_->hand_over(std::chrono::seconds(20)));
  hold.let_on.notify();
  loop_.block_on(scope.join());
  ASSERT_FALSE(gone_on.ok());
  EXPECT_EQ(gone_on.error().code, protocol::error_codes::kHandingOver);
  EXPECT_EQ(runs_, 1);
}

TEST_F(AloneTest, AnInterruptEndsATaskThatParksAtThatMoment) {
  behaviour_ = park_when_cancelled;
  const std::string session = configure();
  ASSERT_TRUE(submit(input("hi")).ok());
  until("agent_message_delta");
  ASSERT_TRUE(submit(protocol::Interrupt{}).ok());
  EXPECT_EQ(types(until("error")), (std::vector<std::string>{"task_parked", "turn_aborted", "error"}));
  EXPECT_FALSE(engine_->find_live(session)->state().task);
}

TEST_F(AloneTest, WhatIsSteeredIntoATaskWhoseEndIsBeingRecordedIsAnswered) {
  faults_ = &disk_;
  durability_ = runtime::Durability::kPower;
  reopen();
  const std::string session = configure();
  behaviour_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    return say_hello_and_hold(host, std::move(request), std::move(cancel), &disk_);
  };
  ASSERT_TRUE(submit(input("hi")).ok());
  until("turn_complete");
  behaviour_ = say_hello;
  runtime::Scope scope(loop_);
  Result<protocol::Ack> steered = protocol::Ack{};
  scope.spawn(submit_beside(client_.get(), session, input("and now?", protocol::IfBusy::kSteer), &steered));
  ASSERT_TRUE(call(protocol::ApprovalList{}).ok()) << "by then it waits";
  disk_.release();
  loop_.block_on(scope.join());
  ASSERT_TRUE(steered.ok()) << steered.error().text();
  EXPECT_EQ(course(until("task_complete")), std::vector<std::string>{"task_complete"});
  EXPECT_EQ(course(until("task_complete")), (std::vector<std::string>{"task_started", "task_complete"}));
}

}  // namespace
}  // namespace lathe::engine
