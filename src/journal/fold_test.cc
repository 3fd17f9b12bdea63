#include "lathe/journal/fold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/ports/grant_keys.h"

namespace lathe::journal {
namespace {

using namespace lathe::protocol;  // NOLINT: half of the protocol is named here
using ports::CallEntry;
using State = ports::SessionState;

/// Folds events one after the other, a millisecond apart.
class FoldTest : public testing::Test {
 protected:
  void take(EventMsg msg, std::string by = "") {
    const std::int64_t seq = state.last_seq + 1;
    fold(state,
         Event{.session = "s", .seq = seq, .id = "1", .by = std::move(by), .ts = 1'000 + seq, .msg = std::move(msg)});
  }
  void say(const std::string& text) { take(UserMessage{.item = "u", .content = {TextPart{text}}}); }
  void turn(const std::string& id, std::optional<std::int64_t> cost = 5) {
    take(TurnComplete{
        .response_id = id, .model = "b/m", .usage = {.input_tokens = 10, .output_tokens = 2}, .cost_micro_usd = cost});
  }
  void call(const std::string& id) { take(ToolCalls{.calls = {{.call_id = id, .tool = "shell", .arguments = "{}"}}}); }
  const CallEntry& last_call() { return std::get<CallEntry>(state.conversation.entries.back().entry); }

  State state;
};

TEST_F(FoldTest, ATaskGoesFromItsStartToItsEnd) {
  take(SessionConfigured{.session_id = "s", .model = "m", .backend = "b"});
  take(TaskStarted{.task = "t"}, "cli/1");
  say("  \nfix the test\nplease");
  ASSERT_TRUE(state.task);
  EXPECT_EQ(state.task->submission, "1");
  EXPECT_EQ(state.task->start_seq, 2);
  take(AgentReasoning{.item = "r", .text = "hm", .provider = "anthropic", .opaque = base::Json{{"x", 1}}});
  call("c1");
  turn("r1");
  take(AgentMessage{.item = "a", .text = "done", .status = ItemStatus::kIncomplete});
  turn("r2");
  EXPECT_EQ(state.task->turns, 2);
  EXPECT_EQ(state.task->tool_calls, 1);
  EXPECT_EQ(state.task->usage.total(), 24);
  take(TaskComplete{.task = "t"});

  EXPECT_FALSE(state.task);
  EXPECT_EQ(state.title, "fix the test");
  EXPECT_EQ(state.tasks, 1);
  EXPECT_EQ(state.usage.input_tokens, 20);
  EXPECT_EQ(state.cost_micro_usd, 10);
  EXPECT_EQ(state.bookmarks, (ports::Bookmarks{{"r1", 6}, {"r2", 8}}));
  EXPECT_EQ(state.acknowledged, (std::map<std::string, std::int64_t>{{"cli/1", 2}}));
  EXPECT_EQ(state.conversation.entries.size(), 4U);
  EXPECT_EQ(state.conversation.entries[2].turn, 0);
  EXPECT_EQ(state.conversation.entries[3].turn, 1);
  EXPECT_TRUE(std::get<ports::AgentEntry>(state.conversation.entries[3].entry).incomplete);
  EXPECT_EQ(state.conversation.counted_tokens, 12);
  EXPECT_EQ(state.conversation.counted_entries, 4U);
  EXPECT_EQ(state.created_at, 1'001);
  EXPECT_EQ(state.updated_at, 1'009);
}

TEST_F(FoldTest, EveryEndOfATaskEndsItAndItsQuestions) {
  for (const EventMsg& end :
       {EventMsg(TaskComplete{}), EventMsg(TurnAborted{}), EventMsg(ErrorEvent{.ends_task = true})}) {
    take(TaskStarted{.task = "t"});
    call("c");
    take(ApprovalRequest{.id = "q", .call_id = "c", .tool = "x"});
    take(ErrorEvent{.ends_task = false});
    EXPECT_TRUE(state.task);
    take(end);
    EXPECT_FALSE(state.task);
    EXPECT_TRUE(state.questions.empty());
  }
}

TEST_F(FoldTest, ATaskThatParksKeepsItsTime) {
  take(TaskStarted{.task = "t"});
  take(TaskParked{});
  EXPECT_TRUE(state.task->parked);
  EXPECT_EQ(state.task->active_ms, 1);
  EXPECT_EQ(ports::session_state_of(state, false), protocol::SessionState::kParked);
  take(TaskResumed{.task = "t"});
  EXPECT_FALSE(state.task->parked);
  EXPECT_EQ(state.task->active_since, 1'003);
  EXPECT_EQ(ports::session_state_of(state, false), protocol::SessionState::kInterrupted);
  EXPECT_EQ(ports::session_state_of(state, true), protocol::SessionState::kRunning);
  take(TaskParked{.questions = {}, .active_ms = 40});
  EXPECT_EQ(state.task->active_ms, 41) << "the record knows better than the wall clock";
}

TEST_F(FoldTest, ACallBeginsEndsAndTakesItsAnswersWithIt) {
  take(TaskStarted{.task = "t"});
  call("c");
  take(ExecApprovalRequest{.id = "q", .call_id = "c", .command = {"rm", "-r", "x"}});
  ASSERT_EQ(state.questions.size(), 1U);
  take(ApprovalResolved{.id = "q", .call_id = "c", .decision = Decision::kApprovedForSession});
  EXPECT_TRUE(state.questions.empty());
  EXPECT_EQ(state.decisions.at("c").decision, Decision::kApprovedForSession);
  EXPECT_EQ(state.decided_questions.at("c").id, "q");
  EXPECT_EQ(state.session_grants, std::vector<std::string>{R"(exec:{"command":["rm","-r","x"],"cwd":""})"});
  take(UserQuestionAnswered{.id = "z", .call_id = "c", .answers = {"yes"}});
  EXPECT_EQ(state.answers.at("c").answers, std::vector<std::string>{"yes"});
  EXPECT_FALSE(last_call().started);
  take(ExecCommandBegin{.call_id = "c"});
  EXPECT_TRUE(last_call().started);
  take(ExecCommandEnd{.call_id = "c", .exit_code = 0, .outcome = {.output = "out"}});
  EXPECT_EQ(last_call().outcome->output, "out");
  EXPECT_TRUE(state.decisions.empty());
  EXPECT_TRUE(state.decided_questions.empty());
  EXPECT_TRUE(state.answers.empty());
}

TEST_F(FoldTest, TheEndOfAJobIsNewsUntilTheModelIsTold) {
  const auto start = [&](const std::string& call_id, const std::string& job) {
    call(call_id);
    take(ExecCommandBegin{.call_id = call_id, .command = {"sh", "-c", "x"}, .cwd = "/", .sandbox = {}, .job = job});
  };
  start("c1", "job_1");
  start("c2", "job_2");
  start("c3", "job_3");
  EXPECT_EQ(state.jobs.size(), 3U);
  // Told by the call that saw it.
  take(JobEnd{.job = "job_1", .call_id = "c1", .exit_code = 0});
  EXPECT_EQ(state.job_news.size(), 1U);
  take(ExecCommandEnd{.call_id = "c1", .outcome = {.output = "Job job_1 ended: exit code 0\n"}});
  EXPECT_TRUE(state.job_news.empty());
  // A second job of the same call took its place, and a remark stands before both.
  start("c4", "job_4");
  take(JobEnd{.job = "job_4", .call_id = "c4", .exit_code = 1});
  take(ExecCommandEnd{.call_id = "c4", .outcome = {.output = "A remark.\nJob job_4 ended in the sandbox\n"}});
  EXPECT_TRUE(state.job_news.empty());
  // Ended behind the back of a call that says something else.
  take(JobEnd{.job = "job_2", .call_id = "c2", .exit_code = 1});
  take(ExecCommandEnd{.call_id = "c2", .outcome = {.output = "job_2 is running\n"}});
  ASSERT_EQ(state.job_news.size(), 1U);
  EXPECT_EQ(state.job_news[0].job, "job_2");
  take(ContextAdded{.item = "job_2", .kind = ContextKind::kNudge, .text = "Job job_2 ended"});
  EXPECT_TRUE(state.job_news.empty());
  ASSERT_EQ(state.jobs.size(), 1U);
  EXPECT_EQ(state.jobs[0], (ports::LiveJob{.job = "job_3", .call_id = "c3", .command = {"sh", "-c", "x"}}));
  take(JobEnd{.job = "job_3", .call_id = "c3"});
  take(JobEnd{.job = "job_3", .call_id = "c3"});
  EXPECT_EQ(state.job_news.size(), 1U) << "an end counts once";
}

TEST_F(FoldTest, GrantsNameWhatWasApprovedAndOnlyForTheSession) {
  const EventMsg patch =
      ApplyPatchApprovalRequest{.id = "q",
                                .call_id = "c",
                                .changes = {{.path = "a"}, {.path = "b", .kind = ChangeKind::kMove, .move_path = "d"}}};
  EXPECT_EQ(ports::grant_keys(patch), (std::vector<std::string>{"file:a", "file:b", "file:d"}))
      << "a record that does not tell where the paths lead";
  auto told = std::get<ApplyPatchApprovalRequest>(patch);
  told.paths = {"/w/a", "/w/x/b", "/w/d"};
  EXPECT_EQ(ports::grant_keys(told), (std::vector<std::string>{"file:/w/a", "file:/w/x/b", "file:/w/d"}));
  EXPECT_EQ(ports::grant_keys(ApprovalRequest{.tool = "web", .arguments = "{ \"a\" : 1}"}),
            std::vector<std::string>{"tool:web\x1f{\"a\":1}"});
  EXPECT_TRUE(ports::grant_keys(UserQuestion{}).empty());
  for (const Decision once : {Decision::kApproved, Decision::kDenied, Decision::kAbort}) {
    take(patch);
    take(ApprovalResolved{.id = "q", .call_id = "c", .decision = once});
    EXPECT_TRUE(state.session_grants.empty());
  }
}

TEST_F(FoldTest, AnUnknownPriceMakesTheSumUnknown) {
  turn("a");
  EXPECT_EQ(state.cost_micro_usd, 5);
  turn("b", std::nullopt);
  turn("c");
  EXPECT_EQ(state.cost_micro_usd, std::nullopt);
  EXPECT_EQ(state.usage.total(), 36);
}

TEST_F(FoldTest, AnAnswerWhoseTurnNeverEndedWasPaidForOnce) {
  take(TaskStarted{.task = "t"});
  take(ToolCalls{.calls = {}, .usage = {.input_tokens = 7}, .cost_micro_usd = 3});
  EXPECT_EQ(state.usage.total(), 0);
  take(TurnAborted{});
  EXPECT_EQ(state.usage.total(), 7);
  EXPECT_EQ(state.cost_micro_usd, 3);
  take(TaskStarted{.task = "t"});
  take(ToolCalls{.calls = {}, .usage = {.input_tokens = 10, .output_tokens = 2}, .cost_micro_usd = 5});
  turn("r");
  take(TaskComplete{});
  EXPECT_EQ(state.usage.total(), 19);
}

TEST_F(FoldTest, ACompactionPutsOneSummaryFirst) {
  say("one");
  say("two");
  turn("r1");
  say("three");
  take(Compacted{
      .item = "k", .summary = "so far", .keep_from_seq = 4, .usage = {.input_tokens = 3}, .cost_micro_usd = 1});
  ASSERT_EQ(state.conversation.entries.size(), 2U);
  EXPECT_EQ(std::get<ports::SummaryEntry>(state.conversation.entries[0].entry).text, "so far");
  EXPECT_EQ(state.conversation.entries[1].seq, 4);
  EXPECT_EQ(state.conversation.counted_tokens, 0);
  EXPECT_EQ(state.usage.input_tokens, 13);
  EXPECT_EQ(state.bookmarks.size(), 1U);
  take(Compacted{.item = "k", .summary = "again", .keep_from_seq = 4});
  ASSERT_EQ(state.conversation.entries.size(), 2U) << "the new summary stands for the old one, too";
  EXPECT_EQ(std::get<ports::SummaryEntry>(state.conversation.entries[0].entry).text, "again");
}

TEST_F(FoldTest, ACompactionIsNoTaskOfAPersonUntilOneSpeaksIntoIt) {
  take(TaskStarted{.task = "t1"});  // record 1
  say("one");
  take(TaskComplete{});
  take(TaskStarted{.task = "t2", .compact_only = true});
  EXPECT_EQ(state.task_starts, std::vector<std::int64_t>{1});
  EXPECT_EQ(state.tasks, 1);
  say("and now?");
  say("and then?");
  EXPECT_EQ(state.task_starts, (std::vector<std::int64_t>{1, 4}));
  EXPECT_EQ(state.tasks, 2);
}

TEST_F(FoldTest, ARollbackTakesBackTheConversationAndNotWhatWasSpent) {
  take(TaskStarted{.task = "t1"});
  say("one");
  turn("r1");
  take(TaskComplete{});
  const State before = state;
  take(TaskStarted{.task = "t2"});
  say("two");
  turn("r2");
  take(UserQuestion{.id = "q", .call_id = "c"});
  take(RolledBack{.to_seq = 4});
  EXPECT_EQ(state.conversation.entries, before.conversation.entries);
  EXPECT_EQ(state.bookmarks, before.bookmarks);
  EXPECT_EQ(state.task_starts, before.task_starts);
  EXPECT_FALSE(state.task);
  EXPECT_TRUE(state.questions.empty());
  EXPECT_EQ(state.usage.total(), 24);
  EXPECT_EQ(state.last_seq, 9);
  say("three");
  EXPECT_EQ(state.conversation.entries.back().turn, 1);
  take(RolledBack{.to_seq = 0});
  EXPECT_TRUE(state.conversation.entries.empty());
}

TEST_F(FoldTest, ARollbackOverACompactionNeedsThePast) {
  say("one");
  turn("r1");
  const State then = state;
  say("two");
  take(Compacted{.item = "k", .summary = "sum", .keep_from_seq = 3});
  const auto rolled = [&](std::int64_t to_seq) {
    return Event{.session = "s", .seq = state.last_seq + 1, .id = "", .ts = 9, .msg = RolledBack{.to_seq = to_seq}};
  };
  EXPECT_FALSE(needs_history(state, rolled(4)));
  EXPECT_FALSE(needs_history(state, rolled(0)));
  ASSERT_TRUE(needs_history(state, rolled(2)));
  fold_rollback(state, rolled(2), then);
  EXPECT_EQ(state.conversation, then.conversation);
  EXPECT_EQ(state.last_seq, 5);
}

TEST_F(FoldTest, AForkKeepsTheConversationAndStartsWithNothingSpent) {
  take(SessionConfigured{.session_id = "s", .model = "m"});
  take(TaskStarted{.task = "t"}, "cli/1");
  say("one");
  turn("r1");
  fold(state, Event{.session = "child", .seq = 5, .id = "", .ts = 77, .msg = ForkedFrom{.session_id = "s", .seq = 4}});
  EXPECT_EQ(state.session_id, "child");
  EXPECT_EQ(state.config->session_id, "child");
  EXPECT_EQ(state.created_at, 77);
  EXPECT_EQ(state.conversation.entries.size(), 1U);
  EXPECT_EQ(state.bookmarks.size(), 1U);
  EXPECT_EQ(state.title, "one");
  EXPECT_FALSE(state.task);
  EXPECT_TRUE(state.acknowledged.empty());
  EXPECT_EQ(state.usage, Usage{});
  EXPECT_EQ(state.tasks, 0);
}

TEST_F(FoldTest, PassingEventsChangeNothingAndOldAcknowledgementsGo) {
  for (int i = 0; i < 2'047; ++i) take(Warning{.message = "w"}, "c/" + std::to_string(i));
  EXPECT_EQ(state.acknowledged.size(), 2'047U);
  take(Warning{.message = "w"}, "c/2047");
  EXPECT_EQ(state.acknowledged.size(), 1'024U);
  EXPECT_FALSE(state.acknowledged.contains("c/1023"));
  EXPECT_TRUE(state.acknowledged.contains("c/1024"));
  const State before = state;
  fold(state, Event{.session = "s", .seq = std::nullopt, .id = "", .ts = 1, .msg = ItemReset{.item = "x"}});
  EXPECT_EQ(state, before);
}

TEST_F(FoldTest, WhatAnAgentUsedCountsInTheTaskAndNotInTheSession) {
  take(TaskStarted{.task = "t"});
  turn("r1");
  take(AgentStarted{.session = "child", .call_id = "c", .agent = "explore"});
  EXPECT_EQ(state.agents.size(), 1U);
  take(AgentEnded{.session = "child",
                  .call_id = "c",
                  .usage = {.input_tokens = 100, .output_tokens = 20},
                  .cost_micro_usd = 7,
                  .turns = 3,
                  .tool_calls = 2});
  EXPECT_TRUE(state.agents.empty());
  EXPECT_EQ(state.task->usage, (Usage{.input_tokens = 110, .output_tokens = 22}));
  EXPECT_EQ(state.task->cost_micro_usd, 12);
  EXPECT_EQ(state.task->turns, 4);
  EXPECT_EQ(state.task->tool_calls, 2);
  EXPECT_EQ(state.task->agents.turns, 3);
  EXPECT_EQ(state.task->agents.usage.total(), 120);
  EXPECT_EQ(state.usage.total(), 12) << "the agent's session has its own sums";
  EXPECT_EQ(state.cost_micro_usd, 5);
}

TEST_F(FoldTest, ContextPlanTitleAndModelAreKept) {
  take(SessionConfigured{.session_id = "s", .model = "m", .backend = "b"});
  take(ContextAdded{.item = "i", .kind = ContextKind::kProjectDocs, .text = "AGENTS"});
  EXPECT_EQ(std::get<ports::UserEntry>(state.conversation.entries[0].entry).context, ContextKind::kProjectDocs);
  EXPECT_EQ(state.title, "");
  take(SessionUpdated{.model = "m2", .title = "given"});
  say("first words");
  EXPECT_EQ(state.title, "given");
  EXPECT_EQ(state.config->model, "m2");
  EXPECT_EQ(state.config->backend, "b");
  take(PlanUpdate{.plan = {{.step = "do"}}});
  EXPECT_EQ(state.plan.size(), 1U);
}

/// The next event of a session that calls, ends, compacts and rolls back at random; ids come twice now and then.
EventMsg random_event(base::SeededRandom& random, const State& state) {
  const std::string id = "c" + std::to_string(random.next() % 6);
  switch (random.next() % 9) {
    case 0:
      return ToolCalls{.calls = {{.call_id = id, .tool = "shell"}, {.call_id = "c1", .tool = "shell"}}};
    case 1:
      return ToolCallBegin{.call_id = id, .tool = "shell"};
    case 2:
      return ExecCommandBegin{.call_id = id, .command = {"x"}, .cwd = "/"};
    case 3:
    case 4:
      return ToolCallEnd{.call_id = id, .tool = "shell", .outcome = {.output = std::to_string(state.last_seq)}};
    case 5:
      return UserMessage{.item = "u", .content = {TextPart{"go"}}};
    case 6:
      return TurnComplete{.response_id = "r", .model = "b/m"};
    case 7:
      return Compacted{.item = "k", .summary = "sum", .keep_from_seq = state.last_seq - 5};
    default:
      return RolledBack{.to_seq = std::max<std::int64_t>(state.last_seq - 4, 0)};
  }
}

TEST(OpenCallsTest, WhatIsFoldedWithThemIsWhatIsFoldedWithout) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::SeededRandom random(seed);
    State with;
    State without;
    OpenCalls calls;
    std::vector<State> past{with};
    for (std::int64_t seq = 1; seq <= 300; ++seq) {
      const Event event{.session = "s", .seq = seq, .id = "1", .by = "", .ts = seq, .msg = random_event(random, with)};
      if (needs_history(with, event)) {
        const State& then = past[static_cast<std::size_t>(std::get<RolledBack>(event.msg).to_seq)];
        fold_rollback(with, event, then, calls);
        fold_rollback(without, event, then);
      } else {
        fold(with, event, calls);
        fold(without, event);
      }
      ASSERT_EQ(with, without) << "record " << seq << ": " << type_of(event.msg);
      past.push_back(with);
    }
  }
}

TEST(OpenCallsTest, TheNewestWithoutAResultIsFound) {
  ports::Conversation conversation;
  const auto add = [&](const std::string& id) {
    conversation.entries.push_back({.entry = CallEntry{.call = {.call_id = id}}});
  };
  const auto at = [&](std::size_t place) { return &std::get<CallEntry>(conversation.entries[place].entry); };
  OpenCalls calls;
  EXPECT_EQ(calls.newest(conversation, "a"), nullptr);
  add("a");
  add("b");
  add("a");
  EXPECT_EQ(calls.newest(conversation, "a"), at(2));
  at(2)->outcome.emplace();
  EXPECT_EQ(calls.newest(conversation, "a"), at(0));
  add("a");
  EXPECT_EQ(calls.newest(conversation, "a"), at(3));
  at(0)->outcome.emplace();
  at(3)->outcome.emplace();
  EXPECT_EQ(calls.newest(conversation, "a"), nullptr);
  conversation.entries.erase(conversation.entries.begin());
  calls.forget();
  EXPECT_EQ(calls.newest(conversation, "b"), at(0));
}

}  // namespace
}  // namespace lathe::journal
