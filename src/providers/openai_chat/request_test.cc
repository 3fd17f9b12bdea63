#include "lathe/providers/openai_chat/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/base/json.h"

namespace lathe::providers::openai_chat {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::Not;

ports::ModelRequest conversation() {
  ports::ModelRequest request{.model = "m", .system_prompt = "Be brief."};
  request.tools = {{.name = "read", .description = "Reads.", .parameters = Json::parse(R"({"type":"object"})")}};
  request.items = {
      ports::UserInputItem{{ports::ModelText{"Look."}, ports::ModelImage{.media_type = "image/png", .base64 = "QUJD"}}},
      ports::AssistantReasoningItem{.text = "hm", .provider = "anthropic", .opaque = Json{{"type", "thinking"}}},
      ports::AssistantTextItem{""},
      ports::AssistantCallItem{{"call_1", "read", R"({"p": 1})"}},
      ports::AssistantCallItem{{"call_2", "read", "{oops"}},
      ports::ToolResultItem{.call_id = "call_1", .tool = "read", .output = "one"},
      ports::ToolResultItem{
          .call_id = "call_2", .tool = "read", .output = "", .images = {{.media_type = "image/png", .base64 = "REVG"}}},
  };
  return request;
}

Json messages_of(const ports::ModelRequest& request, const Quirks& quirks) {
  return Json::parse(body_of(request, quirks))["messages"];
}

TEST(ChatRequest, AConversationInItsShape) {
  const Json expected = Json::parse(R"json([
    {"role":"system","content":"Be brief."},
    {"role":"user","content":[{"type":"text","text":"Look."},
                              {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]},
    {"role":"assistant","content":null,"tool_calls":[
      {"id":"call_1","type":"function","function":{"name":"read","arguments":"{\"p\": 1}"}},
      {"id":"call_2","type":"function","function":{"name":"read","arguments":"{\"invalid_arguments\":\"{oops\"}"}}]},
    {"role":"tool","tool_call_id":"call_1","content":"one"},
    {"role":"tool","tool_call_id":"call_2","content":"(no output)"},
    {"role":"user","content":[{"type":"text","text":"Images that the tool calls above returned:"},
                              {"type":"image_url","image_url":{"url":"data:image/png;base64,REVG"}}]}])json");
  EXPECT_EQ(messages_of(conversation(), quirks_for("compatible")), expected);
}

TEST(ChatRequest, TheNextRequestStartsWithThisOne) {
  ports::ModelRequest request = conversation();
  const std::string before = messages_of(request, quirks_for("openai")).dump();
  request.items.emplace_back(ports::AssistantTextItem{"Done."});
  request.items.emplace_back(ports::UserInputItem{{ports::ModelText{"Thanks."}}});
  const std::string after = messages_of(request, quirks_for("openai")).dump();
  EXPECT_EQ(after.substr(0, before.size() - 1), before.substr(0, before.size() - 1));
}

TEST(ChatRequest, ReasoningGoesBackOnlyWhereItIsWanted) {
  ports::ModelRequest request{.model = "m"};
  request.items = {
      ports::UserInputItem{{ports::ModelText{"hi"}}},
      ports::AssistantReasoningItem{
          .text = "hm", .provider = "openai_chat", .opaque = Json::parse(R"([{"type":"reasoning.text"}])")},
      ports::AssistantTextItem{"hello"}};
  EXPECT_THAT(body_of(request, quirks_for("openai-chat")), Not(HasSubstr("hm")));
  EXPECT_EQ(messages_of(request, quirks_for("llamacpp"))[1]["reasoning_content"], "hm");
  EXPECT_EQ(messages_of(request, quirks_for("openrouter"))[1]["reasoning_details"][0]["type"], "reasoning.text");
}

TEST(ChatRequest, MistralGetsNineLettersTheSameForCallAndResult) {
  const Json messages = messages_of(conversation(), quirks_for("mistral"));
  const std::string id = messages[2]["tool_calls"][0]["id"];
  EXPECT_EQ(id.size(), 9U);
  EXPECT_EQ(messages[3]["tool_call_id"], id);
  EXPECT_NE(messages[2]["tool_calls"][1]["id"], id);
  EXPECT_EQ(messages[5]["role"], "assistant");
  EXPECT_THAT(body_of(conversation(), quirks_for("mistral")), Not(HasSubstr("stream_options")));
}

TEST(ChatRequest, CacheMarksOnlyForClaudeThroughOpenRouter) {
  ports::ModelRequest request = conversation();
  EXPECT_THAT(body_of(request, quirks_for("openrouter")), Not(HasSubstr("cache_control")));
  request.model = "anthropic/claude-sonnet-4.5";
  EXPECT_THAT(body_of(request, quirks_for("compatible")), Not(HasSubstr("cache_control")));
  const Json messages = messages_of(request, quirks_for("openrouter"));
  EXPECT_TRUE(messages[0]["content"][0].contains("cache_control"));
  EXPECT_TRUE(messages.back()["content"].back().contains("cache_control"));
  EXPECT_FALSE(messages[1]["content"].back().contains("cache_control"));
}

TEST(ChatRequest, ClaudeBehindLiteLlmHasCacheMarksAndALimit) {
  ports::ModelRequest request = conversation();
  EXPECT_THAT(body_of(request, quirks_for("litellm")), Not(HasSubstr("cache_control")));
  EXPECT_THAT(body_of(request, quirks_for("litellm")), Not(HasSubstr("max_tokens")));
  request.model = "anthropic/claude-sonnet-5-5";
  EXPECT_TRUE(messages_of(request, quirks_for("litellm"))[0]["content"][0].contains("cache_control"));
  EXPECT_EQ(Json::parse(body_of(request, quirks_for("litellm")))["max_tokens"], 20'480);
  request.max_output_tokens = 99;
  EXPECT_EQ(Json::parse(body_of(request, quirks_for("litellm")))["max_tokens"], 99);
}

TEST(ChatRequest, LimitsSchemaThinkingAndCacheKeyByBackendType) {
  ports::ModelRequest request = conversation();
  request.model = "gpt-5.1";
  request.max_output_tokens = 99;
  request.thinking = ports::Thinking::kOff;
  request.cache_key = "session-1";
  request.output_schema = Json::parse(
      R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})");
  const Json openai = Json::parse(body_of(request, quirks_for("openai")));
  EXPECT_EQ(openai["max_completion_tokens"], 99);
  EXPECT_EQ(openai["reasoning_effort"], "none");
  EXPECT_EQ(openai["prompt_cache_key"], "session-1");
  EXPECT_EQ(openai["response_format"]["json_schema"]["strict"], true);
  EXPECT_EQ(openai["stream_options"]["include_usage"], true);
  const Json vllm = Json::parse(body_of(request, quirks_for("vllm")));
  EXPECT_EQ(vllm["max_tokens"], 99);
  EXPECT_FALSE(vllm.contains("prompt_cache_key"));
  EXPECT_FALSE(vllm.contains("response_format"));
  EXPECT_THAT(vllm["messages"][0]["content"].get<std::string>(), HasSubstr("JSON Schema"));
  EXPECT_EQ(vllm["chat_template_kwargs"]["enable_thinking"], false);
}

TEST(ChatRequest, ThinkingIsTurnedOffByTheModelsNameWhereAServerMayHaveAny) {
  ports::ModelRequest request = conversation();
  request.thinking = ports::Thinking::kOff;
  for (const char* type : {"compatible", "litellm"}) {
    request.model = "qwen3-32b";
    EXPECT_EQ(Json::parse(body_of(request, quirks_for(type)))["chat_template_kwargs"]["enable_thinking"], false);
    request.model = "gpt-5.1";
    const Json openai = Json::parse(body_of(request, quirks_for(type)));
    EXPECT_EQ(openai["reasoning_effort"], "none");
    EXPECT_FALSE(openai.contains("chat_template_kwargs"));
    request.model = "claude-sonnet-4-5";
    const Json claude = Json::parse(body_of(request, quirks_for(type)));
    EXPECT_FALSE(claude.contains("chat_template_kwargs"));
    EXPECT_FALSE(claude.contains("reasoning_effort"));
  }
}

}  // namespace
}  // namespace lathe::providers::openai_chat
