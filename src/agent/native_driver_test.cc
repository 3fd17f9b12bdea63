#include "lathe/agent/native_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/agent/system_prompt.h"
#include "lathe/agent/test_rig.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

using ports::TaskEnd;
using protocol::AbortReason;
using protocol::ContextKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using namespace std::chrono_literals;

std::vector<protocol::ContextAdded> added_contexts(const Rig& rig, ContextKind kind) {
  auto all = rig.host.recorded_of<protocol::ContextAdded>();
  std::erase_if(all, [&](const auto& added) { return added.kind != kind; });
  return all;
}

void call_forever(Rig& rig, int turns) {
  for (int i = 0; i < turns; ++i) rig.model->call({{"read_file", std::to_string(i)}});
}

TEST(NativeDriver, ATaskRunsToolsUntilTheModelIsDone) {
  Rig rig;
  rig.model->call({{"read_file", "a"}});
  rig.model->say("it says ok");
  const TaskEnd end = rig.run_task("what is in a?");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kComplete);
  EXPECT_EQ(end.last_agent_message, "it says ok");
  ASSERT_THAT(rig.requests(), SizeIs(2));
  EXPECT_THAT(outline(rig.requests()[1].items),
              ElementsAre("user: what is in a?", "user: <environment>", "call: c1", "result: ok"));
  EXPECT_EQ(rig.requests()[0].model, "m");
  EXPECT_EQ(rig.requests()[0].system_prompt, "You are a test.");
  EXPECT_THAT(rig.requests()[0].tools, ElementsAre(rig.reader.spec(), rig.writer.spec()));
  const auto turns = rig.host.recorded_of<protocol::TurnComplete>();
  ASSERT_THAT(turns, SizeIs(2));
  EXPECT_EQ(turns[0].model, "b/m");
  EXPECT_EQ(turns[0].cost_micro_usd, 120);
  EXPECT_EQ(turns[0].finish_reason, "tool_calls");
  EXPECT_EQ(turns[0].provider_response_id, "theirs");
  EXPECT_NE(turns[0].response_id, turns[1].response_id);
  const auto counts = rig.host.shown_of<protocol::TokenCount>();
  ASSERT_THAT(counts, SizeIs(2));
  EXPECT_EQ(counts[1].total.total(), 220);
  EXPECT_EQ(counts[1].last.total(), 110);
}

TEST(NativeDriver, FactsAndProjectDocsAreToldOnceAndAgainWhenTheyChange) {
  Rig rig;
  rig.facts.documents = {{.path = "/repo/AGENTS.md", .text = "Use tabs."}};
  (void)rig.run_task("one");
  (void)rig.run_task("two");
  EXPECT_THAT(added_contexts(rig, ContextKind::kEnvironment), SizeIs(1));
  EXPECT_THAT(added_contexts(rig, ContextKind::kProjectDocs), SizeIs(1));
  rig.facts.documents[0].text = "Use spaces.";
  rig.facts.facts.git_branch = "main";
  (void)rig.run_task("three");
  EXPECT_THAT(added_contexts(rig, ContextKind::kEnvironment).at(1).text, HasSubstr("git branch: main"));
  EXPECT_THAT(added_contexts(rig, ContextKind::kProjectDocs).at(1).text, HasSubstr("Use spaces."));
}

TEST(NativeDriver, DocumentsThatCannotBeReadAreToldToThePersonAndNotSaidToBeGone) {
  Rig rig;
  rig.facts.documents = {{.path = "/repo/AGENTS.md", .text = "Use tabs."}};
  rig.facts.problems = {"/repo/a/AGENTS.md: Permission denied; it is not used"};
  NativeDriver driver = rig.driver();
  (void)rig.run_task(driver, "one");
  (void)rig.run_task(driver, "two");
  EXPECT_THAT(rig.host.recorded_of<protocol::Warning>(),
              ElementsAre(protocol::Warning{.code = "project_docs", .message = rig.facts.problems[0]}))
      << "told once";
  rig.facts.docs_error = base::Error{.code = "io_error", .message = "the disk does not answer"};
  EXPECT_EQ(rig.run_task(driver, "three").kind, TaskEnd::Kind::kComplete);
  ASSERT_THAT(added_contexts(rig, ContextKind::kProjectDocs), SizeIs(1)) << "nothing is taken back";
  EXPECT_EQ(rig.host.recorded_of<protocol::Warning>().back().message, "the disk does not answer");
}

