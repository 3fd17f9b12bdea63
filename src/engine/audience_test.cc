#include "lathe/engine/engine_rig.h"

// Whom a question waits for: those who look at the session and can answer. When the last of them is gone, whatever way,
// the Task parks.

namespace lathe::engine {
namespace {

class AudienceTest : public EngineRig {
 protected:
  void SetUp() override {
    EngineRig::SetUp();
    behaviour_ = ask_to_run;
  }
  /// A session whose questions wait for a client.
  std::string configure_asking() {
    return configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kClient});
  }
  /// Another client, which sees all of the session.
  std::unique_ptr<Connection> look(const std::string& session, bool only_looks) {
    auto other = engine_->connect("other");
    const auto reply = loop_.block_on(
        other->call(protocol::SessionSubscribe{.session = session, .since = 0, .only_looks = only_looks}));
    EXPECT_TRUE(reply.ok()) << reply.error().text();
    return other;
  }
  /// From now on the events are those of that client.
  void become(std::unique_ptr<Connection> other) {
    seen_.clear();
    client_ = std::move(other);
  }
};

TEST_F(AudienceTest, WhenTheLastWhoCanAnswerIsGoneTheTaskParks) {
  const std::string session = configure_asking();
  std::unique_ptr<Connection> watcher = look(session, /*only_looks=*/true);
  ASSERT_TRUE(submit(input("hi")).ok());
  until("exec_approval_request");
  become(std::move(watcher));
  until("task_parked");
}

TEST_F(AudienceTest, WhoUnsubscribesNoLongerAnswers) {
  const std::string session = configure_asking();
  std::unique_ptr<Connection> watcher = look(session, /*only_looks=*/true);
  ASSERT_TRUE(submit(input("hi")).ok());
  until("exec_approval_request");
  ASSERT_TRUE(call(protocol::SessionUnsubscribe{.session = session}).ok());
  const std::unique_ptr<Connection> idle = std::exchange(client_, std::move(watcher));
  seen_.clear();
  until("task_parked");
}

TEST_F(AudienceTest, AQuestionWaitsForAnotherWhoCanAnswer) {
  const std::string session = configure_asking();
  std::unique_ptr<Connection> other = look(session, /*only_looks=*/false);
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto asked = std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  become(std::move(other));
  until("exec_approval_request");
  ASSERT_TRUE(submit(protocol::Approval{.id = asked.id, .decision = protocol::Decision::kApproved}, session).ok());
  EXPECT_EQ(std::get<protocol::TaskComplete>(until("task_complete").back().msg).last_agent_message, "ran");
}

TEST_F(AudienceTest, AnAnswerByOpLetsAParkedTaskGoOn) {
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
  reopen();
  const auto questions = call(protocol::ApprovalList{})->questions;
  ASSERT_EQ(questions.size(), 1U);
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = -1}).ok());
  const protocol::ExecApproval answer{.id = questions[0].id, .decision = protocol::Decision::kApproved};
  ASSERT_TRUE(submit(answer, session).ok());
  const std::vector<Event> events = until("task_complete");
  EXPECT_EQ(types(events),
            (std::vector<std::string>{"approval_resolved", "task_resumed", "exec_command_end", "task_complete"}));
  EXPECT_EQ(std::get<protocol::TaskComplete>(events.back().msg).last_agent_message, "ran");
}

TEST_F(AudienceTest, AnAnswerThatNothingCanFollowIsTakenAndToldOf) {
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  behaviour_ = ask_to_run;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
  reopen();
  directory_.has_key = false;
  const auto questions = call(protocol::ApprovalList{})->questions;
  ASSERT_EQ(questions.size(), 1U);
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = -1}).ok());
  const protocol::ExecApproval answer{.id = questions[0].id, .decision = protocol::Decision::kApproved};
  ASSERT_TRUE(submit(answer, session).ok());
  const auto told = std::get<protocol::Warning>(until("warning").back().msg);
  EXPECT_EQ(told.code, "not_continued");
  EXPECT_NE(told.message.find("no key"), std::string::npos) << told.message;
}

Async<void> approve_beside(Connection* client, std::string question, Result<protocol::ReplyMsg>* out) {
  *out = co_await client->call(
      protocol::ApprovalAnswer{.id = std::move(question), .decision = protocol::Decision::kApproved, .resume = false});
}

