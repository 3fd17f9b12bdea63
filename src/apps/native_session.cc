#include "lathe/apps/native_session.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "lathe/apps/agent_tools.h"
#include "lathe/apps/session_tools.h"
#include "lathe/runtime/files.h"
#include "lathe/sandbox/system_folders.h"
#include "lathe/tools/common/aliases.h"
#include "lathe/tools/shell/environment.h"

namespace lathe::apps {

namespace {

/// How long the commands of a process that died go on for the next one to find; what they wrote stays.
constexpr std::chrono::seconds kKeeperLinger{5};
/// The same where one daemon takes the place of another, however slowly that starts.
constexpr std::chrono::seconds kHandOverLinger{60};
constexpr std::size_t kProxyNameLetters = 12;
constexpr std::int64_t kMostCharacters = 10'000;

base::ProcessContext process_context(const engine::DriverSetup& setup) {
  return setup.context ? setup.context->process : base::ProcessContext();
}

tools::shell::KeeperOptions keeper_options(const NativeSession::Shared& shared, const engine::DriverSetup& setup,
                                           SessionSandbox* sandbox) {
  return {.program = shared.sandbox.keeper_program,
          .folder = shared.keepers_dir + "/" + setup.session_id,
          .linger = kKeeperLinger,
          .limits = tools::shell::usual_limits(static_cast<std::uint64_t>(shared.config.memory_bytes)),
          .context = process_context(setup),
          .confine = [sandbox](ports::CommandSpec spec) { return sandbox->confine(std::move(spec)); }};
}

std::vector<std::string> environment_of(const engine::DriverSetup& setup) {
  if (setup.context && setup.context->environment) return *setup.context->environment;
  return tools::shell::own_environment();
}

/// Known to be accepted: the session was configured with it.
std::string level_of(const NativeSession::Shared& shared, const engine::DriverSetup& setup) {
  return session_level(shared.config, shared.host, setup.sandbox_mode, setup.network).value_or("none");
}

std::unique_ptr<SessionNetwork> make_network(const NativeSession::Shared& shared, const engine::DriverSetup& setup) {
  if (setup.network != protocol::NetworkMode::kProxy) return nullptr;
  // The path of a socket has to be short; the end of an id is its random part.
  const std::string& id = setup.session_id;
  const std::string name = id.substr(id.size() - std::min(id.size(), kProxyNameLetters));
  return std::make_unique<SessionNetwork>(
      shared.loop,
      egress::ProxyThread::Options{.rules = host_rules(setup.allow_hosts),
                                   .limits = {.bytes = static_cast<std::uint64_t>(shared.config.egress_bytes)},
                                   .socket_path = shared.proxies_dir + "/" + name},
      setup.record, setup.verdict_on);
}

/// What commands in the jail see under its own name.
std::vector<std::string> folders_in_sight(const NativeSession::Shared& shared, const engine::DriverSetup& setup) {
  std::vector<std::string> folders(sandbox::kSystemFolders.begin(), sandbox::kSystemFolders.end());
  std::vector<std::string> named = session_facts(shared.sandbox, setup).readable_roots;
  named.push_back(setup.cwd);
  for (std::string& folder : named) {
    if (auto real = runtime::real_path(folder); real.ok()) folders.push_back(*std::move(real));
    folders.push_back(std::move(folder));
  }
  return folders;
}

ports::TaskEnd failed(base::Error error) { return {.kind = ports::TaskEnd::Kind::kFailed, .error = std::move(error)}; }

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
    : session_id_(setup.session_id),
      history_(setup.history),
      record_(setup.record),
      is_agent_(!setup.lineage.empty()),
      cassette_(shared.cassette),
      secrets_(shared.secrets.with_open(sandbox::private_home(session_facts(shared.sandbox, setup)))),
      network_(make_network(shared, setup)),
      sandbox_({.loop = shared.loop,
                .pool = shared.fs_pool,
                .blobs = shared.blobs,
                .record = setup.record,
                .proxy_socket = network_ ? network_->socket_path() : "",
                .taint = taint_book(shared.sandbox.paths),
                .baseline_file = shared.keepers_dir + "/" + setup.session_id + ".names"},
               session_facts(shared.sandbox, setup), shared.host),
      keepers_(shared.loop, keeper_options(shared, setup, &sandbox_)),
      keeper_runner_(shared.loop, keepers_, level_of(shared, setup),
                     {&shared.fs_pool, folders_in_sight(shared, setup)}),
      runner_(keeper_runner_, sandbox_),
      jobs_(shared.loop, keepers_, shared.blobs,
            {.record = setup.record ? [this](protocol::EventMsg msg) { record_of_job(std::move(msg)); }
                                    : ports::RecordEvent(),
             .observer = this,
             .sight = {&shared.fs_pool, folders_in_sight(shared, setup)},
             .secrets = shared.keys}),
      web_({.loop = shared.loop,
            .http = shared.http,
            .resolver = shared.resolver,
            .rules = host_rules(setup.allow_hosts),
            .limits = {}}),
      tools_(narrow_for_agents(
          shared.cassette.wrap(make_session_tools({.pool = shared.fs_pool,
                                                   .config = shared.config,
                                                   .secrets = secrets_,
                                                   .runner = runner_,
                                                   .jobs = jobs_,
                                                   .web = web_,
                                                   .catalog = shared.catalog,
                                                   .agents = setup.agents,
                                                   .environment = environment_of(setup),
                                                   .file_mode_mask = process_context(setup).file_mode_mask})),
          setup.lineage, shared.fs_pool)),
      scope_(shared.loop) {
  if (setup.agents != nullptr && !is_agent_) cassette_.watch(session_id_, *setup.agents);
  std::vector<ports::Tool*> tools;
  std::vector<std::string> names;
  if (tools_.ok()) {
    for (const auto& tool : *tools_) {
      tools.push_back(tool.get());
      names.push_back(tool->spec().name);
    }
  }
  driver_ = std::make_unique<agent::NativeDriver>(
      agent::AgentParts{
          .loop = shared.loop,
          .pool = shared.fs_pool,
          .tools = std::move(tools),
          .candidates = setup.candidates,
          .facts = shared.facts,
          .history = setup.history,
          .catalog = shared.catalog,
          .translate = [names](const protocol::ToolCall& call) { return tools::common::translate_alias(call, names); }},
      agent_options(shared.config));
}

NativeSession::~NativeSession() = default;

runtime::Async<ports::TaskEnd> NativeSession::run(ports::TaskRequest request, ports::TaskHost& host,
                                                  runtime::CancelToken cancel) {
  if (!tools_.ok()) co_return failed(tools_.error());
  if (network_) {
    if (auto entered = co_await network_->enter(&host); !entered.ok()) co_return failed(std::move(entered).error());
  }
  // An agent's parent tells it.
  if (!is_agent_) co_await sandbox_.tell_taint();
  task_runs_ = true;
  // What is being kept would end the snapshot of a command of this Task.
  co_await scope_.join();
  std::exception_ptr thrown;
  ports::TaskEnd end;
  try {
    end = co_await run_on_cassette(std::move(request), host, std::move(cancel));
  } catch (...) {
    thrown = std::current_exception();
  }
  task_runs_ = false;
  if (network_) co_await network_->leave();
  if (thrown) std::rethrow_exception(thrown);
  co_await keep_changes();
  co_return end;
}

runtime::Async<ports::TaskEnd> NativeSession::run_on_cassette(ports::TaskRequest request, ports::TaskHost& host,
                                                              runtime::CancelToken cancel) {
  const std::unique_ptr<providers::cassette::CassetteHost> taped = cassette_.wrap(host);
  if (!taped) co_return co_await driver_->run(std::move(request), host, std::move(cancel));
  while (true) {
    ports::TaskEnd end = co_await driver_->run(request, *taped, cancel);
    const auto told = co_await taped->tell_side_events();
    if (!told.ok()) co_return failed(told.error());
    // Where the engine waited for the end of an agent, and went on with it, a replay has that end here.
    if (end.kind != ports::TaskEnd::Kind::kComplete || !*told) co_return end;
    request.compact_only = false;
  }
}

void NativeSession::record_of_job(protocol::EventMsg msg) {
  using When = providers::cassette::SideEvents::When;
  // Agents do not run in a replay, nor do their jobs.
  if (!is_agent_ && protocol::is_durable(msg)) {
    cassette_.comes(session_id_, task_runs_ ? When::kInTask : When::kBetweenTasks, msg);
  }
  record_(std::move(msg));
}

void NativeSession::job_begins(Start start) {
  ++live_jobs_;
  sandbox_.job_begun(start == Start::kTakenOver ? SessionSandbox::Jobs::kTakenOver : SessionSandbox::Jobs::kNew);
  jobs_changed();
}

void NativeSession::job_ended() {
  --live_jobs_;
  sandbox_.job_ended();
  jobs_changed();
}

void NativeSession::jobs_changed() {
  if (history_ == nullptr) return;
  history_->jobs_live(live_jobs_ > 0);
  changes_due_ = true;
  if (!task_runs_) scope_.spawn(keep_changes());
}

runtime::Async<void> NativeSession::keep_changes() {
  if (!std::exchange(changes_due_, false)) co_return;
  const base::Result<void> kept = co_await history_->after_command();
  if (kept.ok() || !record_) co_return;
  record_(protocol::Warning{.code = "undo_incomplete",
                            .message = "what a job changed could not be kept for undo: " + kept.error().text()});
}

runtime::Async<std::vector<protocol::EventMsg>> NativeSession::recover(const ports::SessionState& state) {
  return take_over(state);
}

/// What goes on had a way out by the proxy of the process before this one.
runtime::Async<std::vector<protocol::EventMsg>> NativeSession::take_over(ports::SessionState state) {
  std::vector<protocol::EventMsg> records = co_await jobs_.recover(std::move(state));
  if (!network_ || live_jobs_ == 0) co_return records;
  base::Result<void> reached = co_await network_->start();
  if (reached.ok()) reached = co_await keepers_.forward_adopted(kProxyPort, network_->socket_path());
  if (!reached.ok()) {
    records.emplace_back(protocol::Warning{
        .code = "no_network", .message = "jobs that go on cannot reach the network: " + reached.error().text()});
  }
  co_return records;
}

runtime::Async<base::Result<void>> NativeSession::type(std::string job, std::string text) {
  return jobs_.write(std::move(job), std::move(text));
}

base::Result<void> NativeSession::resize(const std::string& job, std::int64_t columns, std::int64_t rows) {
  const auto size = [](std::int64_t value) {
    return static_cast<unsigned>(std::clamp<std::int64_t>(value, 1, kMostCharacters));
  };
  return jobs_.resize(job, size(columns), size(rows));
}

runtime::Async<void> NativeSession::leave() {
  if (live_jobs_ == 0) {
    co_await stop();
    co_return;
  }
  jobs_.leave();
  co_await scope_.join();
  co_await scope_.stop();
  co_await keepers_.leave(kHandOverLinger);
  co_await sandbox_.leave();
  if (network_) co_await network_->stop();
  cassette_.finish(session_id_);
}

runtime::Async<void> NativeSession::stop() {
  // The ends of jobs are kept for undo like any other.
  co_await jobs_.stop();
  if (record_) {
    for (protocol::EventMsg& msg : cassette_.due_after_task(session_id_)) record_(std::move(msg));
  }
  co_await scope_.join();
  co_await scope_.stop();
  co_await keepers_.stop();
  co_await sandbox_.stop();
  if (network_) co_await network_->stop();
  cassette_.finish(session_id_);
}

}  // namespace lathe::apps
