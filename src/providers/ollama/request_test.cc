#include "lathe/providers/ollama/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/base/json.h"

namespace lathe::providers::ollama {
namespace {

using base::Json;
using testing::HasSubstr;

ports::ModelRequest conversation() {
  ports::ModelRequest request{.model = "qwen3", .system_prompt = "Be brief."};
  request.items = {
      ports::UserInputItem{{ports::ModelText{"Look."}, ports::ModelImage{.media_type = "image/png", .base64 = "QUJD"},
                            ports::ModelImage{.url = "https://example.org/a.png"}}},
      ports::AssistantReasoningItem{.text = "mine", .provider = "ollama"},
      ports::AssistantReasoningItem{.text = "foreign", .provider = "anthropic"},
      ports::AssistantCallItem{{"call_1", "read", "{oops"}},
      ports::ToolResultItem{.call_id = "call_1",
                            .tool = "read",
                            .output = "one",
                            .images = {{.media_type = "image/png", .base64 = "REVG"}}},
  };
  return request;
}

TEST(OllamaRequest, AConversationInItsShape) {
  ports::ModelRequest request = conversation();
  request.max_output_tokens = 7;
  request.thinking = ports::Thinking::kOff;
  const Json expected = Json::parse(R"({"model":"qwen3","messages":[
    {"role":"system","content":"Be brief."},
    {"role":"user","content":"Look.\n\n[an image at https://example.org/a.png that this server cannot fetch]","images":["QUJD"]},
    {"role":"assistant","content":"","thinking":"mine","tool_calls":[
      {"id":"call_1","function":{"name":"read","arguments":{"invalid_arguments":"{oops"}}}]},
    {"role":"tool","content":"one","tool_name":"read","tool_call_id":"call_1"},
    {"role":"user","content":"Images that the tool calls above returned:","images":["REVG"]}],
    "stream":true,"keep_alive":"30m","options":{"num_ctx":32768,"num_predict":7},"think":false})");
  EXPECT_EQ(Json::parse(body_of(request, {})), expected);
}

TEST(OllamaRequest, AFormatWithoutToolsWordsWithThem) {
  ports::ModelRequest request = conversation();
  request.output_schema = Json::parse(R"({"type":"object"})");
  EXPECT_EQ(Json::parse(body_of(request, {}))["format"], *request.output_schema);
  request.tools = {{.name = "read", .description = "Reads.", .parameters = Json::parse(R"({"type":"object"})")}};
  const Json body = Json::parse(body_of(request, {}));
  EXPECT_FALSE(body.contains("format"));
  EXPECT_THAT(body["messages"][0]["content"].get<std::string>(), HasSubstr("JSON Schema"));
}

}  // namespace
}  // namespace lathe::providers::ollama