TEST_F(AudienceTest, WhoAnswersAfterAnotherIsToldWhoWasFirst) {
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
  const std::string question = call(protocol::ApprovalList{})->questions.at(0).id;
  std::vector<std::unique_ptr<Connection>> clients;
  std::vector<Result<protocol::ReplyMsg>> replies(8, protocol::ReplyMsg(protocol::OkReply{}));
  runtime::Scope scope(loop_);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    clients.push_back(engine_->connect("c" + std::to_string(i)));
    ASSERT_TRUE(loop_.block_on(clients[i]->call(protocol::Hello{.client = "editor"})).ok());
  }
  for (std::size_t i = 0; i < replies.size(); ++i) scope.spawn(approve_beside(clients[i].get(), question, &replies[i]));
  loop_.block_on(scope.join());
  const auto resolved = std::get<protocol::ApprovalResolved>(until("approval_resolved").back().msg);
  EXPECT_TRUE(resolved.by.starts_with("editor (c")) << resolved.by;
  const std::string told = "the question \"" + question + "\" is settled: approved by " + resolved.by;
  std::size_t first = 0;
  for (const auto& reply : replies) {
    if (reply.ok()) {
      ++first;
      continue;
    }
    EXPECT_EQ(reply.error().code, protocol::error_codes::kSettled);
    EXPECT_EQ(reply.error().message, told);
  }
  EXPECT_EQ(first, 1U);

  // The same by op, also in another process.
  clients.clear();
  reopen();
  const auto late = submit(protocol::ExecApproval{.id = question, .decision = protocol::Decision::kDenied}, session);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, protocol::error_codes::kSettled);
  EXPECT_EQ(late.error().message, told);
  const protocol::ExecApproval never{.id = "ask_never", .decision = protocol::Decision::kDenied};
  EXPECT_EQ(submit(never, session).error().code, base::codes::kNotFound);
}

TEST_F(AudienceTest, WhoOnlyLooksIsNotWaitedFor) {
  const std::string session = configure_asking();
  // The same client, which looks again.
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0, .only_looks = true}).ok());
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
}

TEST_F(AudienceTest, WhoClaimsDrivesAloneUntilTheConnectionEnds) {
  const std::string session = configure();
  const std::unique_ptr<Connection> other = look(session, /*only_looks=*/false);
  ASSERT_TRUE(call(protocol::SessionClaim{.session = session}).ok());
  const auto refused = loop_.block_on(other->submit(session, protocol::Interrupt{}, "1"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, protocol::error_codes::kClaimed);
  EXPECT_NE(refused.error().message.find("claimed by client"), std::string::npos) << refused.error().message;
  const auto second = loop_.block_on(other->call(protocol::SessionClaim{.session = session}));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, protocol::error_codes::kClaimed);
  // The holder works, and keeps the claim when it looks again.
  ASSERT_TRUE(call(protocol::SessionSubscribe{.session = session, .since = 0}).ok());
  behaviour_ = say_hello;
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_complete");
  EXPECT_FALSE(loop_.block_on(other->submit(session, protocol::Interrupt{}, "2")).ok());
  client_.reset();
  EXPECT_TRUE(loop_.block_on(other->submit(session, protocol::Interrupt{}, "3")).ok());
}

TEST_F(AudienceTest, AClaimedSessionsQuestionIsForItsHolder) {
  const std::string session = configure_asking();
  const std::unique_ptr<Connection> other = look(session, /*only_looks=*/false);
  ASSERT_TRUE(call(protocol::SessionClaim{.session = session}).ok());
  ASSERT_TRUE(submit(input("hi")).ok());
  const auto asked = std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  const auto answered =
      loop_.block_on(other->call(protocol::ApprovalAnswer{.id = asked.id, .decision = protocol::Decision::kApproved}));
  ASSERT_FALSE(answered.ok());
  EXPECT_EQ(answered.error().code, protocol::error_codes::kClaimed);
  // The holder cannot answer any more, and nobody else may.
  client_->only_listens();
  until("task_parked");
}

}  // namespace
}  // namespace lathe::engine
