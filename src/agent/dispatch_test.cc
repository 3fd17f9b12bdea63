#include "lathe/agent/dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/agent/test_rig.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

using ports::GateAnswer;
using protocol::CallStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

std::vector<std::string> types(const std::vector<protocol::EventMsg>& events) {
  std::vector<std::string> names;
  for (const auto& event : events) names.emplace_back(protocol::type_of(event));
  return names;
}

std::vector<std::string> outcome_ids(const Rig& rig) {
  std::vector<std::string> ids;
  for (const auto& [id, outcome] : rig.host.outcomes()) ids.push_back(id);
  return ids;
}

TEST(Dispatch, ReadersOverlapWritersAreAloneAndResultsStayInOrder) {
  Rig rig;
  rig.reader.takes = 50ms;
  rig.writer.takes = 10ms;
  rig.model->call(
      {{"read_file", "1"}, {"read_file", "2"}, {"write_file", "3"}, {"write_file", "4"}, {"read_file", "5"}});
  const auto begun = rig.loop.mono_now();
  ASSERT_EQ(rig.run_task("go").kind, ports::TaskEnd::Kind::kComplete);
  EXPECT_EQ(rig.reader.most_at_once, 2);
  EXPECT_EQ(rig.writer.most_at_once, 1);
  EXPECT_EQ(rig.loop.mono_now() - begun, 120ms) << "50 for two readers at once, 10 and 10, 50";
  EXPECT_THAT(outcome_ids(rig), ElementsAre("c1", "c2", "c3", "c4", "c5"));
}

TEST(Dispatch, CallsAreRecordedBeforeAnyRunsAndBeginAndEndAroundEach) {
  Rig rig;
  rig.writer.kind = ports::Action::Kind::kCommand;
  rig.writer.result.exit_code = 3;
  rig.reader.kind = ports::Action::Kind::kRead;
  rig.model->call({{"write_file", "make"}, {"read_file", "a"}});
  (void)rig.run_task("go");
  EXPECT_THAT(types(rig.host.recorded),
              ElementsAre("context_added", "tool_calls", "exec_command_begin", "exec_command_end", "tool_call_begin",
                          "tool_call_end", "turn_complete", "agent_message", "turn_complete"));
  EXPECT_EQ(rig.host.recorded_of<protocol::ExecCommandEnd>().at(0).exit_code, 3);
  EXPECT_EQ(rig.host.recorded_of<protocol::ExecCommandBegin>().at(0).command,
            (std::vector<std::string>{"sh", "-c", "make"}));
  EXPECT_THAT(rig.host.shown_of<protocol::ExecCommandOutputDelta>(),
              ElementsAre(protocol::ExecCommandOutputDelta{.call_id = "c1", .text = "ok"}));
  EXPECT_EQ(rig.host.recorded_of<protocol::ToolCallBegin>().at(0).title, "read_file a");
}

TEST(Dispatch, FileChangesHaveTheirOwnEventsAndTheDiffIsGathered) {
  Rig rig;
  rig.writer.kind = ports::Action::Kind::kFileChange;
  rig.writer.result.diff = "--- a\n+++ b\n";
  rig.model->call({{"write_file", "x"}, {"write_file", "y"}});
  const ports::TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.diff, "--- a\n+++ b\n--- a\n+++ b\n");
  EXPECT_EQ(rig.host.recorded_of<protocol::PatchApplyBegin>().size(), 2U);
  EXPECT_EQ(rig.host.recorded_of<protocol::PatchApplyEnd>().size(), 2U);
}

TEST(Dispatch, WhateverGoesWrongInACallTheTaskGoesOn) {
  Rig rig;
  rig.model->call({{"raed_file", "{}"}});
  (void)rig.run_task("unknown");
  rig.writer.prepare_error = base::Error{.code = "invalid", .message = "path: must be a string", .hint = {}};
  rig.model->call({{"write_file", "{"}});
  (void)rig.run_task("malformed");
  rig.writer.prepare_error.reset();
  rig.writer.run_error = base::Error{.code = "io_error", .message = "disk on fire", .hint = {}};
  rig.model->call({{"write_file", "{}"}});
  (void)rig.run_task("fails");
  rig.writer.run_error.reset();
  rig.writer.throws = true;
  rig.model->call({{"write_file", "{}"}});
  EXPECT_EQ(rig.run_task("throws").kind, ports::TaskEnd::Kind::kComplete);
  const auto outcomes = rig.host.outcomes();
  ASSERT_EQ(outcomes.size(), 4U);
  for (const auto& [id, outcome] : outcomes) EXPECT_EQ(outcome.status, CallStatus::kFailed) << id;
  EXPECT_EQ(outcomes[0].second.output, "there is no tool \"raed_file\"; did you mean \"read_file\"?");
  EXPECT_EQ(outcomes[1].second.output, "path: must be a string");
  EXPECT_THAT(outcomes[2].second.output, HasSubstr("disk on fire"));
  EXPECT_THAT(outcomes[3].second.output, HasSubstr("the tool broke"));
}

