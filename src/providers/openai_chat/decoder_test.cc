#include "lathe/providers/openai_chat/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/providers/common/decoding_for_test.h"

namespace lathe::providers::openai_chat {
namespace {

using common::Decoded;
using common::Ending;
using ports::FinishReason;
using ports::RetryClass;
using protocol::ToolCall;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr common::Wire kWire{.make = make_decoder};

std::string chunk(std::string_view delta, std::string_view finish = "null") {
  return "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":" + std::string(delta) +
         ",\"finish_reason\":" + std::string(finish) + "}]}\n\n";
}
const std::string kDone = "data: [DONE]\n\n";

TEST(ChatDecoder, TextThenUsageThenDone) {
  const Decoded got = common::decode(
      kWire, chunk(R"({"role":"assistant","content":""})") + chunk(R"({"content":"Hel"})") +
                 chunk(R"({"content":"lo"})") + chunk("{}", "\"stop\"") +
                 R"(data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,)"
                 R"("prompt_tokens_details":{"cached_tokens":80},"completion_tokens_details":{"reasoning_tokens":7}}})"
                 "\n\n" +
                 kDone);
  const common::Events expected{ports::TextDelta{"Hello"}, ports::TextDone{},
                                ports::Finished{.reason = FinishReason::kStop,
                                                .usage = protocol::Usage{.input_tokens = 100,
                                                                         .cached_input_tokens = 80,
                                                                         .output_tokens = 20,
                                                                         .reasoning_tokens = 7},
                                                .provider_response_id = "chatcmpl-1"}};
  EXPECT_EQ(got.events, expected);
}

TEST(ChatDecoder, ReasoningBesideCompletionTokensIsCountedOnce) {
  const Decoded got = common::decode(
      kWire, chunk(R"({"content":"x"})", "\"stop\"") +
                 R"(data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":17,)"
                 R"("completion_tokens_details":{"reasoning_tokens":5}}})"
                 "\n\n" +
                 kDone);
  EXPECT_EQ(got.finished()->usage->output_tokens, 7);
  EXPECT_EQ(got.finished()->usage->total(), 17);
}

TEST(ChatDecoder, InterleavedCallsAreTakenApartByIndex) {
  const Decoded got = common::decode(
      kWire,
      chunk(R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"read","arguments":""}}]})") +
          chunk(
              R"({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"list","arguments":""}}]})") +
          chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"p\":"}}]})") +
          chunk(
              R"({"tool_calls":[{"index":1,"function":{"arguments":"{\"q\""}},{"index":0,"function":{"arguments":"1}"}}]})") +
          chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":":2}"}}]})") + chunk("{}", "\"tool_calls\"") +
          kDone);
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"a", "read", R"({"p":1})"}, ToolCall{"b", "list", R"({"q":2})"}));
  EXPECT_EQ(got.finished()->reason, FinishReason::kToolCalls);
}

TEST(ChatDecoder, CallsWithoutIndexStartWithTheirName) {
  const Decoded got = common::decode(
      kWire, chunk(R"({"tool_calls":[{"id":"a","function":{"name":"read","arguments":"{"}}]})") +
                 chunk(R"({"tool_calls":[{"function":{"arguments":"}"}}]})") +
                 chunk(R"({"tool_calls":[{"function":{"name":"list","arguments":{"deep":true}}}]})", "\"stop\"") +
                 kDone);
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"a", "read", "{}"}, ToolCall{"seed_1", "list", R"({"deep":true})"}));
  EXPECT_EQ(got.finished()->reason, FinishReason::kToolCalls);
}

TEST(ChatDecoder, WholeCallsThatAllSayIndexZeroStaySeparate) {
  const Decoded got = common::decode(
      kWire, chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":"{}"}}]})") +
                 chunk(R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"read","arguments":"{}"}}]})") + kDone);
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"a", "read", "{}"}, ToolCall{"b", "read", "{}"}));
}

TEST(ChatDecoder, AnIdUsedTwiceIsReplacedAndArgumentsThatAreNotJsonArePassedOn) {
  const Decoded got =
      common::decode(kWire, chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{oops"}},)"
                                  R"({"index":1,"id":"a","function":{"name":"y","arguments":"[1"}}]})") +
                                kDone);
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"a", "x", "{oops"}, ToolCall{"seed_1", "y", "[1"}));
}

TEST(ChatDecoder, ReasoningUnderAnyNameIsShownOnce) {
  const Decoded got =
      common::decode(kWire, chunk(R"({"reasoning_content":"a","reasoning":"a"})") + chunk(R"({"reasoning":"b"})") +
                                chunk(R"({"content":"done"})", "\"stop\"") + kDone);
  EXPECT_EQ(got.reasoning(), "ab");
  EXPECT_EQ(got.text(), "done");
  EXPECT_TRUE(std::holds_alternative<ports::ReasoningDone>(got.events[1]));
}