TEST(NativeDriver, TheEndOfAJobIsTheNextThingThatTheModelHears) {
  Rig rig;
  rig.host.append(
      protocol::ExecCommandBegin{.call_id = "c0", .command = {"x"}, .cwd = "/", .sandbox = {}, .job = "job_1"});
  rig.model->call({{"read_file", "a"}});
  rig.model->say("I see.");
  rig.host.on_record = [&](const protocol::EventMsg& msg) {
    if (!std::holds_alternative<protocol::ToolCallBegin>(msg)) return;
    rig.host.append(
        protocol::JobEnd{.job = "job_1", .call_id = "c0", .exit_code = 3, .tail = "oops\n", .output_bytes = 5});
  };
  EXPECT_EQ(rig.run_task("go").kind, TaskEnd::Kind::kComplete);
  ASSERT_THAT(rig.requests(), SizeIs(2));
  EXPECT_THAT(outline(rig.requests()[1].items),
              ElementsAre("user: go", "user: <environment>", "call: c1", "result: ok",
                          "user: Job job_1 ended: exit code 3. The end of its output (job_log shows more):"));
  EXPECT_THAT(added_contexts(rig, ContextKind::kNudge), SizeIs(1));
}

TEST(NativeDriver, WhatIsWrongWithTheCatalogueIsToldOnce) {
  Rig rig;
  rig.catalog.view.problems = {"bad.md:1:1: no frontmatter"};
  NativeDriver driver = rig.driver();
  (void)rig.run_task(driver, "one");
  (void)rig.run_task(driver, "two");
  const auto warnings = rig.host.recorded_of<protocol::Warning>();
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_EQ(warnings[0].message, "bad.md:1:1: no frontmatter");
}

TEST(NativeDriver, ToolsAreSentInTheOrderOfTheirNames) {
  Rig rig;
  fakes::FakeTool last(rig.loop, "zip", fakes::FakeTool::Effect::kReads);
  fakes::FakeTool first(rig.loop, "ask", fakes::FakeTool::Effect::kReads);
  rig.more_tools = {&last, &first};
  (void)rig.run_task("go");
  EXPECT_THAT(rig.requests()[0].tools, ElementsAre(first.spec(), rig.reader.spec(), rig.writer.spec(), last.spec()));
}

TEST(NativeDriver, SkillsAreListedForAModelThatCanReadThem) {
  Rig rig;
  rig.catalog.add_skill("pdf", "Reads PDFs.", "Use pdftotext.");
  (void)rig.run_task("one");
  EXPECT_THAT(added_contexts(rig, ContextKind::kProjectDocs), SizeIs(0)) << "there is no tool that reads them";
  Rig other;
  other.catalog.add_skill("pdf", "Reads PDFs.", "Use pdftotext.");
  fakes::FakeTool read_skill(other.loop, "read_skill", fakes::FakeTool::Effect::kReads);
  other.more_tools = {&read_skill};
  (void)other.run_task("one");
  (void)other.run_task("two");
  ASSERT_THAT(added_contexts(other, ContextKind::kProjectDocs), SizeIs(1));
  EXPECT_THAT(added_contexts(other, ContextKind::kProjectDocs)[0].text, HasSubstr("- pdf: Reads PDFs."));
}

TEST(NativeDriver, ASkillThatThePersonNamesIsReadAtOnce) {
  Rig rig;
  rig.catalog.add_skill("pdf", "Reads PDFs.", "Use pdftotext.");
  (void)rig.run_task("use $pdf on a.pdf, not $HOME");
  ASSERT_THAT(added_contexts(rig, ContextKind::kUserContext), SizeIs(1));
  EXPECT_THAT(added_contexts(rig, ContextKind::kUserContext)[0].text, HasSubstr("Use pdftotext."));
  (void)rig.run_task("$pdf again");
  EXPECT_THAT(added_contexts(rig, ContextKind::kUserContext), SizeIs(1)) << "the model has it already";
}

TEST(NativeDriver, ACallUnderAnotherNameRunsOurTool) {
  Rig rig;
  rig.translate = [](const protocol::ToolCall& call) -> std::optional<protocol::ToolCall> {
    if (call.tool != "Read") return std::nullopt;
    return protocol::ToolCall{.call_id = call.call_id, .tool = "read_file", .arguments = R"({"path":"a"})"};
  };
  rig.model->call({{"Read", R"({"file_path":"a"})"}, {"Banana", "{}"}});
  (void)rig.run_task("go");
  EXPECT_THAT(rig.reader.ran, ElementsAre(R"({"path":"a"})"));
  const auto calls = rig.host.recorded_of<protocol::ToolCalls>();
  EXPECT_EQ(calls.at(0).calls.at(0).tool, "Read") << "the conversation keeps the model's words";
  EXPECT_THAT(rig.host.outcomes().at(1).second.output, HasSubstr("there is no tool \"Banana\""));
}

