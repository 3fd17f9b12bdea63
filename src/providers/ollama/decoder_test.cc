#include "lathe/providers/ollama/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/providers/common/decoding_for_test.h"

namespace lathe::providers::ollama {
namespace {

using common::Decoded;
using ports::FinishReason;
using ports::RetryClass;
using protocol::ToolCall;
using testing::ElementsAre;

constexpr common::Wire kWire{.make = make_decoder, .framing = common::Framing::kNdjson};

std::string line(std::string_view message) {
  return R"({"model":"m","message":)" + std::string(message) + ",\"done\":false}\n";
}
std::string last(std::string_view reason) {
  return R"({"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":")" +
         std::string(reason) +
         R"(","prompt_eval_count":26,"eval_count":12})"
         "\n";
}
const std::string kThinkingAndCalls =
    line(R"({"role":"assistant","content":"","thinking":"Hm ö"})") + line(R"({"role":"assistant","content":"Look"})") +
    "\n" + line(R"({"role":"assistant","content":"ing."})") +
    line(R"({"role":"assistant","content":"","tool_calls":[{"function":{"name":"read","arguments":{"p":1}}},)"
         R"({"id":"call_x","function":{"index":1,"name":"list","arguments":{}}}]})") +
    last("stop");

TEST(OllamaDecoder, ThinkingTextAndCallsWithoutIds) {
  const Decoded got = common::decode(kWire, kThinkingAndCalls);
  EXPECT_EQ(got.reasoning(), "Hm ö");
  EXPECT_EQ(got.text(), "Looking.");
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"seed_1", "read", R"({"p":1})"}, ToolCall{"call_x", "list", "{}"}));
  const ports::Finished expected{.reason = FinishReason::kToolCalls,
                                 .usage = protocol::Usage{.input_tokens = 26, .output_tokens = 12},
                                 .provider_response_id = ""};
  EXPECT_EQ(got.finished(), expected);
}

TEST(OllamaDecoder, SplitsAnywhereAndCrlf) {
  common::expect_same_for_every_split(kWire, kThinkingAndCalls);
  EXPECT_EQ(common::decode(kWire, base::replace_all(kThinkingAndCalls, "\n", "\r\n")).text(), "Looking.");
}

TEST(OllamaDecoder, EndsAndErrors) {
  EXPECT_EQ(common::decode(kWire, last("length")).finished()->reason, FinishReason::kLength);
  EXPECT_EQ(common::decode(kWire, last("unload")).finished()->reason, FinishReason::kOther);
  const Decoded cut = common::decode(kWire, line(R"({"content":"half"})"));
  EXPECT_EQ(cut.text(), "half");
  EXPECT_EQ(cut.failure->retry, RetryClass::kStream);
  const Decoded error = common::decode(kWire, line(R"({"content":"x"})") + R"({"error":"llama runner terminated"})"
                                                                           "\n");
  EXPECT_EQ(error.failure->error.code, protocol::error_codes::kUpstream);
  EXPECT_TRUE(common::decode(kWire, "<html>nginx</html>").refused.has_value());
}

}  // namespace
}  // namespace lathe::providers::ollama
