#include "lathe/providers/anthropic/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"

namespace lathe::providers::anthropic {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::Not;

const Json kThinking = Json::parse(R"({"type":"thinking","thinking":"hm","signature":"s"})");

ports::ModelRequest conversation() {
  ports::ModelRequest request{.model = "claude-sonnet-4-5", .system_prompt = "Be brief."};
  request.tools = {{.name = "read", .description = "Reads.", .parameters = Json::parse(R"({"type":"object"})")}};
  request.items = {
      ports::UserInputItem{{ports::ModelText{"Facts."}}},
      ports::UserInputItem{{ports::ModelText{" \n"}, ports::ModelText{"Look."},
                            ports::ModelImage{.media_type = "image/png", .base64 = "QUJD"}}},
      ports::AssistantReasoningItem{.text = "hm", .provider = "anthropic", .opaque = kThinking},
      ports::AssistantReasoningItem{.text = "x", .provider = "openai_chat", .opaque = Json{{"type", "other"}}},
      ports::AssistantTextItem{""},
      ports::AssistantCallItem{{"toolu_1", "read", R"({"p": 1})"}},
      ports::AssistantCallItem{{"call:2", "read", "{oops"}},
      ports::ToolResultItem{.call_id = "toolu_1",
                            .tool = "read",
                            .output = "one",
                            .images = {{.media_type = "image/png", .base64 = "REVG"}}},
      ports::ToolResultItem{.call_id = "call:2", .tool = "read", .output = "", .failed = true},
      ports::UserInputItem{{ports::ModelText{"Also this."}}},
  };
  return request;
}

TEST(MessagesRequest, AConversationInItsShape) {
  const Json body = Json::parse(body_of(conversation(), {}));
  const std::string second_id = body["messages"][1]["content"][2]["id"];
  Json expected = Json::parse(R"json([
    {"role":"user","content":[{"type":"text","text":"Facts."},{"type":"text","text":"Look."},
      {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"},"cache_control":{"type":"ephemeral"}}]},
    {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},
      {"type":"tool_use","id":"toolu_1","name":"read","input":{"p":1}},
      {"type":"tool_use","id":"","name":"read","input":{"invalid_arguments":"{oops"}}]},
    {"role":"user","content":[
      {"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"one"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"REVG"}}]},
      {"type":"tool_result","tool_use_id":"","content":"(no output)","is_error":true},
      {"type":"text","text":"Also this.","cache_control":{"type":"ephemeral"}}]}])json");
  expected[1]["content"][2]["id"] = second_id;
  expected[2]["content"][1]["tool_use_id"] = second_id;
  EXPECT_EQ(body["messages"], expected);
  EXPECT_EQ(body["max_tokens"], 32'000);
  EXPECT_TRUE(body["system"][0].contains("cache_control"));
  EXPECT_TRUE(body["tools"][0].contains("cache_control"));
}

TEST(MessagesRequest, TheNextRequestStartsWithThisOneCacheMarksAside) {
  const auto messages = [](const ports::ModelRequest& request) {
    return base::replace_all(Json::parse(body_of(request, {}))["messages"].dump(),
                             R"(,"cache_control":{"type":"ephemeral"})", "");
  };
  ports::ModelRequest request = conversation();
  const std::string before = messages(request);
  request.items.emplace_back(ports::AssistantTextItem{"Done."});
  request.items.emplace_back(ports::UserInputItem{{ports::ModelText{"Thanks."}}});
  const std::string after = messages(request);
  EXPECT_EQ(after.substr(0, before.size() - 1), before.substr(0, before.size() - 1));
}

Json thinking_of(ports::ModelRequest request, std::string model) {
  request.model = std::move(model);
  const Json body = Json::parse(body_of(request, {}));
  return base::json_at(body, "thinking");
}

TEST(MessagesRequest, ThinkingByModel) {
  ports::ModelRequest request{.items = {ports::UserInputItem{{ports::ModelText{"hi"}}}}};
  EXPECT_EQ(thinking_of(request, "claude-opus-4-5-20251101"),
            Json::parse(R"({"type":"enabled","budget_tokens":10000})"));
  EXPECT_EQ(thinking_of(request, "claude-sonnet-4-20250514")["type"], "enabled");
  EXPECT_EQ(thinking_of(request, "claude-opus-4-6"), Json::parse(R"({"type":"adaptive"})"));
  EXPECT_EQ(thinking_of(request, "claude-sonnet-5")["type"], "adaptive");
  EXPECT_TRUE(thinking_of(request, "claude-3-5-haiku-latest").is_null());
  EXPECT_TRUE(thinking_of(request, "MiniMax-M2").is_null());
  request.thinking = ports::Thinking::kOff;
  EXPECT_TRUE(thinking_of(request, "claude-opus-4-6").is_null());
}

TEST(MessagesRequest, NoThinkingInTheMiddleOfAnotherProvidersWork) {
  ports::ModelRequest request{.items = {ports::UserInputItem{{ports::ModelText{"hi"}}},
                                        ports::AssistantCallItem{{"a", "read", "{}"}},
                                        ports::ToolResultItem{.call_id = "a", .tool = "read", .output = "x"}}};
  EXPECT_TRUE(thinking_of(request, "claude-sonnet-4-5").is_null());
  request.items.emplace_back(ports::UserInputItem{{ports::ModelText{"go on"}}});
  EXPECT_FALSE(thinking_of(request, "claude-sonnet-4-5").is_null());
}

TEST(MessagesRequest, AConversationThatStartsWithTheAssistantOrHoldsOnlyThinking) {
  ports::ModelRequest request{.model = "claude-opus-4-6"};
  request.items = {ports::AssistantTextItem{"Hello."}, ports::UserInputItem{{ports::ModelText{"hi"}}},
                   ports::AssistantReasoningItem{.text = "hm", .provider = "anthropic", .opaque = kThinking}};
  const Json messages = Json::parse(body_of(request, {}))["messages"];
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0]["role"], "user");
  EXPECT_EQ(messages[2]["role"], "user");
}

TEST(MessagesRequest, ASchemaByTheWireWhereItIsTakenElseByWords) {
  ports::ModelRequest request = conversation();
  request.output_schema = Json::parse(R"({"type":"object","properties":{},"additionalProperties":false})");
  EXPECT_EQ(Json::parse(body_of(request, {}))["output_config"]["format"]["schema"], *request.output_schema);
  request.model = "claude-3-5-sonnet-latest";
  EXPECT_THAT(body_of(request, {}), Not(HasSubstr("output_config")));
  EXPECT_THAT(body_of(request, {}), HasSubstr("JSON Schema"));
}

}  // namespace
}  // namespace lathe::providers::anthropic