TEST(NativeDriver, ABudgetOfZeroTurnsEndsBeforeTheFirstRequest) {
  Rig rig;
  rig.request.budget.turns = 0;
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.abort_reason, AbortReason::kBudget);
  EXPECT_EQ(end.error.code, "budget_exceeded");
  EXPECT_THAT(end.error.message, HasSubstr("turns"));
  EXPECT_TRUE(rig.requests().empty());
}

TEST(NativeDriver, TurnsRunOutButAFinishedTaskIsComplete) {
  Rig rig;
  rig.request.budget.turns = 2;
  call_forever(rig, 5);
  EXPECT_EQ(rig.run_task("go").abort_reason, AbortReason::kBudget);
  EXPECT_THAT(rig.requests(), SizeIs(2));
  EXPECT_THAT(rig.host.shown_of<protocol::BudgetStatus>(), SizeIs(1));
  Rig other;
  other.request.budget.turns = 1;
  EXPECT_EQ(other.run_task("go").kind, TaskEnd::Kind::kComplete);
}

TEST(NativeDriver, DefaultsAreTwoHundredTurnsAndAThousandCalls) {
  Rig rig;
  rig.options.repeated_call_limit = 0;
  call_forever(rig, 210);
  EXPECT_EQ(rig.run_task("go").abort_reason, AbortReason::kBudget);
  EXPECT_THAT(rig.requests(), SizeIs(200));
}

TEST(NativeDriver, CallsBeyondTheirBudgetAreNotRun) {
  Rig rig;
  rig.request.budget.tool_calls = 1;
  rig.model->call({{"write_file", "1"}, {"write_file", "2"}});
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.abort_reason, AbortReason::kBudget);
  EXPECT_THAT(end.error.message, HasSubstr("tool calls"));
  EXPECT_TRUE(rig.writer.ran.empty());
  EXPECT_THAT(rig.host.outcomes(), SizeIs(2)) << "both have a result all the same";
}

TEST(NativeDriver, TokensAndMoneyBoundTheAnswerAndEndTheTask) {
  Rig rig;
  rig.request.budget.tokens = 1'000;
  rig.model->usage = {.input_tokens = 600, .output_tokens = 300};
  call_forever(rig, 3);
  const TaskEnd end = rig.run_task("go");
  EXPECT_THAT(end.error.message, HasSubstr("tokens"));
  ASSERT_THAT(rig.requests(), SizeIs(1));
  ASSERT_TRUE(rig.requests()[0].max_output_tokens.has_value());
  EXPECT_LT(*rig.requests()[0].max_output_tokens, 1'000);
  Rig money;
  money.request.budget.micro_usd = 1'000;
  money.model->usage = {.input_tokens = 500, .output_tokens = 250};
  call_forever(money, 3);
  EXPECT_THAT(money.run_task("go").error.message, HasSubstr("money"));
  EXPECT_THAT(money.requests(), SizeIs(1));
}

TEST(NativeDriver, AMoneyLimitNeedsAKnownPrice) {
  Rig rig;
  rig.candidates[0].facts.prices.reset();
  rig.request.budget.micro_usd = 1'000'000;
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kFailed);
  EXPECT_EQ(end.error.code, "price_unknown");
  EXPECT_THAT(end.error.message, HasSubstr("b/m"));
  EXPECT_TRUE(rig.requests().empty());
}

