#include "lathe/engine/engine_rig.h"

// A session is closed, or removed, while something is under way in it.

namespace lathe::engine {
namespace {

Async<void> submit_at_close(Connection* client, protocol::Op op, std::string op_id, Result<protocol::Ack>* out) {
  *out = co_await client->submit("", std::move(op), std::move(op_id));
}
Async<void> approve_at_close(Connection* client, std::string question, Result<protocol::ReplyMsg>* out) {
  *out = co_await client->call(
      protocol::ApprovalAnswer{.id = std::move(question), .decision = protocol::Decision::kApproved, .resume = false});
}

/// Brings nothing back, and takes its time for it.
class SlowHistory final : public ports::WorkspaceHistory {
 public:
  struct Gate {
    explicit Gate(runtime::Loop& loop) : begun(loop), go_on(loop) {}
    runtime::Signal begun;
    runtime::Signal go_on;
  };
  explicit SlowHistory(Gate* gate) : gate_(gate) {}
  void mark(std::int64_t) override {}
  void jobs_live(bool) override {}
  Result<void> will_write(const std::vector<ports::FileWrite>&) override { return {}; }
  Async<Result<ports::SnapshotSummary>> before_command() override { co_return ports::SnapshotSummary{}; }
  Async<Result<void>> after_command() override { co_return Result<void>(); }
  Async<Result<ports::RestoreReport>> restore(std::int64_t, ports::RestoreMode) override {
    gate_->begun.notify();
    (void)co_await gate_->go_on.wait(CancelToken(), Deadline::never());
    co_return ports::RestoreReport{.restored = {restored_}, .removed = {}, .conflicts = {}, .not_covered = {}};
  }
  ports::ReadSet& reads() override { std::abort(); }

 private:
  Gate* gate_;
  /// Read at the end, so that it has to live.
  const std::string restored_ = "a file whose name is longer than what a string holds itself";
};

class ClosingTest : public EngineRig {
 protected:
  /// A session whose one Task has ended, and in which files come back through the gate.
  std::string finished_with(SlowHistory::Gate* gate) {
    make_history_ = [gate](const std::string&, const std::string&) { return std::make_unique<SlowHistory>(gate); };
    reopen();
    std::string session = configure();
    EXPECT_TRUE(submit(input("hi")).ok());
    until("task_complete");
    return session;
  }
};

Async<void> undo_later(Connection* client, std::string session, Result<protocol::ReplyMsg>* out) {
  *out = co_await client->call(protocol::Undo{.session = std::move(session)});
}
Async<void> shut_down_later(Engine* engine, bool* closed) {
  co_await engine->shut_down();
  *closed = true;
}

TEST_F(ClosingTest, ClosingWaitsForAnUndoThatIsUnderWay) {
  SlowHistory::Gate gate(loop_);
  const std::string session = finished_with(&gate);
  runtime::Scope scope(loop_);
  Result<protocol::ReplyMsg> undone = protocol::OkReply{};
  scope.spawn(undo_later(client_.get(), session, &undone));
  ASSERT_TRUE(loop_.block_on(gate.begun.wait(CancelToken(), Deadline::after(loop_, std::chrono::seconds(20)))).ok());

  const auto removed = call(protocol::SessionRemove{.session = session});
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().code, base::codes::kLocked);

  bool closed = false;
  scope.spawn(shut_down_later(engine_.get(), &closed));
  loop_.block_on(loop_.yield());
  EXPECT_FALSE(closed);
  gate.go_on.notify();
  loop_.block_on(scope.join());
  EXPECT_TRUE(closed);
  ASSERT_TRUE(undone.ok()) << undone.error().text();
  EXPECT_EQ(std::get<protocol::UndoReply>(*undone).restored.size(), 1U);
  // What was closed under way cannot be asked any more.
  drop();
  make_history_ = nullptr;
}

Async<void> roll_back_files(Connection* client, std::string session, Result<protocol::Ack>* out) {
  protocol::Rollback op{.to = {.tasks = 1}, .files = protocol::RollbackFiles::kRestore};
  *out = co_await client->submit(std::move(session), std::move(op), "rolling-back");
}

TEST_F(ClosingTest, ASessionIsNotRemovedWhileARollbackBringsItsFilesBack) {
  SlowHistory::Gate gate(loop_);
  const std::string session = finished_with(&gate);
  runtime::Scope scope(loop_);
  Result<protocol::Ack> rolled_back = protocol::Ack{};
  scope.spawn(roll_back_files(client_.get(), session, &rolled_back));
  ASSERT_TRUE(loop_.block_on(gate.begun.wait(CancelToken(), Deadline::after(loop_, std::chrono::seconds(20)))).ok());

  const auto removed = call(protocol::SessionRemove{.session = session});
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().code, base::codes::kLocked);
  gate.go_on.notify();
  loop_.block_on(scope.join());
  EXPECT_TRUE(rolled_back.ok()) << rolled_back.error().text();
  EXPECT_TRUE(call(protocol::SessionRemove{.session = session}).ok());
  close();
  make_history_ = nullptr;
}

TEST_F(ClosingTest, WhatWaitsForATaskIsRefusedBeforeAShutdownEndsIt) {
  const std::string session = configure();
  behaviour_ = wait_forever;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("agent_message_delta");
  runtime::Scope scope(loop_);
  Result<protocol::Ack> queued = protocol::Ack{};
  scope.spawn(submit_at_close(client_.get(), input("and then", protocol::IfBusy::kQueue), "queued", &queued));
  const auto closed = submit(protocol::Shutdown{});
  EXPECT_TRUE(closed.ok()) << closed.error().text();
  loop_.block_on(scope.join());
  ASSERT_FALSE(queued.ok());
  EXPECT_EQ(queued.error().code, base::codes::kUnavailable);
  EXPECT_EQ(loop_.block_on(store_->peek(session))->tasks, 1);
}

TEST_F(ClosingTest, AnAnswerThatIsUnderWayIsRecordedBeforeTheSessionCloses) {
  durability_ = runtime::Durability::kPower;
  reopen();
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
  const auto questions = call(protocol::ApprovalList{})->questions;
  ASSERT_EQ(questions.size(), 1U);
  runtime::Scope scope(loop_);
  Result<protocol::ReplyMsg> answered = protocol::OkReply{};
  bool closed = false;
  scope.spawn(approve_at_close(client_.get(), questions[0].id, &answered));
  scope.spawn(shut_down_later(engine_.get(), &closed));
  loop_.block_on(scope.join());
  EXPECT_TRUE(closed);
  client_.reset();
  engine_.reset();
  index_.reset();
  store_.reset();
  open();
  // Either it was in time, and is settled, or it was told that it was not, and is open.
  EXPECT_EQ(call(protocol::ApprovalList{})->questions.size(), answered.ok() ? 0U : 1U);
}

}  // namespace
}  // namespace lathe::engine
