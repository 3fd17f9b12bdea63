#include "lathe/agent/turn_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/agent/task_context.h"

namespace lathe::agent {
namespace {

ports::PlacedEntry call(std::int64_t seq, std::string id, std::string arguments = "{}", std::string output = "same") {
  return {seq, seq,
          ports::CallEntry{.call = {.call_id = std::move(id), .tool = "t", .arguments = std::move(arguments)},
                           .outcome = protocol::CallOutcome{.output = std::move(output)}}};
}
ports::PlacedEntry user(std::int64_t seq, std::optional<protocol::ContextKind> context = std::nullopt) {
  return {seq, seq, ports::UserEntry{.content = {protocol::TextPart{"x"}}, .context = context}};
}
ports::PlacedEntry agent(std::int64_t seq, bool incomplete = false) {
  return {seq, seq, ports::AgentEntry{.text = "x", .incomplete = incomplete}};
}

TEST(CallIds, AreMadeUniqueTheSameWayEveryTime) {
  ports::Conversation conversation;
  conversation.entries = {call(1, "a"), call(1, "a_2")};
  std::vector<protocol::ToolCall> calls{{.call_id = "a"}, {.call_id = ""}, {.call_id = "b"}, {.call_id = "b"}};
  make_call_ids_unique(calls, conversation, [] { return std::string("minted"); });
  std::vector<std::string> ids;
  for (const auto& one : calls) ids.push_back(one.call_id);
  EXPECT_THAT(ids, ::testing::ElementsAre("a_3", "minted", "b", "b_2"));
}

TEST(RepeatedCall, CountsSameCallsWithSameResultsInARow) {
  ports::Conversation conversation;
  conversation.entries = {call(1, "a"), call(2, "b"), agent(3), call(4, "c")};
  EXPECT_FALSE(repeated_call(conversation, 0, 4));
  EXPECT_TRUE(repeated_call(conversation, 0, 3));
  EXPECT_FALSE(repeated_call(conversation, 1, 3)) << "calls of an earlier task do not count";
  EXPECT_FALSE(repeated_call(conversation, 0, 0)) << "0 means never";
  conversation.entries.insert(conversation.entries.begin() + 2, call(2, "x", "{}", "another result"));
  EXPECT_FALSE(repeated_call(conversation, 0, 3));
  conversation.entries = {call(1, "a"), user(2), call(3, "b"), call(4, "c")};
  EXPECT_FALSE(repeated_call(conversation, 0, 3)) << "a person spoke in between";
  conversation.entries = {call(1, "a"), user(2, protocol::ContextKind::kNudge), call(3, "b"), call(4, "c")};
  EXPECT_TRUE(repeated_call(conversation, 0, 3));
}

TEST(MessageBehindAnswer, IsOneThatCameAfterTheRequestAndStandsBeforeItsAnswer) {
  ports::Conversation conversation;
  conversation.entries = {user(1), user(5), agent(6)};
  EXPECT_TRUE(message_behind_answer(conversation, 3));
  EXPECT_FALSE(message_behind_answer(conversation, 5));
  conversation.entries = {user(1), agent(4), user(5)};
  EXPECT_FALSE(message_behind_answer(conversation, 3)) << "it comes after the answer: the next request ends with it";
}

TEST(EndOf, TheCodeSaysHowATaskEnds) {
  using Kind = ports::TaskEnd::Kind;
  EXPECT_EQ(end_of({.code = "parked"}).kind, Kind::kParked);
  EXPECT_EQ(end_of({.code = "budget_exceeded"}).abort_reason, protocol::AbortReason::kBudget);
  EXPECT_EQ(end_of({.code = "repeated_call"}).abort_reason, protocol::AbortReason::kLoop);
  EXPECT_EQ(end_of({.code = "approval_aborted"}).abort_reason, protocol::AbortReason::kApproval);
  EXPECT_EQ(end_of({.code = "rate_limit"}).kind, Kind::kFailed);
}

TEST(EarlierTask, WasCutUnlessItEndedWithAWholeAnswer) {
  ports::SessionState state;
  state.task = ports::OpenTask{.task = "t", .start_seq = 10};
  const auto cut = [&](std::vector<ports::PlacedEntry> entries) {
    state.conversation.entries = std::move(entries);
    return earlier_task_was_cut(state);
  };
  EXPECT_FALSE(cut({user(11)})) << "there was none";
  EXPECT_FALSE(cut({user(1), agent(2), user(11)}));
  EXPECT_FALSE(cut({user(1), agent(2), user(3, protocol::ContextKind::kUserContext), user(11)}));
  EXPECT_TRUE(cut({user(1), agent(2, true), user(11)}));
  EXPECT_TRUE(cut({user(1), call(2, "a"), user(11)}));
  EXPECT_TRUE(cut({user(1), user(11)})) << "it was never answered";
}

TEST(MissingContext, IsWhatTheNewestOfItsKindDoesNotSay) {
  using protocol::ContextKind;
  ports::Conversation conversation;
  EXPECT_EQ(missing_context(conversation, ContextKind::kProjectDocs, ""), std::nullopt);
  EXPECT_EQ(missing_context(conversation, ContextKind::kProjectDocs, "x"), "x");
  conversation.entries = {user(1, ContextKind::kProjectDocs)};
  EXPECT_EQ(missing_context(conversation, ContextKind::kProjectDocs, "x"), std::nullopt);
  EXPECT_EQ(missing_context(conversation, ContextKind::kProjectDocs, "y"), "y");
  EXPECT_EQ(missing_context(conversation, ContextKind::kEnvironment, "x"), "x");
  const auto gone = missing_context(conversation, ContextKind::kProjectDocs, "");
  ASSERT_TRUE(gone);
  conversation.entries.push_back(
      {2, 2, ports::UserEntry{.content = {protocol::TextPart{*gone}}, .context = ContextKind::kProjectDocs}});
  EXPECT_EQ(missing_context(conversation, ContextKind::kProjectDocs, ""), std::nullopt) << "said once";
}

TEST(ProjectDocsText, NamesEachFileAndMarksWhatIsCut) {
  EXPECT_EQ(project_docs_text({}), "");
  const std::string text = project_docs_text(
      {{.path = "/r/AGENTS.md", .text = "top"}, {.path = "/r/a/CLAUDE.md", .text = "below\n", .truncated = true}});
  EXPECT_THAT(text, ::testing::HasSubstr("<instructions file=\"/r/AGENTS.md\">\ntop\n</instructions>"));
  EXPECT_THAT(text,
              ::testing::HasSubstr("below\n[the rest of this file is left out: it is too long]\n</instructions>"));
}

}  // namespace
}  // namespace lathe::agent
