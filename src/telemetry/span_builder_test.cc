#include "lathe/telemetry/span_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ranges>

#include "lathe/base/json.h"

namespace lathe::telemetry {
namespace {

namespace p = lathe::protocol;

class SpanBuilderTest : public testing::Test {
 protected:
  void at(base::UnixMillis ts, p::EventMsg msg) { in("s-1", "1", ts, std::move(msg)); }
  /// An event of a session, about the submission of that id.
  void in(const std::string& session, const std::string& id, base::UnixMillis ts, p::EventMsg msg) {
    for (Span& span : builder_.take({.session = session, .seq = ++seq_, .id = id, .ts = ts, .msg = std::move(msg)})) {
      spans_.push_back(std::move(span));
    }
  }
  /// The span of that name that ended last.
  Span last(std::string_view name) const {
    for (const Span& span : std::views::reverse(spans_)) {
      if (span.name == name) return span;
    }
    ADD_FAILURE() << "no span " << name;
    return {};
  }
  const AttributeValue* find(const Span& span, std::string_view name) const {
    for (const auto& [key, value] : span.attributes) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  std::string text(const Span& span, std::string_view name) const {
    const AttributeValue* const value = find(span, name);
    return value == nullptr ? "" : std::get<std::string>(*value);
  }
  std::int64_t number(const Span& span, std::string_view name) const {
    const AttributeValue* const value = find(span, name);
    return value == nullptr ? -1 : std::get<std::int64_t>(*value);
  }

  SpanBuilder builder_;
  std::vector<Span> spans_;
  std::int64_t seq_ = 0;
};

using Times = std::pair<base::UnixMillis, base::UnixMillis>;

constexpr const char* kTask = "019aa5f0-0000-7000-8000-00000000abcd";
constexpr const char* kTrace = "019aa5f000007000800000000000abcd";
constexpr const char* kAgentTask = "019aa5f0-0000-7000-8000-000000001111";

TEST_F(SpanBuilderTest, ATaskWithACallThatAPersonAllowed) {
  const p::Usage usage{.input_tokens = 10, .cached_input_tokens = 4, .output_tokens = 3};
  at(1, p::SessionConfigured{.session_id = "s-1", .provider = "openai_responses"});
  at(10, p::TaskStarted{.task = kTask});
  at(30, p::ToolCalls{.calls = {{.call_id = "c", .tool = "shell", .arguments = "secret"}},
                      .provider_response_id = "resp-of-theirs",
                      .model = "b/m",
                      .usage = usage,
                      .finish_reason = "tool_calls"});
  at(31, p::ExecApprovalRequest{.id = "q", .call_id = "c", .command = {"secret"}});
  at(40, p::ApprovalResolved{.id = "q", .call_id = "c", .decision = p::Decision::kApproved});
  at(41, p::ExecCommandBegin{.call_id = "c", .command = {"secret"}});
  at(50, p::ExecCommandEnd{.call_id = "c", .outcome = {.status = p::CallStatus::kFailed, .output = "secret"}});
  at(51, p::TurnComplete{.response_id = "resp-of-ours",
                         .provider_response_id = "resp-of-theirs",
                         .model = "b/m",
                         .usage = usage,
                         .finish_reason = "tool_calls"});
  at(60, p::TaskComplete{.task = kTask, .last_agent_message = "secret", .usage = usage, .turns = 1, .tool_calls = 1});
  ASSERT_EQ(spans_.size(), 3U);
  const Span& tool = spans_[0];
  const Span& chat = spans_[1];
  const Span& task = spans_[2];
  EXPECT_EQ(task.name, "invoke_agent lathe");
  EXPECT_EQ(task.trace_id, kTrace);
  EXPECT_EQ(task.parent_id, "");
  EXPECT_EQ(std::pair(task.start, task.end), Times(10, 60));
  EXPECT_EQ(task.error, "");
  EXPECT_EQ(chat.name, "chat m");
  EXPECT_EQ(chat.kind, SpanKind::kClient);
  EXPECT_EQ(std::pair(chat.start, chat.end), Times(10, 30));
  EXPECT_EQ(chat.parent_id, task.span_id);
  EXPECT_EQ(text(chat, "gen_ai.provider.name"), "openai");
  EXPECT_EQ(text(chat, "gen_ai.request.model"), "m");
  EXPECT_EQ(text(chat, "gen_ai.response.id"), "resp-of-theirs");
  EXPECT_EQ(number(chat, "gen_ai.usage.input_tokens"), 10);
  EXPECT_EQ(number(chat, "gen_ai.usage.cache_read.input_tokens"), 4);
  EXPECT_EQ(number(chat, "gen_ai.usage.output_tokens"), 3);
  EXPECT_EQ(tool.name, "execute_tool shell");
  EXPECT_EQ(tool.parent_id, task.span_id);
  EXPECT_EQ(std::pair(tool.start, tool.end), Times(41, 50));
  EXPECT_EQ(tool.error, "failed");
  ASSERT_EQ(tool.moments.size(), 2U);
  EXPECT_EQ(tool.moments[0].name, "lathe.approval.requested");
  EXPECT_EQ(tool.moments[1].attributes[1].second, AttributeValue("approved"));
  EXPECT_THAT(otlp_json(spans_, "1"), testing::Not(testing::HasSubstr("secret")));
}

TEST_F(SpanBuilderTest, ATaskThatIsEndedInItsTurnTellsWhatItUsed) {
  at(10, p::TaskStarted{.task = kTask});
  at(30, p::ToolCalls{.calls = {{.call_id = "c", .tool = "shell"}}, .model = "b/m", .usage = {.input_tokens = 7}});
  at(40, p::TurnAborted{.reason = p::AbortReason::kInterrupted});
  at(41, p::ErrorEvent{.code = "interrupted", .ends_task = true});
  ASSERT_EQ(spans_.size(), 2U);
  EXPECT_EQ(number(spans_[0], "gen_ai.usage.input_tokens"), 7);
  EXPECT_EQ(spans_[1].error, "interrupted");
}

TEST_F(SpanBuilderTest, TheTaskOfASubAgentIsBelowTheCallThatSpawnedIt) {
  at(10, p::TaskStarted{.task = kTask});
  at(20, p::ToolCalls{.calls = {{.call_id = "c", .tool = "spawn_agent"}}, .model = "b/m"});
  at(21, p::AgentStarted{.session = "s-2", .call_id = "c", .agent = "explore"});
  in("s-2", "", 22, p::SessionConfigured{.session_id = "s-2", .parent_session = "s-1", .agent = "explore"});
  in("s-2", "c", 23, p::TaskStarted{.task = kAgentTask});
  in("s-2", "c", 30, p::ToolCalls{.calls = {{.call_id = "d", .tool = "spawn_agent"}}, .model = "b/m"});
  in("s-2", "c", 31, p::AgentStarted{.session = "s-3", .call_id = "d", .agent = "deeper"});
  in("s-3", "", 32, p::SessionConfigured{.session_id = "s-3", .parent_session = "s-2", .agent = "deeper"});
  in("s-3", "d", 33, p::TaskStarted{.task = "019aa5f0-0000-7000-8000-000000002222"});
  in("s-3", "d", 34, p::TaskComplete{.task = "019aa5f0-0000-7000-8000-000000002222"});
  in("s-2", "c", 35, p::AgentEnded{.session = "s-3", .call_id = "d"});
  in("s-2", "c", 36, p::ToolCallEnd{.call_id = "d", .tool = "spawn_agent"});
  const Span deeper_call = last("execute_tool spawn_agent");
  in("s-2", "c", 40, p::TurnComplete{.response_id = "r", .model = "b/m"});
  in("s-2", "c", 41, p::TaskComplete{.task = kAgentTask});
  at(42, p::AgentEnded{.session = "s-2", .call_id = "c"});
  at(43, p::ToolCallEnd{.call_id = "c", .tool = "spawn_agent"});
  const Span call = last("execute_tool spawn_agent");
  at(50, p::TaskComplete{.task = kTask});

  for (const Span& span : spans_) EXPECT_EQ(span.trace_id, kTrace) << span.name;
  EXPECT_EQ(last("invoke_agent lathe").parent_id, "");
  EXPECT_EQ(call.parent_id, last("invoke_agent lathe").span_id);
  EXPECT_EQ(last("invoke_agent explore").parent_id, call.span_id);
  EXPECT_EQ(deeper_call.parent_id, last("invoke_agent explore").span_id);
  EXPECT_EQ(last("invoke_agent deeper").parent_id, deeper_call.span_id);

  in("s-2", "7", 60, p::TaskStarted{.task = "019aa5f0-0000-7000-8000-000000003333"});
  in("s-2", "7", 61, p::TaskComplete{.task = "019aa5f0-0000-7000-8000-000000003333"});
  EXPECT_EQ(last("invoke_agent explore").parent_id, "") << "a person's, in the session of an agent";
  EXPECT_NE(last("invoke_agent explore").trace_id, kTrace);
}

TEST_F(SpanBuilderTest, ASubAgentThatGoesOnInTheNextProcessStaysBelowItsCall) {
  ports::SessionState above{.session_id = "s-1", .config = p::SessionConfigured{}};
  above.task = ports::OpenTask{.task = kTask, .parked = true};
  above.agents = {{.session = "s-2", .call_id = "c", .agent = "explore"}};
  builder_.know({.session_id = "s-2", .config = p::SessionConfigured{.parent_session = "s-1", .agent = "explore"}});
  builder_.know(above);
  at(10, p::TaskResumed{.task = kTask});
  in("s-2", "c", 11, p::TaskResumed{.task = kAgentTask});
  in("s-2", "c", 12, p::TaskComplete{.task = kAgentTask});
  const Span agent = last("invoke_agent explore");
  EXPECT_EQ(agent.trace_id, kTrace);
  at(13, p::ToolCalls{.calls = {{.call_id = "c", .tool = "spawn_agent"}}, .model = "b/m"});
  at(14, p::ToolCallEnd{.call_id = "c", .tool = "spawn_agent"});
  EXPECT_EQ(agent.parent_id, last("execute_tool spawn_agent").span_id);
}

TEST(OtlpJson, IsWhatCollectorsRead) {
  const Span span{.trace_id = std::string(32, 'a'),
                  .span_id = std::string(16, 'b'),
                  .parent_id = std::string(16, 'c'),
                  .name = "chat m",
                  .kind = SpanKind::kClient,
                  .start = 1'795'000'000'000,
                  .end = 1'795'000'000'001,
                  .attributes = {{"text", "x"}, {"number", std::int64_t{5}}, {"list", std::vector<std::string>{"y"}}},
                  .moments = {{.name = "asked", .at = 1'795'000'000'000, .attributes = {}}},
                  .error = "timeout"};
  const base::Json body = *base::parse_json(otlp_json(std::vector{span}, "0.1"));
  const base::Json& sent = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
  EXPECT_EQ(sent["traceId"], std::string(32, 'a'));
  EXPECT_EQ(sent["parentSpanId"], std::string(16, 'c'));
  EXPECT_EQ(sent["kind"], 3);
  EXPECT_EQ(sent["startTimeUnixNano"], "1795000000000000000");
  EXPECT_EQ(sent["attributes"][0]["value"]["stringValue"], "x");
  EXPECT_EQ(sent["attributes"][1]["value"]["intValue"], "5");
  EXPECT_EQ(sent["attributes"][2]["value"]["arrayValue"]["values"][0]["stringValue"], "y");
  EXPECT_EQ(sent["events"][0]["name"], "asked");
  EXPECT_EQ(sent["status"]["code"], 2);
  EXPECT_EQ(body["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "lathe");
}

}  // namespace
}  // namespace lathe::telemetry