TEST(Dispatch, WhatIsSaidAboutACallStaysWithinTheBudgetToo) {
  Rig rig;
  rig.options.tool_output_tokens = 1'000;
  const std::string megabyte(1'000'000, 'x');
  rig.model->call({{megabyte, "{}"}});
  (void)rig.run_task("unknown");
  rig.writer.prepare_error = base::Error{.code = "invalid", .message = "not JSON: " + megabyte, .hint = {}};
  rig.model->call({{"write_file", "{"}});
  (void)rig.run_task("malformed");
  rig.writer.prepare_error.reset();
  rig.writer.run_error = base::Error{.code = "io_error", .message = "disk on fire: " + megabyte, .hint = {}};
  rig.model->call({{"write_file", "{}"}});
  (void)rig.run_task("fails");
  const auto outcomes = rig.host.outcomes();
  ASSERT_EQ(outcomes.size(), 3U);
  for (const auto& [id, outcome] : outcomes) {
    EXPECT_LT(outcome.output.size(), 4'200U) << id;
  }
}

TEST(Dispatch, TheNoteOfAYesReachesTheModelWithTheResult) {
  Rig rig;
  rig.host.on_gate = [](const ports::Action&) {
    return GateAnswer{.verdict = GateAnswer::Verdict::kRun, .note = "but only this once"};
  };
  rig.model->call({{"write_file", "x"}});
  (void)rig.run_task("go");
  EXPECT_EQ(rig.host.outcomes().at(0).second.output, "The person who allowed it says: but only this once\nok");
}

/// A command that the sandbox stops.
struct StoppedRig : Rig {
  StoppedRig() {
    writer.kind = ports::Action::Kind::kCommand;
    writer.result = {.status = CallStatus::kFailed, .exit_code = 1, .refused = "Permission denied"};
    writer.result_outside = {.exit_code = 0};
    model->call({{"write_file", "x"}, {"write_file", "y"}});
  }
  GateAnswer outside{.verdict = GateAnswer::Verdict::kRun};
  void answer() {
    host.on_gate = [this](const ports::Action& action) {
      return action.outside_sandbox ? outside : GateAnswer{.verdict = GateAnswer::Verdict::kRun};
    };
    (void)run_task("go");
  }
};

TEST(Dispatch, WhatTheSandboxStoppedIsOfferedAndRunsOutsideOnce) {
  StoppedRig rig;
  rig.answer();
  ASSERT_EQ(rig.host.gated.size(), 4U);
  EXPECT_EQ(rig.host.gated[1].refused, "Permission denied");
  EXPECT_TRUE(rig.host.gated[1].outside_sandbox);
  EXPECT_THAT(rig.writer.ran, ElementsAre("x", "x", "y", "y"));
  EXPECT_EQ(rig.host.recorded_of<protocol::ExecCommandBegin>().size(), 4U);
  const auto ends = rig.host.recorded_of<protocol::ExecCommandEnd>();
  ASSERT_EQ(ends.size(), 2U) << "one result for each call";
  EXPECT_EQ(ends[0].exit_code, 0);
  EXPECT_THAT(ends[0].outcome.output, HasSubstr("The sandbox stopped this command (Permission denied)"));
}

TEST(Dispatch, ANoToRunningOutsideLeavesTheResultAsItWas) {
  StoppedRig rig;
  rig.outside.verdict = GateAnswer::Verdict::kDeclined;
  rig.answer();
  EXPECT_THAT(rig.writer.ran, ElementsAre("x", "y"));
  const auto ends = rig.host.recorded_of<protocol::ExecCommandEnd>();
  EXPECT_EQ(ends.at(0).exit_code, 1);
  EXPECT_EQ(ends.at(0).outcome.status, CallStatus::kFailed);
  EXPECT_THAT(ends.at(0).outcome.output, Not(HasSubstr("said no"))) << "nobody was asked";
}

TEST(Dispatch, TheModelIsToldThatAPersonSaidNoToRunningOutside) {
  StoppedRig rig;
  rig.outside = {.verdict = GateAnswer::Verdict::kDeclined, .note = "stay in", .asked = true};
  rig.answer();
  EXPECT_THAT(rig.host.recorded_of<protocol::ExecCommandEnd>().at(0).outcome.output,
              HasSubstr("outside the sandbox, and said no.\nstay in"));
}

TEST(Dispatch, WhoEndsTheTaskInsteadEndsTheRestOfItsCalls) {
  StoppedRig rig;
  rig.outside.verdict = GateAnswer::Verdict::kAbort;
  rig.answer();
  EXPECT_THAT(rig.writer.ran, ElementsAre("x"));
  const auto outcomes = rig.host.outcomes();
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].second.status, CallStatus::kFailed) << "it ran, inside";
  EXPECT_EQ(outcomes[1].second.status, CallStatus::kCancelled);
}

