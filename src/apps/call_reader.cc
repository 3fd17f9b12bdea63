#include "lathe/apps/call_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lathe/apps/session_tools.h"
#include "lathe/base/strings.h"
#include "lathe/tools/common/aliases.h"
#include "lathe/tools/shell/environment.h"

namespace lathe::apps {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

Error nothing_runs() {
  return {.code = base::codes::kUnsupported, .message = "calls are only explained here, none is run"};
}

class NoCommands final : public ports::CommandRunner {
 public:
  Async<Result<ports::CommandExit>> run(ports::CommandSpec, ports::OutputSink&, runtime::CancelToken) override {
    co_return nothing_runs();
  }
  [[nodiscard]] std::string_view confinement() const override { return "none"; }
};

class NoJobs final : public ports::JobRunner {
 public:
  [[nodiscard]] std::string new_job() override { return "job"; }
  Async<Result<void>> start(ports::JobSpec) override { co_return nothing_runs(); }
  Async<Result<void>> write(std::string job, std::string) override { co_return ports::no_job(job); }
  Result<void> close_input(const std::string& job) override { return ports::no_job(job); }
  Result<void> resize(const std::string& job, unsigned, unsigned) override { return ports::no_job(job); }
  Async<Result<void>> wait(std::string job, std::chrono::milliseconds, runtime::CancelToken) override {
    co_return ports::no_job(job);
  }
  [[nodiscard]] Result<ports::JobOutput> read(const std::string& job, std::uint64_t, std::size_t) override {
    return ports::no_job(job);
  }
  [[nodiscard]] Result<ports::JobOutput> read_new(const std::string& job, std::size_t) override {
    return ports::no_job(job);
  }
  Async<Result<void>> kill(std::string job) override { co_return ports::no_job(job); }
  [[nodiscard]] std::vector<ports::JobStatus> list() const override { return {}; }
  [[nodiscard]] Result<ports::JobStatus> status(const std::string& job) const override { return ports::no_job(job); }
  void hold(const std::string&) override {}
  void release(const std::string&) override {}
  [[nodiscard]] Async<std::string> hidden(std::string) override { co_return std::string(); }
  [[nodiscard]] std::optional<protocol::JobEnd> take_end(const std::string&) override { return std::nullopt; }
};

class NoAgents final : public ports::SessionHost {
 public:
  Async<Result<std::string>> spawn(ports::SpawnRequest) override { co_return nothing_runs(); }
  Async<Result<ports::AgentResult>> wait(std::string, runtime::CancelToken) override { co_return nothing_runs(); }
  [[nodiscard]] std::vector<ports::RunningAgent> running() const override { return {}; }
  Async<Result<ports::AgentResult>> cancel(std::string) override { co_return nothing_runs(); }
};

class NoCatalog final : public ports::Catalog {
 public:
  Async<Result<ports::CatalogView>> look(std::string) override { co_return ports::CatalogView{}; }
  Async<Result<ports::SkillText>> read_skill(std::string, std::string) override { co_return nothing_runs(); }
};

Error unknown_tool(const std::string& name, const std::vector<std::string>& names) {
  std::string near = base::did_you_mean(name, names);
  if (near.empty()) near = "there are: " + base::join(names, ", ");
  return {
      .code = base::codes::kNotFound, .message = fmt::format("there is no tool \"{}\"", name), .hint = std::move(near)};
}

/// The tool's own words. Whatever their code, what is wrong is the call that was asked about.
Error refused_by_tool(Error error) {
  error.code = base::codes::kInvalid;
  return error.or_hint("the tool refuses this call, whatever the rules say");
}

}  // namespace

struct CallReader::Idle {
  explicit Idle(const Parts& parts)
      : web({.loop = parts.loop,
             .http = parts.http,
             .resolver = parts.resolver,
             .rules = egress::HostRules(),
             .limits = {}}) {}

  NoCommands commands;
  NoJobs jobs;
  NoAgents agents;
  NoCatalog catalog;
  tools::web::WebClient web;
};

CallReader::CallReader(const Parts& parts)
    : idle_(std::make_unique<Idle>(parts)),
      tools_(make_session_tools({.pool = parts.pool,
                                 .config = parts.config,
                                 .secrets = parts.secrets,
                                 .runner = idle_->commands,
                                 .jobs = idle_->jobs,
                                 .web = idle_->web,
                                 .catalog = idle_->catalog,
                                 .agents = &idle_->agents,
                                 .environment = tools::shell::own_environment()})) {}

CallReader::~CallReader() = default;

Async<Result<ports::Action>> CallReader::read(protocol::ToolCall call, std::string cwd) {
  std::vector<std::string> names;
  for (const auto& tool : tools_) names.push_back(tool->spec().name);
  const protocol::ToolCall meant = tools::common::translate_alias(call, names).value_or(call);
  const auto tool = std::ranges::find(names, meant.tool);
  if (tool == names.end()) co_return unknown_tool(call.tool, names);
  const ports::ToolEnvironment environment{.cwd = std::move(cwd), .session_id = ""};
  const auto prepared = co_await tools_[static_cast<std::size_t>(tool - names.begin())]->prepare(meant, environment);
  if (!prepared.ok()) co_return refused_by_tool(prepared.error());
  co_return (*prepared)->action();
}

}  // namespace lathe::apps
