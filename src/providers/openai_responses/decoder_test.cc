#include "lathe/providers/openai_responses/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/protocol/error_codes.h"
#include "lathe/providers/common/decoding_for_test.h"

namespace lathe::providers::openai_responses {
namespace {

using base::Json;
using common::Decoded;
using ports::FinishReason;
using ports::RetryClass;
using protocol::ToolCall;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr common::Wire kWire{.make = make_decoder};

std::string event(std::string_view type, std::string_view members) {
  return "event: " + std::string(type) + "\ndata: {\"type\":\"" + std::string(type) + "\"" +
         (members.empty() ? "" : ",") + std::string(members) + "}\n\n";
}
std::string item_done(std::string_view item) {
  return event("response.output_item.done", "\"item\":" + std::string(item));
}
std::string completed(std::string_view more = "") {
  return event("response.completed", R"("response":{"id":"resp_1","status":"completed")" + std::string(more) + "}");
}

const std::string kReasoningAndCalls =
    event("response.created", R"("response":{"id":"resp_1"})") +
    event("response.reasoning_summary_part.added", R"("summary_index":0)") +
    event("response.reasoning_summary_text.delta", R"("delta":"First")") +
    event("response.reasoning_summary_part.added", R"("summary_index":1)") +
    event("response.reasoning_summary_text.delta", R"("delta":"Then ü")") +
    item_done(
        R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"First"}],"encrypted_content":"gAAA"})") +
    event("response.output_text.delta", R"("delta":"Let me ")") +
    event("response.output_text.delta", R"("delta":"look.")") +
    item_done(R"({"type":"message","content":[{"type":"output_text","text":"Let me look."}]})") +
    event("response.function_call_arguments.delta", R"("delta":"{")") +
    item_done(R"({"type":"function_call","id":"fc_1","call_id":"call_a","name":"read","arguments":"{\"p\":1}"})") +
    item_done(R"({"type":"function_call","id":"fc_2","call_id":"call_b","name":"list","arguments":"{oops"})") +
    completed(R"(,"usage":{"input_tokens":50,"input_tokens_details":{"cached_tokens":40},"output_tokens":9,)"
              R"("output_tokens_details":{"reasoning_tokens":5}})");

TEST(ResponsesDecoder, TextThatIsRepeatedIsNotReadAgain) {
  // Whoever reads this again fails at it.
  const std::string repeated = R"("text":")" + std::string(100'000, 'x') + R"(\q")";
  const std::string item = R"("item":{"type":"message","content":[{"type":"output_text",)" + repeated + "}]}";
  const Decoded got = common::decode(
      kWire, event("response.created", R"("response":{"id":"resp_1"})") +
                 event("response.output_text.delta", R"("delta":")" + std::string(100'000, 'x') + "\"") +
                 event("response.output_text.done", repeated) + event("response.content_part.done", repeated) +
                 event("response.output_item.done", item) +
                 completed(R"(,"usage":{"input_tokens":1,"output_tokens":2},"output":[{)" + repeated + "}]"));
  EXPECT_EQ(got.text(), std::string(100'000, 'x'));
  ASSERT_TRUE(got.finished().has_value());
  EXPECT_EQ(got.finished()->provider_response_id, "resp_1");
  ASSERT_TRUE(got.finished()->usage.has_value());
  EXPECT_EQ(got.finished()->usage->output_tokens, 2);
}

TEST(ResponsesDecoder, ALongItemThatCameWithoutDeltasIsReadWhole) {
  const std::string text(100'000, 'x');
  const Decoded got = common::decode(
      kWire, event("response.created", R"("response":{"id":"resp_1"})") +
                 item_done(R"({"type":"message","content":[{"type":"output_text","text":")" + text + "\"}]}") +
                 item_done(R"({"type":"function_call","call_id":"c","name":"n","arguments":")" + text + "\"}") +
                 completed());
  EXPECT_EQ(got.text(), text);
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"c", "n", text}));
}