TEST(NativeDriver, TimeEndsATaskInTheMiddleOfACallAndParkedTimeDoesNotCount) {
  Rig rig;
  rig.request.budget.millis = 10'000;
  rig.writer.takes = 1h;
  rig.model->call({{"write_file", "1"}});
  const auto begun = rig.loop.mono_now();
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(rig.loop.mono_now() - begun, 10s);
  EXPECT_EQ(end.abort_reason, AbortReason::kBudget);
  EXPECT_THAT(end.error.message, HasSubstr("time"));
  EXPECT_THAT(rig.host.outcomes().at(0).second.output, HasSubstr("aborted after 10.0s"));
  EXPECT_THAT(rig.host.shown_of<protocol::BudgetStatus>(),
              ElementsAre(protocol::BudgetStatus{.kind = "millis", .used = 8'000, .limit = 10'000},
                          protocol::BudgetStatus{.kind = "millis", .used = 10'000, .limit = 10'000}));

  Rig parked;
  parked.request.budget.millis = 10'000;
  parked.host.on_gate = [](const ports::Action&) {
    return ports::GateAnswer{.verdict = ports::GateAnswer::Verdict::kParked};
  };
  parked.model->answer(
      {.steps = {fakes::Silence{6s}, fakes::Events{ports::CallDone{{.call_id = "c", .tool = "write_file"}}},
                 fakes::finish(ports::FinishReason::kToolCalls)}});
  EXPECT_EQ(parked.run_task("go").kind, TaskEnd::Kind::kParked);
  ASSERT_TRUE(parked.loop.block_on(parked.loop.sleep(1h, {})).ok());
  parked.host.on_gate = [](const ports::Action&) {
    return ports::GateAnswer{.verdict = ports::GateAnswer::Verdict::kRun};
  };
  parked.host.resume_task();
  parked.writer.takes = 1h;
  const auto resumed = parked.loop.mono_now();
  EXPECT_EQ(parked.run().abort_reason, AbortReason::kBudget);
  EXPECT_EQ(parked.loop.mono_now() - resumed, 4s);
}

TEST(NativeDriver, AResumedTaskCountsItsTurnsOn) {
  Rig rig;
  rig.request.budget.turns = 1;
  bool answered = false;
  rig.host.on_gate = [&answered](const ports::Action&) {
    return ports::GateAnswer{.verdict =
                                 answered ? ports::GateAnswer::Verdict::kRun : ports::GateAnswer::Verdict::kParked};
  };
  rig.model->call({{"write_file", "1"}});
  EXPECT_EQ(rig.run_task("go").kind, TaskEnd::Kind::kParked);
  answered = true;
  rig.host.resume_task();
  EXPECT_EQ(rig.run().abort_reason, AbortReason::kBudget);
  EXPECT_THAT(rig.writer.ran, ElementsAre("1"));
  EXPECT_THAT(rig.requests(), SizeIs(1));
}

TEST(NativeDriver, TheSameCallWithTheSameResultFiveTimesEndsTheTask) {
  Rig rig;
  for (int i = 0; i < 9; ++i) rig.model->call({{"read_file", "same"}});
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kAborted);
  EXPECT_EQ(end.abort_reason, AbortReason::kLoop);
  EXPECT_EQ(end.error.code, "repeated_call");
  EXPECT_THAT(rig.reader.ran, SizeIs(5));
}

TEST(NativeDriver, SteeredInputIsInTheNextRequest) {
  Rig rig;
  rig.host.on_record = [&rig](const protocol::EventMsg& msg) {
    if (std::holds_alternative<protocol::ToolCallBegin>(msg)) rig.host.steer("use b instead");
  };
  rig.model->call({{"read_file", "a"}});
  (void)rig.run_task("read a");
  EXPECT_THAT(outline(rig.requests().at(1).items).back(), "user: use b instead");
}

TEST(NativeDriver, ATaskThatWasSteeredWhileTheModelFinishedGoesOn) {
  Rig rig;
  rig.model->answer({.steps = {fakes::Events{ports::TextDelta{"done"}},
                               fakes::Meanwhile{[&rig] { rig.host.steer("and b"); }}, fakes::finish()}});
  rig.model->say("b is done too");
  EXPECT_EQ(rig.run_task("do a").last_agent_message, "b is done too");
  EXPECT_THAT(outline(rig.requests().at(1).items), ElementsAre("user: do a", "user: <environment>", "user: and b",
                                                               "agent: done", HasSubstr("user: The newest message")));
}

TEST(NativeDriver, TheAnswerFollowsTheSchemaOrIsAskedForOnceMore) {
  Rig rig;
  rig.request.output_schema = *base::parse_json(R"({"type":"object","required":["ok"]})");
  rig.model->say("all is well");
  rig.model->say(R"({"ok":true})");
  EXPECT_EQ(rig.run_task("go").last_agent_message, R"({"ok":true})");
  EXPECT_EQ(rig.requests().at(0).output_schema, rig.request.output_schema);
  rig.model->say(R"({"no":1})");
  rig.model->say(R"({"no":2})");
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kFailed);
  EXPECT_EQ(end.error.code, "output_schema");
  EXPECT_THAT(end.error.message, HasSubstr("must have \"ok\""));
}

