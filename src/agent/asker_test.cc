#include "lathe/agent/asker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "lathe/agent/test_rig.h"
#include "lathe/base/utf8.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

using fakes::Break;
using fakes::Events;
using fakes::failure;
using fakes::Silence;
using ports::RetryClass;
using ports::TaskEnd;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using namespace std::chrono_literals;

Events text(std::string piece) { return {ports::TextDelta{std::move(piece)}}; }
Events thought(std::string piece) { return {ports::ReasoningDelta{std::move(piece)}}; }

std::string contexts(const Rig& rig, protocol::ContextKind kind) {
  std::string all;
  for (const auto& added : rig.host.recorded_of<protocol::ContextAdded>()) {
    if (added.kind == kind) all += added.text;
  }
  return all;
}

TEST(Asker, TextIsShownAsItComesWithOffsetsAndKeptAsADraft) {
  Rig rig;
  std::string draft;
  rig.model->answer(
      {.steps = {thought("hm"), Events{ports::ReasoningDone{}, ports::TextDelta{"he"}, ports::TextDelta{"ll"}},
                 text("o"), fakes::Meanwhile{[&] { draft = rig.host.drafts.rbegin()->second; }}, fakes::finish()}});
  EXPECT_EQ(rig.run_task("hi").last_agent_message, "hello");
  const auto deltas = rig.host.shown_of<protocol::AgentMessageDelta>();
  ASSERT_THAT(deltas, SizeIs(2));
  EXPECT_EQ(deltas[0].text, "hell") << "what arrived together is one delta";
  EXPECT_EQ(deltas[0].offset, 0);
  EXPECT_EQ(deltas[1].text, "o");
  EXPECT_EQ(deltas[1].offset, 4);
  EXPECT_TRUE(draft == "hm" || draft == "hello");
  EXPECT_TRUE(rig.host.drafts.empty()) << "a complete item has no draft";
  EXPECT_EQ(rig.host.recorded_of<protocol::AgentMessage>().at(0).item, deltas[0].item);
  EXPECT_EQ(rig.host.recorded_of<protocol::AgentReasoning>().at(0).provider, "scripted");
}

TEST(Asker, AVeryLongTextIsShownInPartsBetweenWhichOthersGetTheirTurn) {
  Rig rig;
  std::string all;
  while (all.size() < (1U << 20)) all += "wör";
  rig.model->answer({.steps = {text(all), fakes::finish()}});
  std::set<std::size_t> seen_by_others;
  int turns = 0;
  std::function<void()> other = [&] {
    seen_by_others.insert(rig.host.shown_of<protocol::AgentMessageDelta>().size());
    if (++turns < 100) rig.loop.post(other);
  };
  rig.loop.post(other);
  EXPECT_EQ(rig.run_task("hi").last_agent_message, all);
  std::string shown;
  for (const auto& delta : rig.host.shown_of<protocol::AgentMessageDelta>()) {
    EXPECT_EQ(delta.offset, std::ssize(shown));
    EXPECT_TRUE(base::is_utf8(delta.text)) << "no character is cut";
    shown += delta.text;
  }
  EXPECT_EQ(shown, all);
  EXPECT_GT(seen_by_others.size(), 3U);
}

TEST(Asker, ACutStreamIsAskedAgainAndNoToolRunsTwice) {
  Rig rig;
  const ports::CallDone call{{.call_id = "c1", .tool = "write_file", .arguments = "1"}};
  rig.model->answer(
      {.steps = {text("Let me "), Events{call}, Break{failure("stream_error", RetryClass::kStream, "cut")}}});
  rig.model->answer({.steps = {text("Let me see"), Events{call}, fakes::finish(ports::FinishReason::kToolCalls)}});
  EXPECT_EQ(rig.run_task("go").kind, TaskEnd::Kind::kComplete);
  EXPECT_THAT(rig.writer.ran, ElementsAre("1"));
  const auto errors = rig.host.shown_of<protocol::StreamError>();
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].attempt, 1);
  EXPECT_EQ(errors[0].of, 5);
  EXPECT_EQ(errors[0].message, "cut");
  const auto messages = rig.host.recorded_of<protocol::AgentMessage>();
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[0].text, "Let me see");
  EXPECT_THAT(rig.host.shown_of<protocol::ItemReset>(), ElementsAre(protocol::ItemReset{.item = messages[0].item}))
      << "the item starts anew under its id";
  EXPECT_EQ(rig.requests()[0].items, rig.requests()[1].items);
}