TEST(ResponsesDecoder, ReasoningTextAndParallelCalls) {
  const Decoded got = common::decode(kWire, kReasoningAndCalls);
  EXPECT_EQ(got.reasoning(), "First\n\nThen ü");
  EXPECT_EQ(got.text(), "Let me look.");
  EXPECT_THAT(got.calls(), ElementsAre(ToolCall{"call_a", "read", R"({"p":1})"}, ToolCall{"call_b", "list", "{oops"}));
  // What goes back has no id: nothing is stored under it.
  EXPECT_THAT(
      got.opaques(),
      ElementsAre(Json::parse(
          R"({"type":"reasoning","summary":[{"type":"summary_text","text":"First"}],"encrypted_content":"gAAA"})")));
  const ports::Finished expected{
      .reason = FinishReason::kToolCalls,
      .usage =
          protocol::Usage{.input_tokens = 50, .cached_input_tokens = 40, .output_tokens = 9, .reasoning_tokens = 5},
      .provider_response_id = "resp_1"};
  EXPECT_EQ(got.finished(), expected);
}

TEST(ResponsesDecoder, SplitsAnywhere) { common::expect_same_for_every_split(kWire, kReasoningAndCalls); }

TEST(ResponsesDecoder, ItemsWithoutDeltasAndItemsOnlyInTheClosingObject) {
  const std::string message = R"({"type":"message","content":[{"type":"output_text","text":"whole"}]})";
  EXPECT_EQ(common::decode(kWire, item_done(message) + completed()).text(), "whole");
  EXPECT_EQ(common::decode(kWire, completed(",\"output\":[" + message + "]")).text(), "whole");
  EXPECT_EQ(common::decode(kWire, item_done(message) + completed(",\"output\":[" + message + "]")).text(), "whole");
}

TEST(ResponsesDecoder, IncompleteEndsTheTurnWithItsReason) {
  const auto incomplete = [](std::string_view why) {
    return common::decode(kWire,
                          event("response.incomplete",
                                R"("response":{"id":"r","status":"incomplete","incomplete_details":{"reason":")" +
                                    std::string(why) + "\"}}"))
        .finished()
        ->reason;
  };
  EXPECT_EQ(incomplete("max_output_tokens"), FinishReason::kLength);
  EXPECT_EQ(incomplete("content_filter"), FinishReason::kContentFilter);
  EXPECT_EQ(incomplete("whatever"), FinishReason::kOther);
}

struct FailedCase {
  std::string_view code;
  std::string_view message;
  std::string_view expected;
  RetryClass retry;
};

TEST(ResponsesDecoder, FailedCodes) {
  using namespace protocol::error_codes;
  for (const FailedCase& one : {
           FailedCase{"context_length_exceeded", "Your input exceeds the context window", kContextWindow,
                      RetryClass::kNever},
           FailedCase{"insufficient_quota", "You exceeded your current quota", kQuota, RetryClass::kNever},
           FailedCase{"usage_not_included", "no", kQuota, RetryClass::kNever},
           FailedCase{"cyber_policy", "no", kRefused, RetryClass::kNever},
           FailedCase{"invalid_prompt", "no", kRefused, RetryClass::kNever},
           FailedCase{"server_is_overloaded", "busy", kUpstream, RetryClass::kStream},
           FailedCase{"slow_down", "busy", kUpstream, RetryClass::kStream},
           FailedCase{"server_error", "oops", kUpstream, RetryClass::kStream},
           FailedCase{"rate_limit_exceeded", "Please try again in 1.5s.", kRateLimit, RetryClass::kStream},
       }) {
    const Decoded got = common::decode(
        kWire, event("response.failed", R"("response":{"status":"failed","error":{"code":")" + std::string(one.code) +
                                            R"(","message":")" + std::string(one.message) + "\"}}"));
    ASSERT_TRUE(got.failure.has_value()) << one.code;
    EXPECT_EQ(got.failure->error.code, one.expected) << one.code;
    EXPECT_EQ(got.failure->retry, one.retry) << one.code;
    EXPECT_EQ(got.failure->error.retryable, one.retry != RetryClass::kNever) << one.code;
    if (one.code == "rate_limit_exceeded") EXPECT_EQ(got.failure->retry_after, std::chrono::milliseconds(1500));
  }
}

TEST(ResponsesDecoder, ABareErrorEventAndAnEndWithoutCompleted) {
  const Decoded error = common::decode(kWire, event("error", R"("code":"server_error","message":"boom","param":null)"));
  EXPECT_THAT(error.failure->error.message, HasSubstr("boom"));
  EXPECT_EQ(error.failure->retry, RetryClass::kStream);
  const Decoded cut = common::decode(kWire, event("response.output_text.delta", R"("delta":"half")"));
  EXPECT_EQ(cut.text(), "half");
  EXPECT_EQ(cut.failure->retry, RetryClass::kStream);
}

}  // namespace
}  // namespace lathe::providers::openai_responses