TEST(Dispatch, ADeclinedCallNeverRunsAndItsNoteReachesTheModel) {
  Rig rig;
  rig.host.on_gate = [](const ports::Action&) {
    return GateAnswer{.verdict = GateAnswer::Verdict::kDeclined, .note = "use the test folder"};
  };
  rig.model->call({{"write_file", "x"}});
  EXPECT_EQ(rig.run_task("go").kind, ports::TaskEnd::Kind::kComplete);
  EXPECT_TRUE(rig.writer.ran.empty());
  EXPECT_EQ(rig.host.outcomes().at(0).second.status, CallStatus::kDeclined);
  EXPECT_THAT(outline(rig.requests().at(1).items).back(), HasSubstr("use the test folder"));
  EXPECT_TRUE(rig.host.recorded_of<protocol::ToolCallBegin>().empty());
}

TEST(Dispatch, AmendedArgumentsAreDecidedAnewAndTheModelIsTold) {
  Rig rig;
  rig.host.on_gate = [](const ports::Action& action) {
    GateAnswer answer{.verdict = GateAnswer::Verdict::kRun};
    if (action.arguments == "bad") answer.amended_arguments = "good";
    return answer;
  };
  rig.model->call({{"write_file", "bad"}});
  (void)rig.run_task("go");
  EXPECT_THAT(rig.writer.ran, ElementsAre("good"));
  ASSERT_EQ(rig.host.gated.size(), 2U);
  EXPECT_EQ(rig.host.gated[1].arguments, "good");
  EXPECT_THAT(rig.host.outcomes().at(0).second.output, HasSubstr("changed the arguments of this call to: good"));
}

TEST(Dispatch, AbortEndsTheTaskWithAResultForEveryCall) {
  Rig rig;
  rig.host.on_gate = [](const ports::Action& action) {
    return GateAnswer{.verdict = action.arguments == "2" ? GateAnswer::Verdict::kAbort : GateAnswer::Verdict::kRun};
  };
  rig.model->call({{"read_file", "1"}, {"read_file", "2"}, {"write_file", "3"}});
  const ports::TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, ports::TaskEnd::Kind::kAborted);
  EXPECT_EQ(end.abort_reason, protocol::AbortReason::kApproval);
  EXPECT_THAT(outcome_ids(rig), ElementsAre("c1", "c2", "c3"));
  EXPECT_TRUE(rig.writer.ran.empty());
}

TEST(Dispatch, ACallThatWaitsForAPersonParksTheTaskAndGoesOnWithTheAnswer) {
  Rig rig;
  bool answered = false;
  rig.host.on_gate = [&answered](const ports::Action& action) {
    const bool waits = action.arguments == "2" && !answered;
    return GateAnswer{.verdict = waits ? GateAnswer::Verdict::kParked : GateAnswer::Verdict::kRun};
  };
  rig.model->call({{"write_file", "1"}, {"write_file", "2"}, {"write_file", "3"}});
  EXPECT_EQ(rig.run_task("go").kind, ports::TaskEnd::Kind::kParked);
  EXPECT_THAT(outcome_ids(rig), ElementsAre("c1"));
  EXPECT_THAT(rig.writer.ran, ElementsAre("1"));
  EXPECT_TRUE(rig.host.recorded_of<protocol::TurnComplete>().empty());

  answered = true;
  rig.host.resume_task();
  rig.model->say("all written");
  const ports::TaskEnd end = rig.run();
  EXPECT_EQ(end.last_agent_message, "all written");
  EXPECT_THAT(rig.writer.ran, ElementsAre("1", "2", "3"));
  EXPECT_EQ(rig.requests().size(), 2U) << "the answer with the calls is not asked for again";
  EXPECT_EQ(rig.host.recorded_of<protocol::TurnComplete>().at(0).usage.input_tokens, 100)
      << "what the parked answer cost is counted";
  EXPECT_EQ(rig.host.recorded_of<protocol::ContextAdded>().size(), 1U) << "the environment is told once";
}

TEST(Dispatch, AQuestionOfAToolParksAndIsAskedAgainWithoutANewBegin) {
  Rig rig;
  rig.writer.asks = true;
  rig.model->call({{"write_file", "which?"}});
  EXPECT_EQ(rig.run_task("go").kind, ports::TaskEnd::Kind::kParked);
  rig.host.on_ask = std::vector<std::string>{"the blue one"};
  rig.host.resume_task();
  EXPECT_EQ(rig.run().kind, ports::TaskEnd::Kind::kComplete);
  EXPECT_EQ(rig.host.recorded_of<protocol::ToolCallBegin>().size(), 1U);
  EXPECT_EQ(rig.host.recorded_of<protocol::UserQuestion>().size(), 1U);
  EXPECT_EQ(rig.host.outcomes().at(0).second.output, "the blue one");
}

