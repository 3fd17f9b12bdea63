#include "lathe/agent/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "lathe/agent/test_rig.h"
#include "lathe/base/check.h"
#include "lathe/base/ids.h"

namespace lathe::agent {
namespace {

using ports::PlacedEntry;
using testing::ElementsAre;

ports::UserEntry user(std::string text) { return {.content = {protocol::TextPart{std::move(text)}}, .context = {}}; }
ports::CallEntry call(std::string id, std::string output) {
  return {.call = {.call_id = std::move(id), .tool = "t"},
          .outcome = protocol::CallOutcome{.output = std::move(output)}};
}

TEST(BuildItems, ResultsFollowTheCallsOfTheirAnswerInCallOrder) {
  const std::vector<PlacedEntry> entries{{1, 0, user("hi")},     {2, 0, call("a", "1")},
                                         {2, 0, call("b", "2")}, {5, 1, call("c", "3")},
                                         {6, 1, user("stop")},   {7, 2, ports::AgentEntry{"ok"}}};
  EXPECT_THAT(outline(build_items(entries, {})), ElementsAre("user: hi", "call: a", "call: b", "result: 1", "result: 2",
                                                             "call: c", "result: 3", "user: stop", "agent: ok"));
}

TEST(BuildItems, ACallWithoutResultIsABug) {
  const std::vector<PlacedEntry> entries{{1, 0, ports::CallEntry{.call = {.call_id = "a"}}}};
  EXPECT_THROW((void)build_items(entries, {}), base::RequestBug);
}

TEST(BuildItems, CutTextIsMarkedAndCutReasoningLeftOut) {
  const base::Json opaque = {{"k", 1}};
  const std::vector<PlacedEntry> entries{
      {1, 0, ports::ReasoningEntry{.text = "cut", .provider = "p", .opaque = opaque, .incomplete = true}},
      {2, 0, ports::AgentEntry{.text = "half", .incomplete = true}},
      {3, 0, user("go on")},
      {4, 0, ports::ReasoningEntry{.text = "kept", .provider = "p", .opaque = opaque}},
      {5, 0, ports::AgentEntry{.text = "whole"}},
      {6, 1, ports::ReasoningEntry{.text = "led to nothing", .provider = "p"}}};
  const std::vector<ports::ModelItem> items = build_items(entries, {});
  EXPECT_THAT(outline(items),
              ElementsAre("agent: half\n\n[cut off here]", "user: go on", "reasoning: kept", "agent: whole"));
  EXPECT_EQ(std::get<ports::AssistantReasoningItem>(items[2]), (ports::AssistantReasoningItem{"kept", "p", opaque}));
}

TEST(BuildItems, ImagesComeFromTheSetOrSayWhyNot) {
  ports::UserEntry entry = user("look");
  entry.content.emplace_back(protocol::ImagePart{.blob = "h1", .media_type = "image/png"});
  entry.content.emplace_back(protocol::ImagePart{.blob = "h2", .media_type = "image/png"});
  entry.content.emplace_back(protocol::ImagePart{.image_url = "https://x/y.png"});
  ports::CallEntry shot = call("a", "taken");
  shot.outcome->images = {protocol::ImagePart{.blob = "h1", .media_type = "image/jpeg"},
                          protocol::ImagePart{.blob = "h2"}};
  const std::vector<PlacedEntry> entries{{1, 0, entry}, {2, 0, shot}};
  EXPECT_EQ(image_blobs(entries), (std::set<std::string>{"h1", "h2"}));
  const std::vector<ports::ModelItem> items =
      build_items(entries, {{"h1", ports::ModelImage{{}, "QUJD", {}}}, {"h2", "it is too large"}});
  const auto& parts = std::get<ports::UserInputItem>(items[0]).parts;
  EXPECT_EQ(parts[1], ports::ModelPart(ports::ModelImage{"image/png", "QUJD", {}}));
  EXPECT_EQ(parts[2], ports::ModelPart(ports::ModelText{"[image left out: it is too large]"}));
  EXPECT_EQ(parts[3], ports::ModelPart(ports::ModelImage{{}, {}, "https://x/y.png"}));
  const auto& result = std::get<ports::ToolResultItem>(items[2]);
  EXPECT_EQ(result.output, "taken\n[image left out: it is too large]");
  EXPECT_THAT(result.images, ElementsAre(ports::ModelImage{"image/jpeg", "QUJD", {}}));
}

TEST(ContextTokens, TakesTheProvidersCountAndEstimatesWhatCameSince) {
  ports::Conversation conversation;
  conversation.entries = {{1, 0, user(std::string(400, 'x'))}, {2, 0, call("a", std::string(396, 'x'))}};
  EXPECT_EQ(context_tokens(conversation, 50), 50 + estimate_tokens(conversation.entries)) << "never counted";
  conversation.counted_tokens = 1'000;
  conversation.counted_entries = 2;
  EXPECT_EQ(context_tokens(conversation, 50), 1'000 + 4 + 99) << "the results of the last answer are not in its count";
  conversation.entries.push_back({3, 1, user(std::string(400, 'y'))});
  EXPECT_EQ(context_tokens(conversation, 50), 1'000 + 4 + 99 + 4 + 100);
}

/// Random tasks: whatever the model does, request N+1 begins with the items of request N, tools and system prompt are
/// the same, and every call has its result (the scripted model refuses otherwise).
TEST(StablePrefix, HoldsOverRandomTasks) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::SeededRandom random(seed);
    Rig rig;
    rig.options.repeated_call_limit = 0;
    rig.reader.output = [&random](const protocol::ToolCall&) { return std::string(random.next() % 300, 'o'); };
    for (int task = 0; task < 3; ++task) {
      for (std::uint64_t turn = random.next() % 6; turn > 0; --turn) {
        fakes::Events events;
        if (random.next() % 2) {
          events.emplace_back(ports::ReasoningDelta{"hm"});
          events.emplace_back(ports::ReasoningDone{.text = {}, .opaque = base::Json(random.next() % 9)});
        }
        if (random.next() % 3 == 0) events.emplace_back(ports::TextDelta{"text " + std::to_string(turn)});
        for (std::uint64_t calls = 1 + random.next() % 3; calls > 0; --calls) {
          const char* names[] = {"read_file", "write_file", "no_such_tool"};
          events.emplace_back(ports::CallDone{{.call_id = "c" + std::to_string(random.next() % 4),
                                               .tool = names[random.next() % 3],
                                               .arguments = "{}"}});
        }
        fakes::ScriptedAnswer answer{.steps = {std::move(events)}};
        if (random.next() % 4 == 0) answer.steps.emplace_back(fakes::Meanwhile{[&rig] { rig.host.steer("and this"); }});
        if (random.next() % 5 == 0) {
          answer.steps.emplace_back(fakes::Break{fakes::failure("stream_error", ports::RetryClass::kStream)});
        }
        answer.steps.emplace_back(fakes::finish(ports::FinishReason::kToolCalls));
        rig.model->answer(std::move(answer));
      }
      const ports::TaskEnd end = rig.run_task("task " + std::to_string(task));
      ASSERT_EQ(end.kind, ports::TaskEnd::Kind::kComplete) << end.error.message;
      rig.model->say("left over");
      while (rig.model->left() > 0) ASSERT_EQ(rig.run_task("more").kind, ports::TaskEnd::Kind::kComplete);
    }
    const std::vector<ports::ModelRequest>& requests = rig.requests();
    for (std::size_t i = 1; i < requests.size(); ++i) {
      EXPECT_EQ(requests[i].tools, requests[0].tools);
      EXPECT_EQ(requests[i].system_prompt, requests[0].system_prompt);
      EXPECT_EQ(requests[i].cache_key, requests[0].cache_key);
      ASSERT_GE(requests[i].items.size(), requests[i - 1].items.size());
      for (std::size_t k = 0; k < requests[i - 1].items.size(); ++k) {
        ASSERT_EQ(requests[i].items[k], requests[i - 1].items[k]) << "request " << i << " item " << k;
      }
      EXPECT_FALSE(std::holds_alternative<ports::AssistantTextItem>(requests[i].items.back()))
          << "a request never ends with the model's own words";
    }
  }
}

}  // namespace
}  // namespace lathe::agent
