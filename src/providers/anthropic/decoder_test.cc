#include "lathe/providers/anthropic/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/protocol/error_codes.h"
#include "lathe/providers/common/decoding_for_test.h"

namespace lathe::providers::anthropic {
namespace {

using base::Json;
using common::Decoded;
using ports::FinishReason;
using ports::RetryClass;
using protocol::ToolCall;
using testing::ElementsAre;

constexpr common::Wire kWire{.make = make_decoder};

std::string event(std::string_view type, std::string_view members) {
  return "event: " + std::string(type) + "\ndata: {\"type\":\"" + std::string(type) + "\"" +
         (members.empty() ? "" : ",") + std::string(members) + "}\n\n";
}
std::string start(int index, std::string_view block) {
  return event("content_block_start",
               "\"index\":" + std::to_string(index) + ",\"content_block\":" + std::string(block));
}
std::string delta(int index, std::string_view value) {
  return event("content_block_delta", "\"index\":" + std::to_string(index) + ",\"delta\":" + std::string(value));
}
std::string stop(int index) { return event("content_block_stop", "\"index\":" + std::to_string(index)); }
std::string finish(std::string_view reason) {
  return event("message_delta",
               R"("delta":{"stop_reason":")" + std::string(reason) + R"("},"usage":{"output_tokens":30})");
}
const std::string kStart = event(
    "message_start",
    R"("message":{"id":"msg_1","usage":{"input_tokens":5,"cache_creation_input_tokens":10,"cache_read_input_tokens":85,"output_tokens":1}})");
const std::string kStop = event("message_stop", "");

const std::string kThinkingAndCalls =
    kStart + event("ping", "") + start(0, R"({"type":"thinking","thinking":"","signature":""})") +
    delta(0, R"({"type":"thinking_delta","thinking":"Hm"})") +
    delta(0, R"({"type":"thinking_delta","thinking":" ö."})") +
    delta(0, R"({"type":"signature_delta","signature":"sig=="})") + stop(0) +
    start(1, R"({"type":"redacted_thinking","data":"xyz"})") + stop(1) + start(2, R"({"type":"text","text":""})") +
    delta(2, R"({"type":"text_delta","text":"Looking."})") + stop(2) +
    start(3, R"({"type":"tool_use","id":"toolu_1","name":"read","input":{}})") +
    start(4, R"({"type":"tool_use","id":"toolu_2","name":"list","input":{}})") +
    delta(3, R"({"type":"input_json_delta","partial_json":"{\"p\":"})") +
    delta(4, R"({"type":"input_json_delta","partial_json":""})") +
    delta(3, R"({"type":"input_json_delta","partial_json":"1}"})") + stop(3) + stop(4) + finish("tool_use") + kStop;

TEST(MessagesDecoder, ThinkingTextAndParallelCalls) {
  const Decoded got = common::decode(kWire, kThinkingAndCalls);
  EXPECT_EQ(got.reasoning(), "Hm ö.");
  EXPECT_EQ(got.text(), "Looking.");
  EXPECT_THAT(got.opaques(), ElementsAre(Json::parse(R"({"type":"thinking","thinking":"Hm ö.","signature":"sig=="})"),
                                         Json::parse(R"({"type":"redacted_thinking","data":"xyz"})")));
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"toolu_1", "read", R"({"p":1})"}, ToolCall{"toolu_2", "list", "{}"}));
  const ports::Finished expected{
      .reason = FinishReason::kToolCalls,
      .usage =
          protocol::Usage{
              .input_tokens = 100, .cached_input_tokens = 85, .cache_write_tokens = 10, .output_tokens = 30},
      .provider_response_id = "msg_1"};
  EXPECT_EQ(got.finished(), expected);
}

TEST(MessagesDecoder, SplitsAnywhere) { common::expect_same_for_every_split(kWire, kThinkingAndCalls); }

TEST(MessagesDecoder, StopReasons) {
  const auto reason = [](std::string_view name) {
    return common::decode(kWire, kStart + start(0, R"({"type":"text","text":"x"})") + stop(0) + finish(name) + kStop)
        .finished()
        ->reason;
  };
  EXPECT_EQ(reason("end_turn"), FinishReason::kStop);
  EXPECT_EQ(reason("max_tokens"), FinishReason::kLength);
  EXPECT_EQ(reason("refusal"), FinishReason::kContentFilter);
  EXPECT_EQ(reason("something_new"), FinishReason::kOther);
}

TEST(MessagesDecoder, EndsWithoutMessageStopOnlyWhenTheReasonCame) {
  const std::string text = kStart + start(0, R"({"type":"text","text":"x"})");
  EXPECT_EQ(common::decode(kWire, text).failure->retry, RetryClass::kStream);
  EXPECT_TRUE(common::decode(kWire, text + finish("end_turn")).finished().has_value());
}

TEST(MessagesDecoder, ErrorEvents) {
  const Decoded busy =
      common::decode(kWire, kStart + event("error", R"("error":{"type":"overloaded_error","message":"Overloaded"})"));
  EXPECT_EQ(busy.failure->error.code, protocol::error_codes::kUpstream);
  EXPECT_EQ(busy.failure->retry, RetryClass::kStream);
  const Decoded key =
      common::decode(kWire, event("error", R"("error":{"type":"authentication_error","message":"invalid x-api-key"})"));
  EXPECT_EQ(key.failure->error.code, protocol::error_codes::kAuth);
}

}  // namespace
}  // namespace lathe::providers::anthropic
