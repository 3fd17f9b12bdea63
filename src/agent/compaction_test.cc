#include "lathe/agent/compaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/agent/context.h"
#include "lathe/agent/test_rig.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

using ports::PlacedEntry;
using ports::TaskEnd;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

const std::string k1000Tokens(4'000, 'x');

ports::UserEntry user(std::string text) { return {.content = {protocol::TextPart{std::move(text)}}, .context = {}}; }
ports::CallEntry call(std::string id) {
  return {.call = {.call_id = std::move(id), .tool = "t"}, .outcome = protocol::CallOutcome{.output = k1000Tokens}};
}

TEST(CompactionCut, LiesBetweenAnswersAndKeepsWhatFits) {
  const std::vector<PlacedEntry> entries{{1, 0, user("hi")}, {2, 0, call("a")}, {2, 0, call("b")},
                                         {5, 1, call("c")},  {7, 2, call("d")}, {9, 3, user("next")}};
  EXPECT_EQ(compaction_cut(entries, 100'000), 3U) << "something is always summarised";
  EXPECT_EQ(compaction_cut(entries, 2'500), 3U);
  EXPECT_EQ(compaction_cut(entries, 1'500), 4U);
  EXPECT_EQ(compaction_cut(entries, 10), 5U) << "a message that has no answer yet is kept";
  EXPECT_EQ(compaction_cut({}, 10), 0U);
  const std::vector<PlacedEntry> unanswered{{1, 0, user("hi")}, {2, 0, user("there")}};
  EXPECT_EQ(compaction_cut(unanswered, 0), 0U);
}

TEST(QuotedMessages, AreTheNewestThatFit) {
  const std::vector<PlacedEntry> entries{
      {1, 0, user("first")},
      {2, 0,
       ports::UserEntry{.content = {protocol::TextPart{"facts"}}, .context = protocol::ContextKind::kEnvironment}},
      {3, 1, user("second")},
      {4, 2, user("third")}};
  EXPECT_EQ(quoted_messages(entries, 60), "<message>\nsecond\n</message>\n<message>\nthird\n</message>\n");
  EXPECT_EQ(quoted_messages({}, 60), "");
  const std::vector<PlacedEntry> again{
      {9, 3,
       ports::SummaryEntry{"S\n\nWhat the user said, word for word, oldest first:\n" + quoted_messages(entries, 60)}},
      {10, 4, user("fourth")}};
  EXPECT_EQ(quoted_messages(again, 1'000),
            "<message>\nsecond\n</message>\n<message>\nthird\n</message>\n<message>\nfourth\n</message>\n")
      << "a later summary carries on what an earlier one quoted";
}

/// A rig whose model has a window of 10,000 tokens and whose reader gives 1,000 each time.
struct SmallWindow : Rig {
  SmallWindow() {
    candidates[0].facts.context_window = 10'000;
    reader.output = [n = 0](const protocol::ToolCall&) mutable { return std::to_string(++n) + k1000Tokens; };
    facts.documents = {{.path = "/repo/AGENTS.md", .text = "Use tabs."}};
  }
  /// An answer with one call, after a request of that size.
  void call_at(std::int64_t tokens) {
    model->usage = {.input_tokens = tokens, .output_tokens = 10};
    model->call({{"read_file", std::to_string(tokens)}});
  }
  [[nodiscard]] std::vector<protocol::Compacted> compactions() const { return host.recorded_of<protocol::Compacted>(); }
};

TEST(Compaction, HappensAtNinetyPercentInsideATask) {
  SmallWindow rig;
  for (const std::int64_t tokens : {1'500, 2'500, 3'500, 4'500, 5'500, 6'500, 8'500}) rig.call_at(tokens);
  rig.model->say("SUMMARY");
  rig.model->usage = {.input_tokens = 3'000, .output_tokens = 10};
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("fix the bug in x.cc").last_agent_message, "finished");
  ASSERT_THAT(rig.compactions(), SizeIs(1));
  const protocol::Compacted compacted = rig.compactions()[0];
  EXPECT_LT(compacted.tokens_after, compacted.tokens_before);
  EXPECT_EQ(compacted.usage.total(), 8'510);
  const auto& asked = rig.requests().at(7);
  EXPECT_THAT(outline(asked.items).back(), HasSubstr("about to be replaced by a summary"));
  EXPECT_EQ(asked.tools, rig.requests()[0].tools) << "the prefix of the request for the summary stays warm";
  EXPECT_TRUE(rig.host.shown_of<protocol::AgentMessageDelta>().at(0).text == "finished") << "the summary is not shown";

  const std::vector<std::string> after = outline(rig.requests().at(8).items);
  const auto& first = std::get<ports::UserInputItem>(rig.requests().at(8).items.at(0)).parts.at(0);
  EXPECT_THAT(std::get<ports::ModelText>(first).text, HasSubstr("SUMMARY"));
  EXPECT_THAT(std::get<ports::ModelText>(first).text, HasSubstr("fix the bug in x.cc"));
  EXPECT_THAT(after, Contains("call: c7")) << "the last turn is whole";
  EXPECT_THAT(after, Contains("user: <environment>"));
  EXPECT_THAT(after, Contains(HasSubstr("Instructions of this project")));
  EXPECT_THAT(after, Not(Contains("call: c1")));
}

TEST(Compaction, ASecondOneReplacesTheFirstSummary) {
  SmallWindow rig;
  for (const char* name : {"ONE", "TWO"}) {
    for (const std::int64_t tokens : {2'000, 4'000, 9'500}) rig.call_at(tokens);
    rig.model->say(name);
  }
  rig.model->usage = {.input_tokens = 2'000, .output_tokens = 10};
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "finished");
  EXPECT_THAT(rig.compactions(), SizeIs(2));
  int summaries = 0;
  for (const PlacedEntry& placed : rig.host.state().conversation.entries) {
    summaries += std::holds_alternative<ports::SummaryEntry>(placed.entry) ? 1 : 0;
  }
  EXPECT_EQ(summaries, 1);
}

TEST(Compaction, WhenTheProviderSaysThatTheWindowIsFullItIsDoneAndAskedAgain) {
  SmallWindow rig;
  rig.candidates[0].facts.context_window = 0;
  for (const std::int64_t tokens : {1'000, 2'000, 3'000}) rig.call_at(tokens);
  rig.model->refuse(fakes::failure("context_window_exceeded", ports::RetryClass::kNever));
  rig.model->say("SUMMARY");
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "finished");
  EXPECT_THAT(rig.compactions(), SizeIs(1));
}

TEST(Compaction, ARequestForTheSummaryThatOverflowsLosesItsOldestTurnsWhole) {
  SmallWindow rig;
  rig.candidates[0].facts.context_window = 0;
  for (const std::int64_t tokens : {1'000, 2'000, 3'000, 4'000, 5'000}) rig.call_at(tokens);
  for (int i = 0; i < 3; ++i) rig.model->refuse(fakes::failure("context_window_exceeded", ports::RetryClass::kNever));
  rig.model->say("SUMMARY");
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "finished") << "the scripted model refuses calls without results";
  ASSERT_THAT(rig.requests(), SizeIs(10));
  EXPECT_LT(rig.requests()[7].items.size(), rig.requests()[6].items.size());
  EXPECT_LT(rig.requests()[8].items.size(), rig.requests()[7].items.size());
}

TEST(Compaction, AModelThatCallsInsteadOfSummarisingIsAskedOnceWithoutTools) {
  SmallWindow rig;
  rig.call_at(9'500);
  rig.model->call({{"read_file", "not now"}});
  rig.model->say("SUMMARY");
  rig.model->usage = {.input_tokens = 2'000, .output_tokens = 10};
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "finished");
  EXPECT_THAT(rig.compactions(), SizeIs(1));
  EXPECT_THAT(rig.requests().at(1).tools, Not(SizeIs(0)));
  EXPECT_THAT(rig.requests().at(2).tools, SizeIs(0));
  EXPECT_THAT(rig.reader.ran, Not(Contains("not now")));
}

TEST(Compaction, TheEarlierSummaryIsNotLeftOutToMakeTheRequestFit) {
  SmallWindow rig;
  rig.candidates[0].facts.context_window = 0;
  const auto too_long = [&] {
    rig.model->refuse(fakes::failure("context_window_exceeded", ports::RetryClass::kNever));
  };
  for (const std::int64_t tokens : {1'000, 2'000, 3'000}) rig.call_at(tokens);
  too_long();
  rig.model->say("FIRST-SUMMARY");
  for (const std::int64_t tokens : {4'000, 5'000, 6'000}) rig.call_at(tokens);
  too_long();
  too_long();
  rig.model->say("SECOND-SUMMARY");
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "finished");
  ASSERT_THAT(rig.compactions(), SizeIs(2));
  const auto& asked = rig.requests().at(rig.requests().size() - 2).items;
  EXPECT_LT(asked.size(), rig.requests().at(rig.requests().size() - 3).items.size());
  const auto& first = std::get<ports::UserInputItem>(asked.at(0)).parts.at(0);
  EXPECT_THAT(std::get<ports::ModelText>(first).text, HasSubstr("FIRST-SUMMARY"));
}

std::vector<std::string> codes_of(const std::vector<protocol::Warning>& warnings) {
  std::vector<std::string> codes;
  for (const protocol::Warning& warning : warnings) codes.push_back(warning.code);
  return codes;
}

TEST(Compaction, ThatFailsDoesNotEndATaskThatFitsAndIsTriedAgainWhenItHasGrown) {
  SmallWindow rig;
  rig.reader.output = [n = 0](const protocol::ToolCall&) mutable { return std::to_string(++n); };
  for (const std::int64_t tokens : {4'000, 9'050}) rig.call_at(tokens);
  rig.model->say(std::string(400'000, 's'));
  for (const std::int64_t tokens : {9'100, 9'500}) rig.call_at(tokens);
  rig.model->say("  ");
  rig.call_at(9'600);
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "finished");
  EXPECT_THAT(rig.compactions(), SizeIs(0));
  EXPECT_THAT(codes_of(rig.host.recorded_of<protocol::Warning>()),
              testing::ElementsAre("compaction_failed", "compaction_failed"))
      << "not at 9,100, which is hardly more than when it failed";
  const auto warnings = rig.host.recorded_of<protocol::Warning>();
  EXPECT_THAT(warnings[0].message, testing::AllOf(HasSubstr("not smaller"), HasSubstr("still fits")));
  EXPECT_THAT(warnings[1].message, HasSubstr("no summary"));
}

TEST(Compaction, ThatTheModelCannotAnswerLeavesATaskThatFitsAlone) {
  SmallWindow rig;
  rig.call_at(8'500);
  rig.model->refuse(fakes::failure("upstream_api_error", ports::RetryClass::kNever, "it is ill"));
  rig.model->say("finished");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "finished");
  EXPECT_THAT(rig.host.recorded_of<protocol::Warning>().at(0).message, HasSubstr("it is ill"));
}

TEST(Compaction, ThatFailsEndsATaskThatDoesNotFit) {
  for (const std::string& summary : {std::string(400'000, 's'), std::string("  ")}) {
    SmallWindow rig;
    for (const std::int64_t tokens : {1'000, 10'500}) rig.call_at(tokens);
    rig.model->say(summary);
    const TaskEnd end = rig.run_task("go");
    EXPECT_EQ(end.kind, TaskEnd::Kind::kFailed);
    EXPECT_EQ(end.error.code, "context_window_exceeded");
    EXPECT_THAT(end.error.message, HasSubstr("could not be compacted"));
    EXPECT_THAT(rig.compactions(), SizeIs(0));
    EXPECT_THAT(rig.requests(), SizeIs(3));
  }
}

TEST(Compaction, ThatFailsAfterTheProviderSaidThatTheWindowIsFullEndsTheTask) {
  SmallWindow rig;
  rig.candidates[0].facts.context_window = 0;
  for (const std::int64_t tokens : {1'000, 2'000}) rig.call_at(tokens);
  rig.model->refuse(fakes::failure("context_window_exceeded", ports::RetryClass::kNever, "too long"));
  rig.model->say("");
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.error.code, "context_window_exceeded");
  EXPECT_THAT(end.error.message, HasSubstr("no summary"));
}

TEST(Compaction, ABudgetThatIsSpentInItEndsTheTaskByThat) {
  SmallWindow rig;
  rig.request.budget.turns = 1;
  rig.call_at(9'500);
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.error.code, "budget_exceeded");
  EXPECT_THAT(rig.host.recorded_of<protocol::Warning>(), SizeIs(0));
}

TEST(Compaction, AWindowThatStaysTooSmallEndsTheTaskNotALoop) {
  SmallWindow rig;
  rig.candidates[0].facts.context_window = 0;
  for (const std::int64_t tokens : {1'000, 2'000}) rig.call_at(tokens);
  for (int i = 0; i < 9; ++i) {
    rig.model->refuse(fakes::failure("context_window_exceeded", ports::RetryClass::kNever, "too long"));
    rig.model->say("S");
  }
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kFailed);
  EXPECT_EQ(end.error.code, "context_window_exceeded");
  EXPECT_LE(rig.requests().size(), 10U);
}

TEST(Compaction, APromptThatNeverFitsIsTheProvidersError) {
  SmallWindow rig;
  rig.model->refuse(fakes::failure("context_window_exceeded", ports::RetryClass::kNever, "too long"));
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.error.code, "context_window_exceeded");
  EXPECT_THAT(rig.requests(), SizeIs(1));
}

TEST(Compaction, OnDemandCompactsAndEnds) {
  SmallWindow rig;
  for (const std::int64_t tokens : {1'000, 2'000, 3'000, 4'000}) rig.call_at(tokens);
  ASSERT_EQ(rig.run_task("go").kind, TaskEnd::Kind::kComplete);
  const std::size_t before = rig.requests().size();
  rig.request.compact_only = true;
  rig.model->say("SUMMARY");
  EXPECT_EQ(rig.run_task("").kind, TaskEnd::Kind::kComplete);
  EXPECT_THAT(rig.compactions(), SizeIs(1));
  EXPECT_EQ(rig.requests().size(), before + 1);

  Rig empty;
  empty.request.compact_only = true;
  EXPECT_EQ(empty.run_task("").error.code, "compaction_failed");
}

}  // namespace
}  // namespace lathe::agent