TEST(Asker, RetriesEndWhereTheBudgetDoes) {
  Rig rig;
  rig.request.budget.tokens = 3'000;
  for (int i = 0; i < 6; ++i) {
    rig.model->answer({.steps = {text(std::string(4'000, 'x')), Break{failure("stream_error", RetryClass::kStream)}}});
  }
  EXPECT_EQ(rig.run_task("go").error.code, "budget_exceeded");
  EXPECT_LE(rig.requests().size(), 3U) << "each began an answer of 1,000 tokens";
}

TEST(Asker, AStreamThatEndsWithoutItsEndIsCut) {
  Rig rig;
  rig.model->answer({.steps = {text("half")}});
  rig.model->say("whole");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "whole");
}

TEST(Asker, WhatTheServerAsksForIsWaitedFor) {
  Rig rig;
  ports::ModelFailure busy = failure("rate_limit", RetryClass::kRequest);
  busy.retry_after = 30s;
  rig.model->refuse(busy);
  rig.model->say("ok");
  const auto begun = rig.loop.mono_now();
  EXPECT_EQ(rig.run_task("go").last_agent_message, "ok");
  EXPECT_EQ(rig.loop.mono_now() - begun, 30s);
}

TEST(Asker, GivesUpAfterItsRetriesWithTheError) {
  Rig rig;
  for (int i = 0; i < 9; ++i) rig.model->refuse(failure("upstream_api_error", RetryClass::kRequest, "overloaded"));
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kFailed);
  EXPECT_EQ(end.error.code, "upstream_api_error");
  EXPECT_THAT(rig.requests(), SizeIs(5)) << "one and four retries";
}

TEST(Asker, GarbageIsAnErrorAtOnce) {
  Rig rig;
  rig.model->refuse(failure("stream_error", RetryClass::kNever, "not a stream"));
  EXPECT_EQ(rig.run_task("go").error.message, "not a stream");
  EXPECT_THAT(rig.requests(), SizeIs(1));
}

struct TwoModels : Rig {
  std::shared_ptr<fakes::ScriptedModel> second = std::make_shared<fakes::ScriptedModel>(loop, "other");
  TwoModels() { candidates.push_back({.backend = "c", .model = "n", .connection = second, .facts = {}}); }
};

TEST(Asker, TheNextModelIsAskedWithAReasonAndKeptForTheTask) {
  TwoModels rig;
  for (int i = 0; i < 5; ++i) rig.model->refuse(failure("upstream_api_error", RetryClass::kRequest, "overloaded"));
  rig.second->call({{"read_file", "1"}});
  rig.second->say("from the other");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "from the other");
  const auto warnings = rig.host.recorded_of<protocol::Warning>();
  ASSERT_THAT(warnings, SizeIs(1)) << "the second turn asks the other one at once";
  EXPECT_EQ(warnings[0].code, "fallback");
  EXPECT_THAT(warnings[0].message, HasSubstr("b/m was skipped (upstream_api_error: overloaded); asking c/n"));
  EXPECT_EQ(rig.host.recorded_of<protocol::TurnComplete>().at(0).model, "c/n");
  EXPECT_EQ(rig.second->requests().at(0).model, "n");
}

TEST(Asker, WhenAllFailTheErrorSaysWhyEachWasSkipped) {
  TwoModels rig;
  rig.model->refuse(failure("auth_error", RetryClass::kNever, "bad key"));
  rig.second->refuse(failure("model_not_found", RetryClass::kNever, "no such model"));
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.error.code, "model_not_found");
  EXPECT_EQ(end.error.message, "no model could answer; b/m: bad key; c/n: no such model");
}

struct ThreeModels : TwoModels {
  std::shared_ptr<fakes::ScriptedModel> third = std::make_shared<fakes::ScriptedModel>(loop, "third");
  ThreeModels() {
    candidates.push_back({.backend = "d", .model = "o", .connection = third, .facts = {}, .server = "alive:1"});
    candidates[0].server = candidates[1].server = "dead:1";
    for (int i = 0; i < 3; ++i) model->refuse(failure("unreachable", RetryClass::kConnect, "no connection"));
  }
};

TEST(Asker, AServerThatTookNoConnectionIsNotWaitedForAgain) {
  ThreeModels rig;
  rig.third->say("here");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "here");
  EXPECT_THAT(rig.requests(), SizeIs(3));
  EXPECT_THAT(rig.second->requests(), SizeIs(0));
  const auto warnings = rig.host.recorded_of<protocol::Warning>();
  ASSERT_THAT(warnings, SizeIs(2));
  EXPECT_EQ(warnings[1].message,
            "c/n was skipped (unreachable: its server dead:1 took no connection for b/m); asking d/o");
}

