#include "lathe/providers/common/api_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/protocol/error_codes.h"
#include "lathe/providers/common/call_ids.h"
#include "lathe/providers/common/request_parts.h"

namespace lathe::providers::common {
namespace {

namespace codes = protocol::error_codes;
using ports::ModelFailure;
using ports::RetryClass;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

const Endpoint kEndpoint{.backend = "work",
                         .base_url = "https://user:pass@example.org/v1?api-version=1",
                         .api_key = "sk-secret-123",
                         .key_source = "WORK_KEY",
                         .headers = {{"X-Auth-Token", "token-456"}}};

ModelFailure refused(int status, std::string body, std::vector<net::Header> headers = {}) {
  const FailureContext context{.endpoint = &kEndpoint, .path = "/chat/completions", .model = "big-model"};
  return failure_of({.head = {.status = status, .headers = std::move(headers)}, .body = std::move(body)}, context, 0);
}

struct StatusCase {
  int status;
  std::string body;
  std::string_view code;
  RetryClass retry;
};

TEST(ApiFailure, StatusesAndBodiesOfManyServers) {
  const std::vector<StatusCase> cases{
      {400, R"({"error":{"message":"Invalid value","type":"invalid_request_error"}})", codes::kBadRequest,
       RetryClass::kNever},
      {401, R"({"error":{"message":"Incorrect API key provided"}})", codes::kAuth, RetryClass::kNever},
      {403, R"({"error":{"message":"Country not supported"}})", base::codes::kPermission, RetryClass::kNever},
      {403, R"({"type":"error","error":{"type":"permission_error","message":"Your API key cannot use this"}})",
       base::codes::kPermission, RetryClass::kNever},
      {200, R"({"error":{"type":"permission_error","message":"no"}})", base::codes::kPermission, RetryClass::kNever},
      {402, R"({"error":{"code":402,"message":"This request requires more credits"}})", codes::kQuota,
       RetryClass::kNever},
      {404, R"({"error":{"message":"The model `x` does not exist","code":"model_not_found"}})", codes::kModelNotFound,
       RetryClass::kNever},
      {404, R"({"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}})", codes::kModelNotFound,
       RetryClass::kNever},
      {404, R"({"error":"model 'x' not found"})", codes::kModelNotFound, RetryClass::kNever},
      {400, R"({"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500"})",
       codes::kModelNotFound, RetryClass::kNever},
      {404, R"({"detail":"Not Found"})", base::codes::kUnsupported, RetryClass::kNever},
      {404, "<html>404</html>", base::codes::kUnsupported, RetryClass::kNever},
      {405, "", base::codes::kUnsupported, RetryClass::kNever},
      {400, R"({"error":{"message":"Unsupported endpoint: /v1/responses"}})", base::codes::kUnsupported,
       RetryClass::kNever},
      {408, "", base::codes::kTimeout, RetryClass::kRequest},
      {413, R"({"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}})",
       codes::kContextWindow, RetryClass::kNever},
      {413, R"({"error":{"code":"rate_limit_exceeded","message":"Request too large for model on tokens per minute"}})",
       codes::kRateLimit, RetryClass::kRequest},
      {422, R"({"detail":[{"loc":["body","messages",0],"msg":"field required"}]})", codes::kBadRequest,
       RetryClass::kNever},
      {429, R"({"error":{"message":"Rate limit reached"}})", codes::kRateLimit, RetryClass::kRequest},
      {429, R"({"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}})", codes::kQuota,
       RetryClass::kNever},
      {400, R"({"error":{"message":"Your credit balance is too low to access the API"}})", codes::kQuota,
       RetryClass::kNever},
      {500, "oops", codes::kUpstream, RetryClass::kRequest},
      {502, "<html>Bad gateway</html>", codes::kUpstream, RetryClass::kRequest},
      {503, "", codes::kUpstream, RetryClass::kRequest},
      {529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", codes::kUpstream,
       RetryClass::kRequest},
      {200, "<html>welcome</html>", codes::kStream, RetryClass::kNever},
      {200, R"({"error":{"type":"overloaded_error","message":"Overloaded"}})", codes::kUpstream, RetryClass::kRequest},
  };
  for (const StatusCase& one : cases) {
    const ModelFailure got = refused(one.status, one.body);
    EXPECT_EQ(got.error.code, one.code) << one.status << " " << one.body;
    EXPECT_EQ(got.retry, one.retry) << one.status << " " << one.body;
    EXPECT_EQ(got.error.retryable, one.retry != RetryClass::kNever);
    EXPECT_FALSE(got.error.hint.empty());
  }
}

