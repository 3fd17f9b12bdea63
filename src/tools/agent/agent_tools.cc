#include "lathe/tools/agent/agent_tools.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/arguments.h"
#include "lathe/tools/common/prepared_job.h"
#include "lathe/tools/common/schema.h"

namespace lathe::tools::agent {

using base::Result;
using common::Need;
using ports::AgentResult;
using ports::RunResult;
using protocol::CallStatus;
using runtime::Async;

namespace {

/// What the model reads of an agent's end.
std::string told(const AgentResult& result) {
  std::string text;
  if (!result.why.empty()) text = fmt::format("The agent did not finish: {}\n", result.why);
  if (!result.text.empty() && !result.why.empty()) text += "Its last words:\n";
  text += result.text.empty() && result.why.empty() ? "(it said nothing)" : result.text;
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

RunResult as_result(const AgentResult& ended, ports::OutputSink& out) {
  RunResult result = common::said(out, told(ended));
  if (ended.status != CallStatus::kCompleted) result.status = CallStatus::kFailed;
  return result;
}

// ---- spawn_agent

ports::ToolSpec spawn_spec() {
  return {
      .name = "spawn_agent",
      .description =
          "Gives a task to a sub-agent with a conversation of its own and waits for its answer. It sees nothing of "
          "this "
          "conversation: say everything it needs, and what it shall report. It works in the same folder. Good for "
          "searches and reviews whose details you do not need, and for independent pieces of work. With background it "
          "runs beside you and its answer comes by itself when it is done; never wait or ask for it.",
      .parameters = common::object_schema(
          {{"prompt", Need::kRequired, common::text_schema("The whole task, in itself complete.")},
           {"agent", Need::kOptional,
            common::text_schema("Which agent; those that are defined here stand in the conversation. Without it: one "
                                "with your own tools.")},
           {"background", Need::kOptional, common::flag_schema("Go on meanwhile.")}})};
}

struct SpawnJob {
  ports::SessionHost* host;
  ports::SpawnRequest request;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken cancel) {
    const bool background = request.background;
    CO_TRY(const std::string session, co_await host->spawn(std::move(request)));
    if (background) {
      co_return common::said(out, fmt::format("The agent runs in the background under the id {}. You are told when it "
                                              "ends.\n",
                                              session));
    }
    CO_TRY(const AgentResult ended, co_await host->wait(session, std::move(cancel)));
    co_return as_result(ended, out);
  }
};

class SpawnAgent final : public ports::Tool {
 public:
  explicit SpawnAgent(ports::SessionHost& host) : host_(host) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment&) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    ports::SpawnRequest request{.call_id = call.call_id};
    CO_TRY(request.prompt, arguments.text("prompt"));
    if (base::trim(request.prompt).empty()) co_return arguments.wrong("prompt", "is empty");
    CO_TRY(const auto agent, arguments.optional_text("agent"));
    request.agent = agent.value_or("");
    CO_TRY(request.background, arguments.flag("background", false));
    const std::string_view first_line = base::split(base::trim(request.prompt), '\n')[0];
    std::string title =
        fmt::format("{}: {}", request.agent.empty() ? "agent" : request.agent, base::utf8_prefix(first_line, 100));
    co_return common::prepared_job(common::action_of(call, ports::Action::Kind::kOther), std::move(title),
                                   SpawnJob{&host_, std::move(request)});
  }

 private:
  ports::SessionHost& host_;
  const ports::ToolSpec spec_ = spawn_spec();
};

// ---- cancel_agent

ports::ToolSpec cancel_spec() {
  return {.name = "cancel_agent",
          .description = "Ends a sub-agent that runs in the background, or all of them when no id is given.",
          .parameters = common::object_schema(
              {{"id", Need::kOptional, common::text_schema("The id that spawn_agent gave; without it: all.")}})};
}

struct CancelJob {
  ports::SessionHost* host;
  std::optional<std::string> id;

  Async<Result<RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    std::vector<std::string> ids;
    if (id) ids.push_back(*id);
    if (!id) {
      for (const ports::RunningAgent& agent : host->running()) ids.push_back(agent.session);
    }
    if (ids.empty()) co_return common::said(out, "No agent runs.\n");
    std::string text;
    for (const std::string& session : ids) {
      CO_TRY(const AgentResult ended, co_await host->cancel(session));
      text += fmt::format("{} {} ended.\n", ended.agent, session);
    }
    co_return common::said(out, text);
  }
};

class CancelAgent final : public ports::Tool {
 public:
  explicit CancelAgent(ports::SessionHost& host) : host_(host) {}

  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }

  Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                              const ports::ToolEnvironment&) override {
    CO_TRY(const auto arguments, common::Arguments::parse(spec_, call));
    CO_TRY(const auto id, arguments.optional_text("id"));
    std::string title = id ? fmt::format("end the agent {}", base::utf8_prefix(*id, 80)) : "end all agents";
    co_return common::prepared_job(common::action_of(call, ports::Action::Kind::kOther), std::move(title),
                                   CancelJob{&host_, id});
  }

 private:
  ports::SessionHost& host_;
  const ports::ToolSpec spec_ = cancel_spec();
};

}  // namespace

std::vector<std::unique_ptr<ports::Tool>> make_agent_tools(ports::SessionHost& host) {
  std::vector<std::unique_ptr<ports::Tool>> tools;
  tools.push_back(std::make_unique<SpawnAgent>(host));
  tools.push_back(std::make_unique<CancelAgent>(host));
  return tools;
}

}  // namespace lathe::tools::agent
