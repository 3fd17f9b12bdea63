#include "lathe/engine/hand_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lathe/engine/engine_rig.h"

namespace lathe::engine {
namespace {

using testing::ElementsAre;

/// A Turn, then one that waits until another process is to go on; that one ends.
Async<TaskEnd> wait_for_the_next(ports::TaskHost* host, ports::TaskRequest, CancelToken cancel) {
  if (host->state().bookmarks.size() > 0) co_return done("went on");
  (void)co_await host->record(protocol::TurnComplete{.response_id = host->new_id("resp"), .model = "b/m"});
  host->show(protocol::AgentMessageDelta{.item = "i1", .offset = 0, .text = "…"});
  runtime::Loop& loop = *const_cast<runtime::Loop*>(dynamic_cast<const runtime::Loop*>(&host->clock()));
  while (!host->hands_over() && !cancel.cancelled()) (void)co_await loop.sleep(base::Millis(1), cancel);
  co_return TaskEnd{.kind = cancel.cancelled() ? TaskEnd::Kind::kAborted : TaskEnd::Kind::kParked};
}

class HandOverTest : public EngineRig {
 protected:
  /// A session with a Task at work, for a client that lends something.
  std::string begin() {
    behaviour_ = wait_for_the_next;
    EXPECT_TRUE(call(protocol::Hello{.client = "t", .environment = {"A=1"}, .process = {"umask=027"}}).ok());
    std::string session = configure();
    EXPECT_TRUE(submit(input("go")).ok());
    until("agent_message_delta");
    return session;
  }
  /// What the next process is told.
  std::string hand_over() { return text_of(loop_.block_on(engine_->hand_over(std::chrono::seconds(20)))); }
  void take_over(const std::string& text) {
    reopen();
    auto handed = read_handed_sessions(text);
    ASSERT_TRUE(handed.ok()) << handed.error().text();
    ASSERT_TRUE(engine_->expect(*std::move(handed)).ok());
    EXPECT_THAT(loop_.block_on(engine_->take_over()), ElementsAre());
  }
};

TEST_F(HandOverTest, ATaskStopsAtItsTurnsEdgeAndGoesOnInTheNextProcess) {
  const std::string session = begin();
  const std::string text = hand_over();
  const Event parked = until("task_parked").back();
  EXPECT_TRUE(std::get<protocol::TaskParked>(parked.msg).handed_over);
  take_over(text);
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = parked.seq.value_or(0)}).ok());
  EXPECT_THAT(types(until("task_complete")), ElementsAre("task_resumed", "task_complete"));
  const SharedContext& context = engine_->find_live(session)->context();
  ASSERT_TRUE(context);
  EXPECT_EQ(*context,
            (ClientContext{.environment = std::vector<std::string>{"A=1"}, .process = {.file_mode_mask = 027}}));
}

TEST_F(HandOverTest, NewWorkIsRefusedMeanwhile) {
  begin();
  (void)hand_over();
  for (const protocol::Op& op : {protocol::Op(input("more")), protocol::Op(protocol::Compact{})}) {
    const auto refused = submit(op);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, protocol::error_codes::kHandingOver);
    EXPECT_TRUE(refused.error().retryable);
  }
  loop_.block_on(engine_->shut_down());
  EXPECT_TRUE(std::get<protocol::ShutdownComplete>(until("shutdown_complete").back().msg).handed_over);
}

TEST_F(HandOverTest, WhoWatchesIsToldToo) {
  const auto watcher = engine_->connect("watcher");
  ASSERT_TRUE(loop_.block_on(watcher->call(protocol::Watch{})).ok());
  (void)hand_over();
  loop_.block_on(engine_->shut_down());
  const auto told = loop_.block_on(watcher->events(CancelToken(), Deadline::never()));
  ASSERT_TRUE(told.ok()) << told.error().text();
  ASSERT_EQ(told->size(), 1U) << "there is no session";
  EXPECT_TRUE(std::get<protocol::ShutdownComplete>(told->front().event->msg).handed_over);
}

TEST_F(HandOverTest, OneThatTakesTooLongEndsAsWithAnyShutdown) {
  behaviour_ = wait_forever;
  const std::string session = configure();
  ASSERT_TRUE(submit(input("go")).ok());
  until("agent_message_delta");
  const HandedSessions handed = loop_.block_on(engine_->hand_over(base::Millis(1)));
  EXPECT_FALSE(handed.contains(session));
  loop_.block_on(engine_->shut_down());
  EXPECT_THAT(types(until("shutdown_complete")), ElementsAre("turn_aborted", "error", "shutdown_complete"));
}

TEST_F(HandOverTest, ATaskThatWaitsForAPersonWaitsOn) {
  behaviour_ = ask_to_run;
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kClient});
  ASSERT_TRUE(submit(input("go")).ok());
  until("exec_approval_request");
  const auto handed = loop_.block_on(engine_->hand_over(std::chrono::seconds(20)));
  const auto parked = std::get<protocol::TaskParked>(until("task_parked").back().msg);
  EXPECT_EQ(parked.questions.size(), 1U);
  EXPECT_FALSE(parked.handed_over);
  EXPECT_FALSE(handed.contains(session)) << "nothing of it can go on";
}

TEST_F(HandOverTest, WhatCannotGoOnSaysWhy) {
  const std::string session = begin();
  const std::string text = hand_over();
  const std::int64_t last_seq = until("task_parked").back().seq.value_or(0);
  directory_.has_key = false;
  take_over(text);
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = last_seq}).ok());
  const std::vector<Event> told = until("task_parked");
  ASSERT_THAT(types(told), ElementsAre("warning", "task_parked"));
  EXPECT_THAT(std::get<protocol::Warning>(told[0].msg).message, testing::HasSubstr("has no key"));
  EXPECT_FALSE(std::get<protocol::TaskParked>(told[1].msg).handed_over);
  EXPECT_TRUE(engine_->find_live(session)->state().task->parked) << "it can still be gone on with";
}

TEST(HandedSessions, WhatIsBrokenIsRefused) {
  for (const char* text :
       {"", "[]", R"({"s":{"environment":1}})", R"({"s":{"environment":[1]}})", R"({"s":{"process":["umask=9"]}})"}) {
    EXPECT_FALSE(read_handed_sessions(text).ok()) << text;
  }
}

}  // namespace
}  // namespace lathe::engine
