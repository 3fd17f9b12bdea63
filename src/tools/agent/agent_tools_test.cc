#include "lathe/tools/agent/agent_tools.h"

#include <gtest/gtest.h>

#include "lathe/fakes/text_sink.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/loop.h"

namespace lathe::tools::agent {
namespace {

using Sink = fakes::TextSink;

/// Agents that end as the test says.
struct Host final : ports::SessionHost {
  std::vector<ports::SpawnRequest> spawned;
  ports::AgentResult ends{.session = "s1", .agent = "explore", .text = "found it"};
  std::optional<base::Error> error;
  std::vector<ports::RunningAgent> agents;
  std::vector<std::string> cancelled;

  runtime::Async<base::Result<std::string>> spawn(ports::SpawnRequest request) override {
    spawned.push_back(std::move(request));
    co_return std::string("s1");
  }
  runtime::Async<base::Result<ports::AgentResult>> wait(std::string, runtime::CancelToken) override {
    if (error) co_return *error;
    co_return ends;
  }
  [[nodiscard]] std::vector<ports::RunningAgent> running() const override { return agents; }
  runtime::Async<base::Result<ports::AgentResult>> cancel(std::string session) override {
    if (error) co_return *error;
    cancelled.push_back(session);
    co_return ports::AgentResult{.session = session, .agent = "explore"};
  }
};

class AgentToolsTest : public testing::Test {
 protected:
  /// What the model reads, or the error.
  std::string run(std::size_t index, std::string arguments) {
    const auto tools = make_agent_tools(host_);
    const ports::ToolEnvironment environment{.cwd = "/repo", .session_id = "s"};
    const auto call = loop_.block_on(
        tools[index]->prepare({.call_id = "c1", .tool = "t", .arguments = std::move(arguments)}, environment));
    if (!call.ok()) return call.error().text();
    title_ = (*call)->title();
    Sink out;
    const auto result = loop_.block_on((*call)->run(out, {}));
    if (!result.ok()) return result.error().code + ": " + result.error().message;
    status_ = result->status;
    return out.text;
  }

  runtime::Loop loop_;
  Host host_;
  std::string title_;
  protocol::CallStatus status_ = protocol::CallStatus::kCompleted;
};

TEST_F(AgentToolsTest, TheAnswerIsTheOutput) {
  EXPECT_EQ(run(0, R"({"prompt":"find it\nnow","agent":"explore"})"), "found it\n");
  EXPECT_EQ(title_, "explore: find it");
  ASSERT_EQ(host_.spawned.size(), 1U);
  EXPECT_EQ(host_.spawned[0].call_id, "c1");
  EXPECT_EQ(host_.spawned[0].agent, "explore");
  EXPECT_EQ(host_.spawned[0].prompt, "find it\nnow");
  EXPECT_FALSE(host_.spawned[0].background);
}

TEST_F(AgentToolsTest, AnEarlyEndIsAFailedCall) {
  host_.ends = {
      .session = "s1", .agent = "a", .status = protocol::CallStatus::kFailed, .text = "half", .why = "no money"};
  EXPECT_EQ(run(0, R"({"prompt":"p"})"), "The agent did not finish: no money\nIts last words:\nhalf\n");
  EXPECT_EQ(status_, protocol::CallStatus::kFailed);
}

TEST_F(AgentToolsTest, InTheBackgroundOnlyTheIdIsTold) {
  host_.error = base::Error{.code = "x", .message = "nobody waits"};
  EXPECT_EQ(run(0, R"({"prompt":"p","background":true})"),
            "The agent runs in the background under the id s1. You are told when it ends.\n");
  EXPECT_TRUE(host_.spawned[0].background);
}

TEST_F(AgentToolsTest, AParkedAgentParksTheCall) {
  host_.error = base::Error{.code = protocol::error_codes::kParked, .message = "waits"};
  EXPECT_EQ(run(0, R"({"prompt":"p"})"), "parked: waits");
}

TEST_F(AgentToolsTest, CancelsOneOrAll) {
  EXPECT_EQ(run(1, "{}"), "No agent runs.\n");
  host_.agents = {{.session = "s1"}, {.session = "s2"}};
  EXPECT_EQ(run(1, R"({"id":"s2"})"), "explore s2 ended.\n");
  EXPECT_EQ(run(1, "{}"), "explore s1 ended.\nexplore s2 ended.\n");
  EXPECT_EQ(host_.cancelled, (std::vector<std::string>{"s2", "s1", "s2"}));
}

TEST_F(AgentToolsTest, ChecksItsArguments) {
  EXPECT_EQ(run(0, R"({"prompt":" "})"), "spawn_agent: prompt is empty");
  EXPECT_EQ(run(0, R"({"prompt":"p","agnt":"x"})"),
            "spawn_agent: \"agnt\" is not an argument (did you mean \"agent\"?)");
}

}  // namespace
}  // namespace lathe::tools::agent
