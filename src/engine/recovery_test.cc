#include "lathe/engine/recovery.h"

#include <gtest/gtest.h>

namespace lathe::engine {
namespace {

ports::PlacedEntry call(const std::string& id, bool started, std::optional<protocol::CallOutcome> outcome = {}) {
  return {.seq = 1,
          .turn = 0,
          .entry = ports::CallEntry{.call = {id, "shell", "{}"}, .started = started, .outcome = std::move(outcome)}};
}

ports::SessionState at_work() {
  ports::SessionState state;
  state.session_id = "s";
  state.task = ports::OpenTask{.task = "t", .submission = "1"};
  return state;
}

TEST(Recovery, NothingToDoWithoutATask) {
  EXPECT_EQ(plan_recovery(ports::SessionState{}, {}).leftover, Leftover::kNothing);
}

TEST(Recovery, ATextThatAnEndedTaskCouldNotRecordIsRecorded) {
  const Recovery recovery =
      plan_recovery(ports::SessionState{}, {{.kind = ports::DraftKind::kMessage, .item = "i", .text = "shown"}});
  EXPECT_EQ(recovery.leftover, Leftover::kNothing);
  EXPECT_EQ(recovery.records, std::vector<protocol::EventMsg>{protocol::AgentMessage(
                                  {.item = "i", .text = "shown", .status = protocol::ItemStatus::kIncomplete})});
}

TEST(Recovery, WhereTheModelWasAskedTextMayBeMissing) {
  const auto told = [](const ports::SessionState& state) {
    return std::get<protocol::ErrorEvent>(plan_recovery(state, {}).records.back()).message;
  };
  ports::SessionState state = at_work();
  EXPECT_NE(told(state).find("text that was shown may be missing"), std::string::npos) << told(state);
  state.task->answer = protocol::ToolCalls{};
  EXPECT_EQ(told(state).find("may be missing"), std::string::npos) << "all that it said is recorded before its calls";
}

TEST(Recovery, OfATextThatIsTooLongForARecordTheBeginningIsKept) {
  const std::string text(20U << 20, '\1');
  const auto item = unfinished_item({.kind = ports::DraftKind::kReasoning, .item = "i", .text = text});
  const std::size_t kept = std::get<protocol::AgentReasoning>(item).text.size();
  EXPECT_GT(kept, 1U << 20);
  EXPECT_LT(kept, (64U << 20) / std::string_view("\\u0001").size());
}

TEST(Recovery, AStartedCallHasUnknownOutcomeAndIsNeverASuccess) {
  ports::SessionState state = at_work();
  state.conversation.entries = {call("done", true, protocol::CallOutcome{}), call("cut", true), call("never", false)};
  const Recovery recovery = plan_recovery(state, {{.kind = ports::DraftKind::kMessage, .item = "i", .text = "half"}});
  EXPECT_EQ(recovery.leftover, Leftover::kCutShort);
  ASSERT_EQ(recovery.records.size(), 5U);
  EXPECT_EQ(std::get<protocol::AgentMessage>(recovery.records[0]).status, protocol::ItemStatus::kIncomplete);
  const auto& cut = std::get<protocol::ToolCallEnd>(recovery.records[1]);
  EXPECT_EQ(cut.call_id, "cut");
  EXPECT_EQ(cut.outcome.status, protocol::CallStatus::kInterrupted);
  EXPECT_NE(cut.outcome.output.find("unknown"), std::string::npos);
  EXPECT_EQ(std::get<protocol::ToolCallEnd>(recovery.records[2]).outcome.status, protocol::CallStatus::kCancelled);
  EXPECT_EQ(std::get<protocol::TurnAborted>(recovery.records[3]).reason, protocol::AbortReason::kCrashed);
  EXPECT_TRUE(std::get<protocol::ErrorEvent>(recovery.records[4]).ends_task);
}

TEST(Recovery, ATaskThatWaitsForAnAnswerWaitsOn) {
  ports::SessionState state = at_work();
  state.conversation.entries = {call("asked", false)};
  state.questions = {{.id = "q", .call_id = "asked", .request = protocol::ExecApprovalRequest{}, .asked_at = 0}};
  const Recovery recovery = plan_recovery(state, {});
  EXPECT_EQ(recovery.leftover, Leftover::kWaiting);
  ASSERT_EQ(recovery.records.size(), 1U);
  EXPECT_EQ(std::get<protocol::TaskParked>(recovery.records[0]).questions, std::vector<std::string>{"q"});

  state.task->parked = true;
  EXPECT_TRUE(plan_recovery(state, {}).records.empty());
}

TEST(Recovery, AParkedTaskThatWaitsForAnAgentWaitsOn) {
  ports::SessionState state = at_work();
  state.conversation.entries = {call("spawned", true)};
  state.agents = {{.session = "child", .call_id = "spawned"}};
  EXPECT_EQ(plan_recovery(state, {}).leftover, Leftover::kCutShort) << "it was at work";
  state.task->parked = true;
  EXPECT_EQ(plan_recovery(state, {}).leftover, Leftover::kWaiting);
  state.conversation.entries.push_back(call("cut", true));
  EXPECT_EQ(plan_recovery(state, {}).leftover, Leftover::kCutShort);
}

TEST(Recovery, AQuestionBesideAStartedCommandDoesNotHideIt) {
  ports::SessionState state = at_work();
  state.conversation.entries = {call("cut", true), call("asked", false)};
  state.questions = {{.id = "q", .call_id = "asked", .request = protocol::ExecApprovalRequest{}, .asked_at = 0}};
  EXPECT_EQ(plan_recovery(state, {}).leftover, Leftover::kCutShort);
}

}  // namespace
}  // namespace lathe::engine
