#include "lathe/agent/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/agent/test_rig.h"
#include "lathe/base/check.h"

namespace lathe::agent {
namespace {

using ports::PlacedEntry;
using testing::ElementsAre;

ports::UserEntry said(std::string text) { return {.content = {protocol::TextPart{std::move(text)}}, .context = {}}; }
ports::CallEntry call(std::string id, std::string output) {
  return {.call = {.call_id = std::move(id), .tool = "t"},
          .outcome = protocol::CallOutcome{.output = std::move(output)}};
}

TEST(BuildItems, ResultsFollowTheCallsOfTheirAnswerInCallOrder) {
  const std::vector<PlacedEntry> entries{{1, 0, said("hi")},     {2, 0, call("a", "1")},
                                         {2, 0, call("b", "2")}, {5, 1, call("c", "3")},
                                         {6, 1, said("stop")},   {7, 2, ports::AgentEntry{"ok"}}};
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
      {3, 0, said("go on")},
      {4, 0, ports::ReasoningEntry{.text = "kept", .provider = "p", .opaque = opaque}},
      {5, 0, ports::AgentEntry{.text = "whole"}},
      {6, 1, ports::ReasoningEntry{.text = "led to nothing", .provider = "p"}}};
  const std::vector<ports::ModelItem> items = build_items(entries, {});
  EXPECT_THAT(outline(items),
              ElementsAre("agent: half\n\n[cut off here]", "user: go on", "reasoning: kept", "agent: whole"));
  EXPECT_EQ(std::get<ports::AssistantReasoningItem>(items[2]), (ports::AssistantReasoningItem{"kept", "p", opaque}));
}

TEST(BuildItems, ImagesComeFromTheSetOrSayWhyNot) {
  ports::UserEntry entry = said("look");
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
  conversation.entries = {{1, 0, said(std::string(400, 'x'))}, {2, 0, call("a", std::string(396, 'x'))}};
  EXPECT_EQ(context_tokens(conversation, 50), 50 + estimate_tokens(conversation.entries)) << "never counted";
  conversation.counted_tokens = 1'000;
  conversation.counted_entries = 2;
  EXPECT_EQ(context_tokens(conversation, 50), 1'000 + 4 + 99) << "the results of the last answer are not in its count";
  conversation.entries.push_back({3, 1, said(std::string(400, 'y'))});
  EXPECT_EQ(context_tokens(conversation, 50), 1'000 + 4 + 99 + 4 + 100);
}

}  // namespace
}  // namespace lathe::agent