TEST(Dispatch, AllCallsOfAnAnswerAreAskedAboutBeforeTheFirstRuns) {
  Rig rig;
  rig.host.is_asking_ahead = true;
  std::vector<std::size_t> asked_by_then;
  rig.host.on_gate = [&](const ports::Action&) {
    asked_by_then.push_back(rig.host.asked_ahead.size());
    return GateAnswer{.verdict = GateAnswer::Verdict::kParked};
  };
  rig.model->call({{"write_file", "1"}, {"read_file", "2"}, {"write_file", "3"}});
  EXPECT_EQ(rig.run_task("go").kind, ports::TaskEnd::Kind::kParked);
  EXPECT_THAT(asked_by_then, ElementsAre(3U));
  EXPECT_TRUE(rig.writer.ran.empty());
}

TEST(Dispatch, ACallThatHadBegunNeverRunsAgain) {
  Rig rig;
  rig.host.start_task("go");
  rig.host.append(protocol::ToolCalls{.calls = {{.call_id = "a", .tool = "write_file", .arguments = "1"},
                                                {.call_id = "b", .tool = "write_file", .arguments = "2"}}});
  rig.host.append(protocol::ToolCallBegin{.call_id = "a", .tool = "write_file"});
  EXPECT_EQ(rig.run().kind, ports::TaskEnd::Kind::kComplete);
  EXPECT_THAT(rig.writer.ran, ElementsAre("2"));
  EXPECT_EQ(rig.host.outcomes().at(0).second.status, CallStatus::kInterrupted);
}

TEST(Dispatch, CallsOfAnEarlierTaskAreClosedNotRun) {
  Rig rig;
  rig.host.start_task("go");
  rig.host.append(protocol::ToolCalls{.calls = {{.call_id = "a", .tool = "write_file", .arguments = "1"}}});
  rig.host.end_task({.kind = ports::TaskEnd::Kind::kAborted});
  EXPECT_EQ(rig.run_task("something else").kind, ports::TaskEnd::Kind::kComplete);
  EXPECT_TRUE(rig.writer.ran.empty());
  EXPECT_EQ(rig.host.outcomes().at(0).second.status, CallStatus::kCancelled);
}

TEST(Dispatch, CancellationGivesEveryCallAResultAtOnce) {
  Rig rig;
  rig.reader.takes = 10s;
  rig.model->call({{"read_file", "1"}, {"read_file", "2"}, {"write_file", "3"}});
  const auto stop = rig.loop.call_after(
      2'300ms, [&rig] { rig.cancel.cancel({.code = protocol::error_codes::kInterrupted, .message = "interrupted"}); });
  const auto begun = rig.loop.mono_now();
  const ports::TaskEnd end = rig.run_task("go");
  EXPECT_EQ(rig.loop.mono_now() - begun, 2'300ms);
  EXPECT_EQ(end.kind, ports::TaskEnd::Kind::kAborted);
  EXPECT_EQ(end.error.code, "interrupted");
  const auto outcomes = rig.host.outcomes();
  ASSERT_EQ(outcomes.size(), 3U);
  for (const auto& [id, outcome] : outcomes) EXPECT_EQ(outcome.status, CallStatus::kCancelled);
  EXPECT_THAT(outcomes[0].second.output, HasSubstr("aborted by user after 2.3s"));
  EXPECT_THAT(outcomes[2].second.output, HasSubstr("not run"));
  EXPECT_TRUE(rig.writer.ran.empty());
  // The next task tells the model, and its request is sound.
  rig.cancel = runtime::CancelSource();
  EXPECT_EQ(rig.run_task("again").kind, ports::TaskEnd::Kind::kComplete);
  EXPECT_THAT(outline(rig.requests().back().items), testing::Contains(HasSubstr("ended early")));
}

TEST(Dispatch, ResultsStayWithinTheBudgetAndASmallWindowMakesThemSmaller) {
  Rig rig;
  rig.reader.output = [](const protocol::ToolCall&) { return std::string(200'000, 'x'); };
  rig.model->call({{"read_file", "1"}});
  (void)rig.run_task("go");
  EXPECT_LE(rig.host.outcomes().at(0).second.output.size(), 40'000U);
  rig.candidates[0].facts.context_window = 32'000;
  rig.model->call({{"read_file", "1"}});
  (void)rig.run_task("go");
  EXPECT_LE(rig.host.outcomes().at(1).second.output.size(), 32'000U / 5 * 4);
}

}  // namespace
}  // namespace lathe::agent
