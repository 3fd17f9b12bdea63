#include "lathe/apps/native_session.h"

#include "lathe/tools/ask/ask_tool.h"
#include "lathe/tools/fs/fs_tools.h"
#include "lathe/tools/patch/patch_tool.h"
#include "lathe/tools/plan/plan_tool.h"
#include "lathe/tools/search/search_tools.h"
#include "lathe/tools/shell/environment.h"
#include "lathe/tools/shell/shell_tool.h"

namespace lathe::apps {

namespace {

using Tools = std::vector<std::unique_ptr<ports::Tool>>;

void add(Tools& all, Tools more) {
  for (auto& tool : more) all.push_back(std::move(tool));
}

Tools make_tools(const NativeSession::Shared& shared, ports::CommandRunner& runner) {
  Tools patch = tools::patch::make_patch_tools({.pool = &shared.fs_pool});
  tools::shell::ShellOptions shell;
  shell.runner = &runner;
  shell.environment = tools::shell::command_environment(tools::shell::own_environment(), {});
  shell.shell = tools::shell::default_shell();
  shell.default_timeout = shared.config.shell.default_timeout;
  shell.most_timeout = shared.config.shell.max_timeout;
  shell.apply_patch = patch.front().get();

  Tools all = tools::shell::make_shell_tools(std::move(shell));
  add(all, tools::fs::make_fs_tools({.pool = &shared.fs_pool}));
  add(all, std::move(patch));
  add(all, tools::search::make_search_tools(
               {.loop = &shared.loop, .pool = &shared.fs_pool, .ripgrep = tools::search::found_ripgrep()}));
  add(all, tools::plan::make_plan_tools());
  add(all, tools::ask::make_ask_tools());
  return all;
}

agent::AgentOptions agent_options(const config::Config& config) {
  agent::AgentOptions options;
  options.repeated_call_limit = config.repeated_call_limit;
  options.tool_output_tokens = config.tool_output_tokens;
  options.compact_at_percent = config.compact_at_percent;
  options.stream_idle_timeout = config.stream_idle_timeout;
  options.thinking_stall_timeout = config.thinking_stall_timeout;
  options.project_docs_bytes = static_cast<std::size_t>(config.project_docs_bytes);
  return options;
}

}  // namespace

NativeSession::NativeSession(const Shared& shared, const engine::DriverSetup& setup)
    : runner_(shared.loop, shared.keeper_program), tools_(shared.cassette.wrap(make_tools(shared, runner_))) {
  std::vector<ports::Tool*> tools;
  tools.reserve(tools_.size());
  for (const auto& tool : tools_) tools.push_back(tool.get());
  driver_ = std::make_unique<agent::NativeDriver>(agent::AgentParts{.loop = shared.loop,
                                                                    .pool = shared.fs_pool,
                                                                    .tools = std::move(tools),
                                                                    .candidates = setup.candidates,
                                                                    .facts = shared.facts},
                                                  agent_options(shared.config));
}

NativeSession::~NativeSession() = default;

runtime::Async<ports::TaskEnd> NativeSession::run(ports::TaskRequest request, ports::TaskHost& host,
                                                  runtime::CancelToken cancel) {
  return driver_->run(std::move(request), host, std::move(cancel));
}

runtime::Async<void> NativeSession::stop() { return runner_.stop(); }

}  // namespace lathe::apps
