#include "lathe/testing/model_server/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> check(Wire wire, std::string_view body) {
  return check_history(read_request(wire, *base::parse_json(body)));
}

TEST(History, ResponsesItems) {
  constexpr Wire kWire = Wire::kOpenaiResponses;
  EXPECT_THAT(check(kWire, R"({"input": "hi"})"), IsEmpty());
  EXPECT_THAT(check(kWire, R"({"input": [{"role": "user", "content": "hi"},
    {"type": "function_call", "call_id": "a", "arguments": "{}"}, {"type": "function_call", "call_id": "b", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "a"}, {"type": "function_call_output", "call_id": "b"}]})"),
              IsEmpty());
  EXPECT_THAT(check(kWire, R"({"input": [{"type": "function_call", "call_id": "a", "arguments": "{}"}]})"),
              ElementsAre(HasSubstr("a has no result")));
  EXPECT_THAT(check(kWire, R"({"input": [{"type": "function_call_output", "call_id": "x"}]})"),
              ElementsAre(HasSubstr("x has no call")));
  EXPECT_THAT(check(kWire, R"({"input": [{"type": "function_call", "call_id": "a", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "a"}, {"type": "function_call_output", "call_id": "a"}]})"),
              ElementsAre(HasSubstr("second result")));
}

TEST(History, ChatMessages) {
  constexpr Wire kWire = Wire::kOpenaiChat;
  constexpr std::string_view kCalls =
      R"({"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": "{}"}}, {"id": "b", "function": {"arguments": "{}"}}]})";
  const auto with = [&](std::string_view rest) {
    return check(
        kWire, R"({"messages": [{"role": "user", "content": "hi"},)" + std::string(kCalls) + std::string(rest) + "]}");
  };
  EXPECT_THAT(with(R"(,{"role": "tool", "tool_call_id": "a"},{"role": "tool", "tool_call_id": "b"})"), IsEmpty());
  EXPECT_THAT(with(R"(,{"role": "tool", "tool_call_id": "b"},{"role": "tool", "tool_call_id": "a"})"),
              ElementsAre(HasSubstr("b is out of order")));
  EXPECT_THAT(with(R"(,{"role": "tool", "tool_call_id": "a"},{"role": "user", "content": "x"})"),
              ElementsAre(HasSubstr("b has no result before the next user message")));
  EXPECT_THAT(check(kWire, R"({"messages": [{"role": "robot", "content": "x"}]})"), ElementsAre(HasSubstr("robot")));
}

TEST(History, AnthropicMessages) {
  constexpr Wire kWire = Wire::kAnthropic;
  const auto with = [&](std::string_view messages) {
    return check(kWire, R"({"max_tokens": 10, "messages": [)" + std::string(messages) + "]}");
  };
  constexpr std::string_view kStart =
      R"({"role": "user", "content": "hi"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "input": {}}]})";
  EXPECT_THAT(with(std::string(kStart) + R"(, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"},
    {"type": "text", "text": "go on"}]})"),
              IsEmpty());
  EXPECT_THAT(with(kStart), ElementsAre(HasSubstr("a has no result before the end")));
  EXPECT_THAT(with(std::string(kStart) + R"(, {"role": "user", "content": [{"type": "text", "text": "x"},
    {"type": "tool_result", "tool_use_id": "a"}]})"),
              Contains(HasSubstr("comes after other content")));
  EXPECT_THAT(with(R"({"role": "assistant", "content": "hi"})"), ElementsAre(HasSubstr("two assistant messages")));
  EXPECT_THAT(with(R"({"role": "user", "content": [{"type": "text", "text": ""}]})"), ElementsAre(HasSubstr("empty")));
  EXPECT_THAT(check(kWire, R"({"messages": [{"role": "user", "content": "x"}]})"),
              ElementsAre(HasSubstr("max_tokens")));
}

TEST(History, AnthropicSystemMessagesInTheMiddle) {
  const auto with = [&](std::string_view messages) {
    return check(Wire::kAnthropic, R"({"max_tokens": 10, "messages": [)" + std::string(messages) + "]}");
  };
  EXPECT_THAT(with(R"({"role": "user", "content": "hi"}, {"role": "system", "content": "be brief"},
    {"role": "assistant", "content": "ok"}, {"role": "user", "content": "go on"},
    {"role": "system", "content": [{"type": "text", "text": "the date changed"}]})"),
              IsEmpty());
  EXPECT_THAT(with(R"({"role": "user", "content": "hi"}, {"role": "system", "content": ""})"),
              ElementsAre(HasSubstr("something else than text")));
  EXPECT_THAT(with(R"({"role": "user", "content": "hi"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "input": {}}]},
    {"role": "system", "content": "x"}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]})"),
              Contains(HasSubstr("a has no result before the system message")));
}

TEST(History, OllamaMessages) {
  constexpr Wire kWire = Wire::kOllama;
  const auto with = [&](std::string_view rest) {
    return check(kWire, R"({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "",
      "tool_calls": [{"function": {"name": "a", "arguments": {}}}, {"function": {"name": "b", "arguments": {}}}]})" +
                            std::string(rest) + "]}");
  };
  EXPECT_THAT(with(R"(, {"role": "tool", "tool_name": "a"}, {"role": "tool", "tool_name": "b"})"), IsEmpty());
  EXPECT_THAT(with(R"(, {"role": "tool", "tool_name": "a"})"), ElementsAre(HasSubstr("call of b has no result")));
  EXPECT_THAT(with(R"(, {"role": "tool", "tool_name": "b"}, {"role": "tool", "tool_name": "a"})"),
              Contains(HasSubstr("out of order")));
}

