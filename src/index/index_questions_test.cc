#include "lathe/index/index_rig.h"

// What lists tell of questions: of those that are settled, and of the sessions that wait for an answer.

namespace lathe::index {
namespace {

using namespace lathe::protocol;  // NOLINT: half of the protocol is named here

using IndexQuestionsTest = IndexRig;

/// What a session is told to be once its process is gone is what it is when it is opened again.
TEST_F(IndexQuestionsTest, ATaskThatWaitedForAPersonAloneWhenItsProcessDiedIsParked) {
  const ExecApprovalRequest question{.id = "ask_1", .call_id = "c1", .command = {"touch", "x"}, .cwd = "/repo"};
  const auto after_death = [&](const std::vector<EventMsg>& records) {
    std::string id;
    {
      const Stream stream = configured();
      id = stream->state().session_id;
      add(*stream, TaskStarted{.task = "t"});
      add(*stream, ToolCalls{.calls = {{"c1", "shell", "{}"}, {"c2", "shell", "{}"}}});
      for (const EventMsg& record : records) {
        add(*stream, record);
        EXPECT_EQ(get(id).state, protocol::SessionState::kRunning);
      }
    }
    const protocol::SessionState state = get(id).state;
    const SessionCounts counts = *loop_.block_on(index_->counts());
    EXPECT_EQ(state == protocol::SessionState::kParked ? counts.parked : counts.interrupted, 1);
    EXPECT_TRUE(loop_.block_on(store_->remove(id)).ok());
    EXPECT_TRUE(list().empty());
    return state;
  };
  using enum protocol::SessionState;
  EXPECT_EQ(after_death({question}), kParked);
  EXPECT_EQ(after_death({ExecCommandBegin{.call_id = "c2"}, ExecCommandEnd{.call_id = "c2"}, question}), kParked);
  EXPECT_EQ(after_death({question, ExecCommandBegin{.call_id = "c2"}}), kInterrupted);
  EXPECT_EQ(after_death({question, ApprovalResolved{.id = "ask_1", .call_id = "c1"}}), kInterrupted);
  const ToolCallBegin begun{.call_id = "c2", .tool = "ask_user"};
  EXPECT_EQ(after_death({begun, UserQuestion{.id = "ask_2", .call_id = "c2"}}), kParked);
  EXPECT_EQ(after_death({begun, AgentStarted{.session = "s2", .call_id = "c2"}, question}), kParked);
  EXPECT_EQ(after_death({begun, AgentStarted{.session = "s2", .call_id = "c2"}, question,
                         AgentEnded{.session = "s2", .call_id = "c2"}}),
            kInterrupted);
}

TEST_F(IndexQuestionsTest, WhoSettledAQuestionIsKnownAsLongAsItsSessionIsThere) {
  const Stream stream = configured();
  const std::string id = stream->state().session_id;
  add(*stream, TaskStarted{.task = "t"});
  add(*stream, ExecApprovalRequest{.id = "ask_1", .call_id = "c1", .command = {"ls"}, .cwd = "/repo"});
  EXPECT_FALSE(*loop_.block_on(index_->settled_question("ask_1")));
  add(*stream, ApprovalResolved{.id = "ask_1", .call_id = "c1", .decision = Decision::kDenied, .by = "editor (c1)"});
  add(*stream, TaskComplete{.task = "t"});
  const auto settled = *loop_.block_on(index_->settled_question("ask_1"));
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->session_id, id);
  EXPECT_EQ(settled->answer, "denied");
  EXPECT_EQ(settled->by, "editor (c1)");
  ASSERT_TRUE(loop_.block_on(index_->forget(id)).ok());
  ASSERT_TRUE(loop_.block_on(index_->rebuild()).ok());
  EXPECT_TRUE(*loop_.block_on(index_->settled_question("ask_1")));
}

}  // namespace
}  // namespace lathe::index