TEST(Asker, WithoutAnyModelTheErrorSaysSo) {
  Rig rig;
  rig.candidates.clear();
  EXPECT_EQ(rig.run_task("go").error.code, "no_backend");
}

TEST(Asker, ASilentStreamIsCutAtTheIdleTimeout) {
  Rig rig;
  rig.model->answer({.steps = {text("so"), Silence{301s}, fakes::finish()}});
  rig.model->say("there");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "there");
  EXPECT_EQ(rig.host.shown_of<protocol::StreamError>().at(0).code, "timeout");
}

TEST(Asker, ThinkingWithoutEndIsNudgedThenTurnedOff) {
  Rig rig;
  std::vector<fakes::Step> endless;
  for (int i = 0; i < 20; ++i) {
    endless.emplace_back(thought("and then "));
    endless.emplace_back(Silence{10s});
  }
  rig.model->answer({.steps = endless});
  rig.model->answer({.steps = endless});
  rig.model->say("done");
  EXPECT_EQ(rig.run_task("go").last_agent_message, "done");
  ASSERT_THAT(rig.requests(), SizeIs(3));
  EXPECT_EQ(rig.requests()[1].thinking, ports::Thinking::kDefault);
  EXPECT_THAT(outline(rig.requests()[1].items).back(), HasSubstr("thinking for a long time"));
  EXPECT_EQ(rig.requests()[2].thinking, ports::Thinking::kOff);
  EXPECT_THAT(rig.host.recorded_of<protocol::AgentReasoning>(), SizeIs(0)) << "what led to nothing is taken back";
  EXPECT_TRUE(rig.host.drafts.empty());
}

TEST(Asker, LongThinkingThatLeadsToAnAnswerIsNoStall) {
  Rig rig;
  rig.model->answer({.steps = {thought("a"), Silence{119s}, thought("b"), text("c"), Silence{200s}, fakes::finish()}});
  EXPECT_EQ(rig.run_task("go").last_agent_message, "c");
  EXPECT_THAT(rig.requests(), SizeIs(1));
}

TEST(Asker, InterruptedWhileAnsweringKeepsWhatWasShownAsIncomplete) {
  Rig rig;
  rig.model->answer({.steps = {thought("hm"), text("Half an ans"), Silence{1h}}});
  const auto stop = rig.loop.call_after(5s, [&rig] { rig.cancel.cancel({.code = "interrupted", .message = "stop"}); });
  const TaskEnd end = rig.run_task("go");
  EXPECT_EQ(end.kind, TaskEnd::Kind::kAborted);
  const auto messages = rig.host.recorded_of<protocol::AgentMessage>();
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].text, "Half an ans");
  EXPECT_EQ(messages[0].status, protocol::ItemStatus::kIncomplete);
  EXPECT_TRUE(rig.host.shown_of<protocol::ItemReset>().empty());

  rig.cancel = runtime::CancelSource();
  (void)rig.run_task("what was that?");
  EXPECT_THAT(contexts(rig, protocol::ContextKind::kInterruption), HasSubstr("ended early"));
  EXPECT_THAT(outline(rig.requests().back().items), testing::Contains("agent: Half an ans\n\n[cut off here]"));
}

TEST(Asker, InterruptedDuringTheWaitForARetryEndsAtOnce) {
  Rig rig;
  ports::ModelFailure busy = failure("rate_limit", RetryClass::kRequest);
  busy.retry_after = 60s;
  rig.model->refuse(busy);
  const auto stop = rig.loop.call_after(1s, [&rig] { rig.cancel.cancel({.code = "interrupted", .message = "stop"}); });
  const auto begun = rig.loop.mono_now();
  EXPECT_EQ(rig.run_task("go").kind, TaskEnd::Kind::kAborted);
  EXPECT_EQ(rig.loop.mono_now() - begun, 1s);
}

TEST(Asker, NoticesOfAModelAreWarnings) {
  Rig rig;
  rig.model->answer({.steps = {Events{ports::ModelNotice{"wire", "switched"}}, text("x"), fakes::finish()}});
  (void)rig.run_task("go");
  EXPECT_THAT(rig.host.recorded_of<protocol::Warning>(),
              ElementsAre(protocol::Warning{.code = "wire", .message = "switched"}));
}

}  // namespace
}  // namespace lathe::agent