TEST(NativeDriver, TheModelMayChangeWithinATask) {
  Rig rig;
  auto second = std::make_shared<fakes::ScriptedModel>(rig.loop);
  second->say("other model");
  rig.reader.output = [&](const protocol::ToolCall&) {
    rig.candidates = {{.backend = "c", .model = "n", .connection = second, .facts = {}}};
    return std::string("switched");
  };
  rig.model->call({{"read_file", "a"}});
  EXPECT_EQ(rig.run_task("go").last_agent_message, "other model");
  EXPECT_EQ(rig.host.recorded_of<protocol::TurnComplete>().at(1).cost_micro_usd, std::nullopt);
}

TEST(NativeDriver, ARefusedRecordEndsTheTask) {
  Rig rig;
  rig.host.disk_full_after = 2;
  rig.model->call({{"write_file", "1"}});
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kFailed);
  EXPECT_EQ(end.error.code, "no_space");
  EXPECT_TRUE(rig.writer.ran.empty()) << "what could not be recorded did not run";
}

TEST(NativeDriver, UsageThatNobodyReportsIsEstimatedAndSaidSo) {
  Rig rig;
  rig.model->answer({.steps = {fakes::Events{ports::TextDelta{std::string(400, 'x')}},
                               fakes::finish(ports::FinishReason::kStop, std::nullopt)}});
  (void)rig.run_task("go");
  const auto turn = rig.host.recorded_of<protocol::TurnComplete>().at(0);
  EXPECT_EQ(turn.usage.output_tokens, 100);
  EXPECT_GT(turn.usage.input_tokens, 10);
  EXPECT_EQ(rig.host.recorded_of<protocol::Warning>().at(0).code, "usage_estimated");
}

TEST(NativeDriver, RefusedContentAndCutAnswersAreNamed) {
  Rig rig;
  rig.model->answer({.steps = {fakes::finish(ports::FinishReason::kContentFilter)}});
  EXPECT_EQ(rig.run_task("go").error.code, "content_refused");
  rig.model->answer({.steps = {fakes::Events{ports::TextDelta{"half"}}, fakes::finish(ports::FinishReason::kLength)}});
  EXPECT_EQ(rig.run_task("go").last_agent_message, "half");
  EXPECT_EQ(rig.host.recorded_of<protocol::Warning>().at(0).code, "answer_cut");
  rig.model->answer(
      {.steps = {fakes::Events{ports::TextDelta{"half"}}, fakes::finish(ports::FinishReason::kContentFilter)}});
  EXPECT_EQ(rig.run_task("go").last_agent_message, "half");
  EXPECT_EQ(
      rig.host.recorded_of<protocol::Warning>().at(1),
      (protocol::Warning{.code = "answer_cut", .message = "the answer was cut by the provider's content filter"}));
  rig.model->answer({.steps = {fakes::finish(ports::FinishReason::kStop)}});
  EXPECT_EQ(rig.run_task("go").kind, TaskEnd::Kind::kComplete);
  EXPECT_EQ(rig.host.recorded_of<protocol::Warning>().at(2).code, "answer_empty");
}

TEST(NativeDriver, ImagesAreLoadedFromBlobsWithinTheirBound) {
  Rig rig;
  rig.options.image_bytes = 8;
  const std::string small = *rig.host.blobs().put("PNG");
  const std::string large = *rig.host.blobs().put("a large image");
  rig.host.start_task("");
  rig.host.append(protocol::UserMessage{.item = "u",
                                        .content = {protocol::ImagePart{.blob = small, .media_type = "image/png"},
                                                    protocol::ImagePart{.blob = large, .media_type = "image/png"}}});
  EXPECT_EQ(rig.run().kind, TaskEnd::Kind::kComplete);
  const auto& parts = std::get<ports::UserInputItem>(rig.requests().at(0).items.at(0)).parts;
  EXPECT_EQ(parts.at(0), ports::ModelPart(ports::ModelImage{"image/png", "UE5H", {}}));
  EXPECT_THAT(std::get<ports::ModelText>(parts.at(1)).text, HasSubstr("image left out"));
}

TEST(SystemPrompt, NamesNoVendorAndAsksForEvidence) {
  const std::string prompt = build_system_prompt();
  EXPECT_THAT(prompt, HasSubstr("Claim only what you saw"));
  for (const char* word : {"OpenAI", "Anthropic", "Claude", "GPT", "Codex"}) EXPECT_THAT(prompt, Not(HasSubstr(word)));
  EXPECT_LT(prompt.size(), 4'000U);
  EXPECT_EQ(build_system_prompt({.addition = "Be kind."}), prompt + "\n\nBe kind.");
}

}  // namespace
}  // namespace lathe::agent