TEST(ChatDecoder, PiecesOfReasoningDetailsBecomeOne) {
  const Decoded got = common::decode(
      kWire,
      chunk(R"({"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]})") +
          chunk(
              R"({"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","signature":"s","index":0}]})") +
          chunk(R"({"content":"x"})", "\"stop\"") + kDone);
  EXPECT_EQ(got.opaques().at(0),
            base::Json::parse(R"([{"type":"reasoning.text","text":"ab","index":0,"signature":"s"}])"));
}

TEST(ChatDecoder, FinishReasonsMissingOddAndLate) {
  EXPECT_EQ(common::decode(kWire, chunk(R"({"content":"x"})") + kDone).finished()->reason, FinishReason::kStop);
  EXPECT_EQ(common::decode(kWire, chunk(R"({"content":"x"})", "\"length\"")).finished()->reason, FinishReason::kLength);
  EXPECT_EQ(common::decode(kWire, chunk(R"({"content":"x"})", "\"weird\"") + kDone).finished()->reason,
            FinishReason::kOther);
  EXPECT_EQ(common::decode(kWire, chunk("{}", "\"tool_calls\"") + kDone).finished()->reason, FinishReason::kStop);
}

TEST(ChatDecoder, AStreamThatEndsBeforeItsAnswerIsCut) {
  for (const Ending ending : {Ending::kWhole, Ending::kCut}) {
    const Decoded got = common::decode(kWire, chunk(R"({"content":"half"})"), ending);
    EXPECT_EQ(got.text(), "half");
    ASSERT_TRUE(got.failure.has_value());
    EXPECT_EQ(got.failure->retry, RetryClass::kStream);
    EXPECT_EQ(got.failure->error.code, protocol::error_codes::kStream);
  }
  // Once the content is whole, what is cut after it does not matter.
  EXPECT_TRUE(common::decode(kWire, chunk(R"({"content":"x"})", "\"stop\""), Ending::kCut).finished().has_value());
}

TEST(ChatDecoder, CommentsCrlfAndEmptyChoicesAreNothing) {
  const std::string lines = ": OPENROUTER PROCESSING\n\ndata: {\"choices\":[]}\n\n" + chunk(R"({"content":"x"})") +
                            ": still there\n\n" + chunk("{}", "\"stop\"") + kDone;
  const Decoded got = common::decode(kWire, base::replace_all(lines, "\n", "\r\n"));
  EXPECT_EQ(got.text(), "x");
  EXPECT_FALSE(got.failure.has_value());
}

TEST(ChatDecoder, ErrorsInsideTheStream) {
  const Decoded busy = common::decode(kWire, chunk(R"({"content":"x"})") +
                                                 R"(data: {"error":{"code":502,"message":"Provider returned error"}})"
                                                 "\n\n");
  EXPECT_EQ(busy.failure->error.code, protocol::error_codes::kUpstream);
  EXPECT_EQ(busy.failure->retry, RetryClass::kStream);
  const Decoded full = common::decode(
      kWire, R"(data: {"error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"too long"}})"
             "\n\n");
  EXPECT_EQ(full.failure->error.code, protocol::error_codes::kContextWindow);
  EXPECT_EQ(full.failure->retry, RetryClass::kNever);
}

TEST(ChatDecoder, GarbageIsNeverTriedAgain) {
  const Decoded page = common::decode(kWire, "<!doctype html><html>It works!</html>");
  ASSERT_TRUE(page.refused.has_value());
  EXPECT_THAT(page.refused->body, HasSubstr("It works!"));
  const Decoded first = common::decode(kWire, "data: hello there\n\n");
  EXPECT_EQ(first.failure->retry, RetryClass::kNever);
  EXPECT_THAT(first.failure->error.message, HasSubstr("hello there"));
  const Decoded later = common::decode(kWire, chunk(R"({"content":"x"})") + "data: {broken\n\n");
  EXPECT_EQ(later.failure->retry, RetryClass::kStream);
}

TEST(ChatDecoder, BytesThatAreNoTextAndVeryLongLines) {
  const Decoded bad = common::decode(kWire, chunk("{\"content\":\"a\xff\xfe z\"}", "\"stop\"") + kDone);
  EXPECT_EQ(bad.text(), "a\xef\xbf\xbd\xef\xbf\xbd z");
  const std::string large(10U << 20, 'y');
  const Decoded got = common::decode(kWire, chunk("{\"content\":\"" + large + "\"}", "\"stop\"") + kDone);
  EXPECT_EQ(got.text().size(), large.size());
}

TEST(ChatDecoder, SplitsAnywhere) {
  common::expect_same_for_every_split(
      kWire,
      "\xef\xbb\xbf"
      ": hi\r\n\r\n" +
          chunk(R"({"reasoning_content":"hm é"})") + chunk(R"({"content":"ö — ok"})") +
          chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}]})") +
          chunk("{}", "\"tool_calls\"") + kDone);
}

}  // namespace
}  // namespace lathe::providers::openai_chat
