#include "lathe/providers/openai_responses/request.h"

#include <gtest/gtest.h>

#include "lathe/base/json.h"

namespace lathe::providers::openai_responses {
namespace {

using base::Json;

ports::ModelRequest conversation() {
  ports::ModelRequest request{.model = "gpt-5.1", .system_prompt = "Be brief.", .cache_key = "session-1"};
  request.tools = {{.name = "read", .description = "Reads.", .parameters = Json::parse(R"({"type":"object"})")}};
  request.items = {
      ports::UserInputItem{{ports::ModelText{"Look."}, ports::ModelImage{.media_type = "image/png", .base64 = "QUJD"}}},
      ports::AssistantReasoningItem{.text = "x", .provider = "openai_responses", .opaque = Json{{"type", "reasoning"}}},
      ports::AssistantReasoningItem{.text = "x", .provider = "anthropic", .opaque = Json{{"type", "thinking"}}},
      ports::AssistantTextItem{"Reading."},
      ports::AssistantCallItem{{"call 1!", "read", "{oops"}},
      ports::ToolResultItem{.call_id = "call 1!",
                            .tool = "read",
                            .output = "one",
                            .images = {{.media_type = "image/png", .base64 = "REVG"}}},
  };
  return request;
}

TEST(ResponsesRequest, AConversationInItsShape) {
  const Json body = Json::parse(body_of(conversation(), quirks_for("openai")));
  const std::string id = body["input"][3]["call_id"];
  EXPECT_NE(id, "call 1!");
  Json expected = Json::parse(R"({
    "model":"gpt-5.1","instructions":"Be brief.",
    "tools":[{"type":"function","name":"read","description":"Reads.","parameters":{"type":"object"},"strict":false}],
    "parallel_tool_calls":true,
    "input":[
      {"type":"message","role":"user","content":[{"type":"input_text","text":"Look."},
                                                 {"type":"input_image","image_url":"data:image/png;base64,QUJD"}]},
      {"type":"reasoning"},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Reading."}]},
      {"type":"function_call","call_id":"","name":"read","arguments":"{\"invalid_arguments\":\"{oops\"}"},
      {"type":"function_call_output","call_id":"","output":[{"type":"input_text","text":"one"},
                                              {"type":"input_image","image_url":"data:image/png;base64,REVG"}]}],
    "stream":true,"store":false,"include":["reasoning.encrypted_content"],"prompt_cache_key":"session-1"})");
  expected["input"][3]["call_id"] = id;
  expected["input"][4]["call_id"] = id;
  EXPECT_EQ(body, expected);
}

TEST(ResponsesRequest, TheNextRequestStartsWithThisOne) {
  ports::ModelRequest request = conversation();
  const std::string before = Json::parse(body_of(request, {}))["input"].dump();
  request.items.emplace_back(ports::AssistantTextItem{"Done."});
  const std::string after = Json::parse(body_of(request, {}))["input"].dump();
  EXPECT_EQ(after.substr(0, before.size() - 1), before.substr(0, before.size() - 1));
}

TEST(ResponsesRequest, ModelsThatDoNotReasonAreNotAskedTo) {
  ports::ModelRequest request = conversation();
  request.model = "gpt-4.1";
  request.thinking = ports::Thinking::kOff;
  const Json plain = Json::parse(body_of(request, quirks_for("compatible")));
  EXPECT_FALSE(plain.contains("include"));
  EXPECT_FALSE(plain.contains("reasoning"));
  EXPECT_FALSE(plain.contains("prompt_cache_key"));
  request.model = "gpt-5-mini";
  EXPECT_EQ(Json::parse(body_of(request, {}))["reasoning"]["effort"], "minimal");
}

TEST(ResponsesRequest, SchemaAndLimit) {
  ports::ModelRequest request = conversation();
  request.max_output_tokens = 77;
  request.output_schema = Json::parse(R"({"type":"object","properties":{"a":{"type":"string"}}})");
  const Json body = Json::parse(body_of(request, {}));
  EXPECT_EQ(body["max_output_tokens"], 77);
  EXPECT_EQ(body["text"]["format"]["type"], "json_schema");
  // An open schema is refused in strict mode.
  EXPECT_EQ(body["text"]["format"]["strict"], false);
}

}  // namespace
}  // namespace lathe::providers::openai_responses
