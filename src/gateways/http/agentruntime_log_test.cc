#include "lathe/gateways/http/agentruntime_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::gateways::http {
namespace {

namespace p = protocol;
using base::Json;

/// The records of a session, and what stands in its log.
class AgentruntimeLogTest : public testing::Test {
 protected:
  void record(p::EventMsg msg, std::string by = "") {
    ++seq_;
    text_ += log_.add(
        {.session = "s", .seq = seq_, .id = "1", .by = std::move(by), .ts = seq_ * 1000, .msg = std::move(msg)});
  }
  void configure(std::string by) { record(p::SessionConfigured{.session_id = "s", .model = "m", .cwd = "/w"}, by); }

  [[nodiscard]] std::vector<Json> lines() const {
    std::vector<Json> parsed;
    for (const std::string_view line : base::split_lines(text_)) parsed.push_back(*base::parse_json(line));
    return parsed;
  }
  [[nodiscard]] std::vector<std::string> types() const {
    std::vector<std::string> names;
    for (const Json& line : lines()) names.push_back(base::json_string(line, "type"));
    return names;
  }

  AgentruntimeLog log_;
  std::string text_;
  std::int64_t seq_ = 0;
};

TEST_F(AgentruntimeLogTest, TellsATaskAndEachLineSaysWhereItEnds) {
  configure("agentruntime/op");
  record(p::TaskStarted{.task = "t"});
  record(p::UserMessage{.item = "i1", .content = {p::TextPart{"go"}}});
  record(p::ToolCalls{.calls = {{.call_id = "c", .tool = "shell", .arguments = R"({"command":"ls"})"}}});
  record(p::ExecCommandBegin{.call_id = "c", .command = {"ls"}, .cwd = "/w"});
  record(
      p::ExecCommandEnd{.call_id = "c", .exit_code = 1, .outcome = {.status = p::CallStatus::kFailed, .output = "no"}});
  // Enough lines for the offsets to grow by a digit more than once.
  for (int i = 0; i < 20; ++i) record(p::AgentMessage{.item = "i2", .text = std::string(30 * i, 'x') + "é\n"});
  record(p::TaskComplete{.task = "t",
                         .usage = {.input_tokens = 7, .output_tokens = 3},
                         .cost_micro_usd = 1200,
                         .turns = 2,
                         .tool_calls = 1,
                         .duration_ms = 50});
  const std::vector<std::string> named = types();
  EXPECT_EQ(std::vector(named.begin(), named.begin() + 6),
            (std::vector<std::string>{"system", "system", "system", "tool_use", "tool_result", "agent_message"}));
  EXPECT_EQ(named[named.size() - 2], "result");
  EXPECT_EQ(named.back(), "exit");
  std::int64_t end = 0;
  for (const std::string_view line : base::split_lines(text_)) {
    end += static_cast<std::int64_t>(line.size()) + 1;
    EXPECT_EQ(base::json_int(*base::parse_json(line), "offset"), end);
  }
  EXPECT_EQ(end, log_.size());
  const Json result = lines()[named.size() - 2];
  EXPECT_EQ(result["data"],
            *base::parse_json(R"({"session_id":"s","turn_id":"t","status":"success","cost_usd":0.0012,"duration_ms":50,
      "num_turns":2,"usage":{"input_tokens":7,"output_tokens":3}})"));
  EXPECT_EQ(lines()[4]["data"], *base::parse_json(R"({"id":"c","name":"shell","output":"no","is_error":true,
      "duration_ms":0})"));
  EXPECT_EQ(lines()[3]["data"]["input"]["command"], "ls");
  EXPECT_EQ(log_.standing().exit(/*archived=*/false), AgentruntimeExit{});
}

TEST_F(AgentruntimeLogTest, AFailedTaskExitsWithItsCodeAndCategory) {
  configure("cli/1");
  record(p::TaskStarted{.task = "t"});
  record(p::ToolCalls{.calls = {}, .usage = {.input_tokens = 5, .output_tokens = 1}, .cost_micro_usd = std::nullopt});
  record(
      p::ErrorEvent{.code = p::error_codes::kRateLimit, .message = "too many", .retryable = true, .ends_task = true});
  EXPECT_EQ(types(), (std::vector<std::string>{"system", "system", "error", "result", "exit"}));
  EXPECT_EQ(
      lines()[4]["data"],
      *base::parse_json(R"({"code":5,"error_detail":"too many","error_category":"rate_limit","retryable":true})"));
  EXPECT_EQ(lines()[3]["data"]["status"], "rate_limit");
  EXPECT_EQ(lines()[3]["data"]["usage"]["input_tokens"], 5);
  EXPECT_EQ(lines()[3]["data"]["num_turns"], 1);
  // Another Task: it has not ended.
  record(p::TaskStarted{.task = "u"});
  EXPECT_FALSE(log_.standing().exit(/*archived=*/false));
}

TEST_F(AgentruntimeLogTest, AnInteractiveSessionEndsOnlyWhenItIsArchived) {
  configure("agentruntime/interactive_1");
  EXPECT_EQ(log_.standing().exit(/*archived=*/true), AgentruntimeExit{});
  record(p::TaskStarted{.task = "t"});
  record(p::TurnAborted{.reason = p::AbortReason::kInterrupted});
  record(p::ErrorEvent{.code = p::error_codes::kInterrupted, .message = "interrupted", .ends_task = true});
  EXPECT_EQ(types(), (std::vector<std::string>{"system", "system", "error", "result"}));
  EXPECT_FALSE(log_.standing().exit(/*archived=*/false));
  EXPECT_EQ(log_.standing().exit(/*archived=*/true)->code, 4);
}

TEST_F(AgentruntimeLogTest, WhoResumesASessionSaysWhetherItEndsWithItsTask) {
  const auto run_task = [this] {
    record(p::TaskStarted{.task = "t"});
    record(p::TaskComplete{.task = "t"});
  };
  configure("agentruntime/interactive_1");
  run_task();
  configure("agentruntime/once_1");
  EXPECT_FALSE(log_.standing().interactive);
  EXPECT_FALSE(log_.standing().exit(/*archived=*/false)) << "what it is resumed for comes";
  run_task();
  EXPECT_EQ(log_.standing().exit(/*archived=*/false), AgentruntimeExit{});
  EXPECT_EQ(types().back(), "exit");
  // To look at it, or to set something, changes nothing of that.
  configure("cli/1");
  EXPECT_TRUE(log_.standing().exit(/*archived=*/false));
  configure("agentruntime/interactive_2");
  EXPECT_FALSE(log_.standing().exit(/*archived=*/false));
}

TEST_F(AgentruntimeLogTest, WhatIsReplacedIsNotTheEnd) {
  configure("cli/1");
  record(p::TaskStarted{.task = "t"});
  record(p::TurnAborted{.reason = p::AbortReason::kReplaced});
  EXPECT_EQ(types(), (std::vector<std::string>{"system", "system", "result"}));
  EXPECT_FALSE(log_.standing().exit(/*archived=*/false));
}

TEST_F(AgentruntimeLogTest, ProgressIsNoPartOfTheLog) {
  configure("cli/1");
  const std::string line = log_.show({.session = "s", .id = "1", .ts = 5, .msg = p::AgentMessageDelta{"i", 2, "he"}});
  EXPECT_EQ(*base::parse_json(line),
            (Json{{"type", "agent_message"},
                  {"data", {{"text", "he"}, {"delta", true}, {"item_id", "i"}, {"item_offset", 2}}},
                  {"offset", log_.size()},
                  {"timestamp", 5}}));
  EXPECT_EQ(log_.show({.session = "s", .id = "1", .ts = 5, .msg = p::TokenCount{}}), "");
}

}  // namespace
}  // namespace lathe::gateways::http