TEST(PrefixCheck, AllowsGrowthAndNamesTheFirstDifference) {
  PrefixCheck check;
  const auto next = [&](std::string_view messages, std::string_view tools = "[]") {
    return check.next(
        read_request(Wire::kAnthropic, *base::parse_json(R"({"model": "m", "tools": )" + std::string(tools) +
                                                         R"(, "messages": [)" + std::string(messages) + "]}")));
  };
  const std::string first = R"({"role": "user", "content": "hi"})";
  EXPECT_EQ(next(first + R"(, {"role": "assistant", "content": [{"type": "text", "text": "a", "cache_control": {}}]})"),
            std::nullopt);
  EXPECT_EQ(next(first + R"(, {"role": "assistant", "content": [{"type": "text", "text": "a"}]}, {"role": "user"})"),
            std::nullopt)
      << "cache markers do not count";
  EXPECT_EQ(next(R"({"role": "user", "content": "another conversation"})"), std::nullopt);
  EXPECT_THAT(*next(first + R"(, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}, {"role": "user"})"),
              HasSubstr("message 1 changed"));
  EXPECT_THAT(*next(first), HasSubstr("message 1 is gone"));
  EXPECT_THAT(*next(first, R"([{"name": "t"}])"), HasSubstr("tools changed"));
}

/// Says whether a request with these messages extends the one before it, over the wire of Anthropic.
class Prefix {
 public:
  std::optional<std::string> next(std::string_view messages) {
    return check_.next(read_request(
        Wire::kAnthropic, *base::parse_json(R"({"model": "m", "messages": [)" + std::string(messages) + "]}")));
  }

 private:
  PrefixCheck check_;
};

constexpr std::string_view kCall =
    R"({"role": "user", "content": [{"type": "text", "text": "go"}]}, {"role": "assistant", "content": [{"id": "a"}]},)";
std::string called(std::string_view rest) { return std::string(kCall) + std::string(rest); }

TEST(PrefixCheck, WhatIsSteeredInBehindAResultIsNoBreak) {
  Prefix prefix;
  EXPECT_EQ(prefix.next(called(R"({"role": "user", "content": [{"type": "tool_result", "content": "ok"}]})")),
            std::nullopt);
  EXPECT_EQ(prefix.next(called(R"({"role": "user", "content": [{"type": "tool_result", "content": "ok"},
                                  {"type": "text", "text": "and this"}]})")),
            std::nullopt);
  EXPECT_EQ(prefix.next(called(R"({"role": "user", "content": [{"type": "tool_result", "content": "ok"},
                                  {"type": "text", "text": "and this"}]}, {"role": "assistant", "content": "Yes."})")),
            std::nullopt);
}

TEST(PrefixCheck, TheFirstMessageMayGrowWhileItIsTheLast) {
  Prefix prefix;
  EXPECT_EQ(prefix.next(R"({"role": "user", "content": [{"text": "go"}]})"), std::nullopt);
  EXPECT_EQ(prefix.next(R"({"role": "user", "content": [{"text": "go"}, {"text": "on"}]})"), std::nullopt);
  EXPECT_EQ(prefix.next(R"({"role": "user", "content": [{"text": "go"}, {"text": "on"}]}, {"role": "assistant"})"),
            std::nullopt);
  EXPECT_EQ(prefix.next(R"({"role": "user", "content": [{"text": "go"}, {"text": "on"}, {"text": "now"}]})"),
            std::nullopt)
      << "something stood behind it, so this is another conversation";
}

TEST(PrefixCheck, AMessageThatChangesInsideIsABreak) {
  const std::string before = called(R"({"role": "user", "content": [{"text": "ok"}, {"text": "and"}]})");
  const std::vector<std::string> broken{
      called(R"({"role": "user", "content": [{"text": "ok"}, {"text": "and this"}]})"),
      called(R"({"role": "user", "content": [{"text": "ok"}, {"text": "new"}, {"text": "and"}]})"),
      called(R"({"role": "user", "content": [{"text": "ok"}]})"),
      called(R"({"role": "user", "name": "x", "content": [{"text": "ok"}, {"text": "and"}, {"text": "new"}]})"),
      called(R"({"role": "user", "content": "ok"})")};
  for (const std::string& after : broken) {
    Prefix prefix;
    EXPECT_EQ(prefix.next(before), std::nullopt);
    const auto problem = prefix.next(after);
    ASSERT_TRUE(problem.has_value()) << after;
    EXPECT_THAT(*problem, HasSubstr("message 2 changed"));
  }
}

TEST(PrefixCheck, GrowthInTheMiddleIsABreak) {
  Prefix prefix;
  EXPECT_EQ(prefix.next(called(R"({"role": "user", "content": [{"text": "ok"}]}, {"role": "assistant"})")),
            std::nullopt);
  EXPECT_THAT(
      *prefix.next(called(R"({"role": "user", "content": [{"text": "ok"}, {"text": "late"}]}, {"role": "assistant"})")),
      HasSubstr("message 2 changed"));
}

}  // namespace
}  // namespace lathe::testing