TEST(ApiFailure, EveryKnownWordingOfATooLongConversation) {
  for (const char* words : {
           "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
           "prompt is too long: 210000 tokens > 200000 maximum",
           "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000",
           "the request exceeds the available context size, try increasing it",
           "Your input exceeds the context window of this model.",
           "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
           "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
           "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
           "Input is too long for requested model.",
           "litellm.ContextWindowExceededError: too long",
           "the input length exceeds the context length",
           "prompt too long; exceeded max context length by 12 tokens",
           "Please reduce the length of the messages or completion.",
       }) {
    EXPECT_EQ(refused(400, base::dump_json({{"error", {{"message", words}}}})).error.code, codes::kContextWindow)
        << words;
  }
  EXPECT_EQ(refused(400, R"({"error":{"code":400,"message":"no","type":"exceed_context_size_error"}})").error.code,
            codes::kContextWindow);
  EXPECT_EQ(refused(400, R"({"error":{"message":"max_tokens: 9 > 8, the maximum allowed number of output tokens"}})")
                .error.code,
            codes::kBadRequest);
}

TEST(ApiFailure, RetryAfterInHeadersAndWords) {
  EXPECT_EQ(refused(429, "", {{"retry-after", "7"}}).retry_after, milliseconds(7000));
  EXPECT_EQ(refused(429, "", {{"retry-after", "7"}, {"retry-after-ms", "250"}}).retry_after, milliseconds(250));
  EXPECT_EQ(refused(503, "", {{"retry-after", "Thu, 01 Jan 1970 00:00:09 GMT"}}).retry_after, milliseconds(9000));
  EXPECT_EQ(refused(429, R"({"error":{"message":"Please try again in 1.898s."}})").retry_after, milliseconds(1898));
  EXPECT_EQ(refused(429, R"({"error":{"message":"Please try again in 6m0s."}})").retry_after, milliseconds(360'000));
  EXPECT_EQ(refused(429, R"({"error":{"message":"try again in 20ms"}})").retry_after, milliseconds(20));
  EXPECT_EQ(refused(429, R"({"error":{"message":"Please retry after 20 seconds"}})").retry_after, milliseconds(20'000));
  EXPECT_EQ(refused(429, R"({"error":{"message":"slow down"}})").retry_after, std::nullopt);
  EXPECT_EQ(refused(401, "", {{"retry-after", "7"}}).retry_after, std::nullopt);
}

TEST(ApiFailure, MessagesNameThePlaceAndKeepNoSecret) {
  const ModelFailure got = refused(401, R"({"error":{"message":"bad key sk-secret-123 or token-456"}})");
  EXPECT_THAT(got.error.message, HasSubstr("backend \"work\""));
  EXPECT_THAT(got.error.message, HasSubstr("https://example.org/v1/chat/completions"));
  EXPECT_THAT(got.error.hint, HasSubstr("WORK_KEY"));
  for (const char* secret : {"sk-secret-123", "token-456", "pass"})
    EXPECT_THAT(got.error.text(), Not(HasSubstr(secret)));
  EXPECT_THAT(refused(404, R"({"error":{"message":"model not found"}})").error.text(),
              testing::AllOf(HasSubstr("big-model"), HasSubstr("lathe model list")));
}

TEST(ApiFailure, WhatIsNotPermittedNamesTheKeyWithoutSayingThatItIsWrong) {
  const ModelFailure got = refused(403, R"({"error":{"message":"This organisation may not use big-model"}})");
  EXPECT_THAT(got.error.text(), testing::AllOf(HasSubstr("does not permit"), HasSubstr("may not use big-model"),
                                               HasSubstr("WORK_KEY may do"), Not(HasSubstr("refused"))));
}

TEST(ApiFailure, OnlyWhatMayPassIsTriedAgainWithoutAConnection) {
  const FailureContext context{.endpoint = &kEndpoint, .path = "/models", .model = {}};
  const ModelFailure lost =
      failure_to_connect({.code = "unreachable", .message = "no route", .retryable = true}, context);
  EXPECT_EQ(lost.retry, RetryClass::kConnect);
  EXPECT_EQ(lost.error.hint, "is the server running? `lathe backend test work` asks it");
  const ModelFailure nowhere = failure_to_connect(
      {.code = "unreachable", .message = "no such host", .hint = "check the URL", .retryable = true}, context);
  EXPECT_EQ(nowhere.error.hint, "check the URL; `lathe backend test work` asks it");
  const ModelFailure late = failure_to_connect({.code = base::codes::kTimeout, .message = "timed out"}, context);
  EXPECT_EQ(late.retry, RetryClass::kStream);
  EXPECT_EQ(late.error.code, codes::kUnreachable);
  const ModelFailure broken =
      failure_to_connect({.code = codes::kStream, .message = "it broke", .retryable = true}, context);
  EXPECT_EQ(broken.retry, RetryClass::kStream);
  EXPECT_THAT(broken.error.hint, HasSubstr("`lathe backend test work --ask`"));
  const ModelFailure refused = failure_to_connect(
      {.code = "unreachable", .message = "the certificate was refused", .hint = "SSL_CERT_FILE"}, context);
  EXPECT_EQ(refused.retry, RetryClass::kNever);
  EXPECT_FALSE(refused.error.retryable);
  EXPECT_EQ(refused.error.hint, "SSL_CERT_FILE");
}

TEST(Endpoint, UrlsKeepTheirQueryAtTheEnd) {
  EXPECT_EQ(url_of(kEndpoint, "/models?limit=5"), "https://user:pass@example.org/v1/models?limit=5&api-version=1");
  EXPECT_EQ(url_of({.backend = "b", .base_url = "http://h:1/v1/"}, "/models"), "http://h:1/v1/models");
}

TEST(CallIds, StayWhereTheyAreFineElseDependOnNothingButThemselves) {
  EXPECT_EQ(call_id_for(CallIdStyle::kPlain, "toolu_1-a"), "toolu_1-a");
  EXPECT_EQ(call_id_for(CallIdStyle::kNine, "abcDEF123"), "abcDEF123");
  const std::string nine = call_id_for(CallIdStyle::kNine, "call_1");
  EXPECT_EQ(nine, call_id_for(CallIdStyle::kNine, "call_1"));
  EXPECT_NE(nine, call_id_for(CallIdStyle::kNine, "call_2"));
  EXPECT_EQ(call_id_for(CallIdStyle::kPlain, std::string(200, 'x')).size(), 16U);
}

TEST(RequestParts, StrictSchemas) {
  const auto strict = [](const char* text) { return is_strict_schema(base::Json::parse(text)); };
  EXPECT_TRUE(strict(R"({"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false})"));
  EXPECT_FALSE(strict(R"({"type":"object","properties":{"a":{}},"required":[],"additionalProperties":false})"));
  EXPECT_FALSE(strict(R"({"type":"array","items":{"type":"object","properties":{}}})"));
}

}  // namespace
}  // namespace lathe::providers::common
