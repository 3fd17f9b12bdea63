#include "lathe/apps/sandbox_control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "lathe/apps/jailed_program.h"
#include "lathe/apps/sandbox_bait.h"
#include "lathe/apps/session_sandbox.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/egress/proxy_thread.h"
#include "lathe/keeper/client.h"
#include "lathe/keeper/protocol.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/sandbox/probes.h"
#include "lathe/sandbox/workspace_guard.h"
#include "lathe/storage/blob_folder.h"
#include "lathe/tools/shell/environment.h"
#include "lathe/tools/shell/keeper_set.h"

namespace lathe::apps {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

constexpr std::chrono::minutes kTestPatience{1};

/// Nobody is asked: what --allow-host does not name is denied.
class FixedHosts final : public egress::Gatekeeper {
 public:
  Async<Answer> ask(egress::Endpoint, runtime::CancelToken) override { co_return Answer::kNobody; }
  Async<Answer> ask_of_named(egress::Endpoint, runtime::CancelToken) override { co_return Answer::kAllowed; }
  void decided(protocol::NetworkDecision decision) override {
    if (decision.allowed) return;
    const std::string text =
        fmt::format("lathe: {}:{} was refused ({})\n", decision.host, decision.port, decision.rule);
    (void)!write(STDERR_FILENO, text.data(), text.size());
  }
};

/// The probes ask for what they may not have.
class QuietHosts final : public egress::Gatekeeper {
 public:
  Async<Answer> ask(egress::Endpoint, runtime::CancelToken) override { co_return Answer::kNobody; }
  Async<Answer> ask_of_named(egress::Endpoint, runtime::CancelToken) override { co_return Answer::kAllowed; }
  void decided(protocol::NetworkDecision) override {}
};

/// What a probe leaves in the workspace, to be found afterwards.
std::string_view left_by(std::string_view probe) {
  if (probe == "new_name") return ".vscode";
  return probe == "nested_repository" ? "nested/.git" : "";
}

class SandboxControl final : public client::Sandbox {
 public:
  SandboxControl(runtime::Loop& loop, SandboxSetup setup)
      : loop_(loop), setup_(std::move(setup)), host_(sandbox::detect_host_facts()) {}

  Async<Result<int>> run(client::SandboxRun what) override {
    CO_TRY(const TemporaryFolder folder, TemporaryFolder::create("lathe-sandbox"));
    sandbox::SessionFacts facts = facts_for(what, folder.path());
    if (what.allow_hosts.empty()) co_return co_await run_guarded(std::move(facts), std::move(what), "");
    CO_TRY(egress::HostRules rules, egress::HostRules::parse(what.allow_hosts));
    set_behind_proxy(facts, rules);
    FixedHosts hosts;
    const std::string socket = folder.path() + "/proxy.sock";
    egress::ProxyThread proxy(loop_, hosts, proxy_options(std::move(rules), socket));
    const Result<void> started = co_await proxy.start();
    Result<int> code =
        started.ok() ? co_await run_guarded(std::move(facts), std::move(what), socket) : Result<int>(started.error());
    co_await proxy.stop();
    co_return code;
  }

  Async<Result<client::SandboxReport>> test(std::string level) override {
    CO_TRY(const TemporaryFolder folder, TemporaryFolder::create("lathe-sandbox"));
    CO_TRY(const SandboxBait bait, SandboxBait::lay(folder.path()));
    client::SandboxRun what{.argv = {}, .cwd = bait.workspace(), .level = std::move(level)};
    sandbox::SessionFacts facts = facts_for(what, folder.path() + "/private");
    const std::string probe = setup_.keeper_program.substr(0, setup_.keeper_program.rfind('/')) + "/lathe-probe";
    facts.readable.push_back(probe);
    facts.our_folders.push_back(bait.state());
    // The probes show what the level leaves open; nothing is lost by it here.
    facts.waiver = {.unconfined = true, .readable_secrets = true};
    CO_TRY(const sandbox::Level planned, level_of(facts));
    const bool proxied = planned == sandbox::Level::kFull || planned == sandbox::Level::kNamespaces;
    what.argv = bait.probe_command(probe, proxied ? kProxyPort : 0);
    if (!proxied) co_return co_await probe_all(std::move(facts), std::move(what), "");
    CO_TRY(egress::HostRules rules, egress::HostRules::parse(std::vector<std::string>{"127.0.0.1"}));
    set_behind_proxy(facts, rules);
    QuietHosts hosts;
    const std::string socket = folder.path() + "/proxy.sock";
    egress::ProxyThread proxy(loop_, hosts, proxy_options(std::move(rules), socket));
    const Result<void> started = co_await proxy.start();
    auto told = started.ok() ? co_await probe_all(std::move(facts), std::move(what), socket)
                             : Result<client::SandboxReport>(started.error());
    co_await proxy.stop();
    co_return told;
  }

  Async<Result<std::vector<client::TaintNote>>> tainted(std::string cwd) override {
    std::vector<client::TaintNote> notes;
    for (TaintBook::Note& note : taint_book(setup_.paths).of(cwd)) notes.push_back({note.at, std::move(note.text)});
    co_return notes;
  }

  Async<Result<void>> clear_taint(std::string cwd) override { co_return taint_book(setup_.paths).clear(cwd); }

 private:
  [[nodiscard]] sandbox::SessionFacts facts_for(const client::SandboxRun& what,
                                                const std::string& private_folder) const {
    sandbox::SessionFacts facts =
        session_facts(setup_, {.session_id = "once", .cwd = what.cwd, .sandbox_mode = what.mode});
    facts.jails_folder = private_folder + "/jails";
    if (!what.level.empty()) {
      facts.level = sandbox::level_named(what.level);
      // Asking for the level is accepting it.
      facts.least_level = sandbox::Level::kLandlock;
      facts.waiver.unconfined = true;
    }
    return facts;
  }

  [[nodiscard]] keeper::Limits usual_limits() const {
    return tools::shell::usual_limits(static_cast<std::uint64_t>(setup_.config.memory_bytes));
  }

  [[nodiscard]] Result<Launch> launch_of(sandbox::SessionJail& jail, const client::SandboxRun& what,
                                         std::uint16_t port) const {
    return launch_in(jail,
                     {.argv = what.argv,
                      .env = tools::shell::command_environment(tools::shell::own_environment(), {.keep = {"TERM"}}),
                      .cwd = what.cwd,
                      .port = port,
                      .limits = usual_limits()});
  }

  [[nodiscard]] egress::ProxyThread::Options proxy_options(egress::HostRules rules, const std::string& socket) const {
    return {.rules = std::move(rules),
            .limits = {.bytes = static_cast<std::uint64_t>(setup_.config.egress_bytes)},
            .socket_path = socket};
  }

  [[nodiscard]] Result<sandbox::Level> level_of(const sandbox::SessionFacts& facts) const {
    sandbox::SandboxSpec spec;
    spec.level = facts.level;
    spec.least_level = facts.least_level;
    spec.waiver = facts.waiver;
    return sandbox::level_for(spec, host_);
  }

  /// The probes in their jail, and what is found of those that leave something behind.
  Async<Result<client::SandboxReport>> probe_all(sandbox::SessionFacts facts, client::SandboxRun what,
                                                 std::string proxy_socket) {
    CO_TRY(const auto jail, sandbox::SessionJail::create(facts, host_));
    CO_TRY(const Launch launch, launch_of(*jail, what, proxy_socket.empty() ? 0 : kProxyPort));
    sandbox::WorkspaceGuard guard(*jail, facts.home_secrets);
    CO_TRY_OK(guard.remember());
    base::UniqueFd proxy;
    runtime::SpawnOptions spawn{.argv = launch.argv, .env = launch.env, .fds = launch.fds()};
    if (!proxy_socket.empty()) {
      CO_TRY(proxy, runtime::open_file(proxy_socket, O_PATH));
      spawn.fds.emplace_back(proxy.get(), keeper::protocol::kOnceProxyFd);
    }
    CO_TRY(const auto ran,
           co_await runtime::run_command(
               loop_, {.spawn = std::move(spawn), .deadline = runtime::Deadline::after(loop_, kTestPatience)},
               runtime::CancelToken()));
    if (ran.status.code != 0) {
      co_return Error{.code = base::codes::kUnavailable,
                      .message = fmt::format("the probes ended with {}: {}", ran.status.code, base::trim(ran.err))};
    }
    std::vector<sandbox::WorkspaceGuard::Finding> findings;
    if (jail->plan().level != sandbox::Level::kNone) {
      CO_TRY(findings, guard.check([](std::string_view) -> Result<std::string> { return std::string("kept"); }));
    }
    co_return report(jail->plan().level, ran.out, findings);
  }

  /// With what a session's commands have around them: the guard of names, and the way to the proxy.
  Async<Result<int>> run_guarded(sandbox::SessionFacts facts, client::SandboxRun what, std::string proxy_socket) {
    CO_TRY(const auto jail, sandbox::SessionJail::create(facts, host_));
    CO_TRY(Launch launch, launch_of(*jail, what, proxy_socket.empty() ? 0 : kProxyPort));
    std::optional<sandbox::WorkspaceGuard> guard;
    if (facts.mode != sandbox::Mode::kFullAccess) {
      guard.emplace(*jail, facts.home_secrets);
      CO_TRY_OK(guard->remember());
    }
    base::UniqueFd proxy;
    if (!proxy_socket.empty()) {
      CO_TRY(proxy, runtime::open_file(proxy_socket, O_PATH));
    }
    const Result<int> code = co_await wait_for(std::move(launch), std::move(proxy));
    if (guard) CO_TRY_OK(settle(*guard, jail->spec().writable.front()));
    co_return code;
  }

  /// What the command did to protected names is undone, told and noted.
  Result<void> settle(sandbox::WorkspaceGuard& guard, const std::string& workspace) const {
    // Made only when there is something to put aside.
    std::optional<storage::BlobFolder> blobs;
    const auto keep = [&](std::string_view bytes) -> Result<std::string> {
      if (!blobs) {
        TRY(blobs, storage::BlobFolder::open(setup_.paths.state_dir + "/blobs", storage::Disk(),
                                             runtime::Durability::kProcess));
      }
      return blobs->put(bytes);
    };
    TRY(const auto findings, guard.check(keep));
    for (const sandbox::WorkspaceGuard::Finding& finding : findings) {
      const std::string text = in_words(finding);
      const std::string line = "lathe: " + base::terminal_safe(text) + "\n";
      (void)!write(STDERR_FILENO, line.data(), line.size());
      TRY_OK(taint_book(setup_.paths).add(workspace, {.at = loop_.unix_now(), .text = text}));
    }
    return {};
  }

  /// On our own standard descriptors; Ctrl-C is the command's, not that of what stands around it (bubblewrap).
  Async<Result<int>> wait_for(Launch launch, base::UniqueFd proxy) {
    runtime::SpawnOptions spawn{
        .argv = std::move(launch.argv), .env = std::move(launch.env), .fds = launch.fds(), .inherits_interrupts = true};
    spawn.fds.insert(spawn.fds.end(), {{0, 0}, {1, 1}, {2, 2}});
    if (proxy) spawn.fds.emplace_back(proxy.get(), keeper::protocol::kOnceProxyFd);
    const auto interrupt = std::signal(SIGINT, SIG_IGN);
    const auto quit = std::signal(SIGQUIT, SIG_IGN);
    auto child = runtime::spawn(spawn);
    if (!child.ok()) co_return std::move(child).error();
    const auto status = co_await child->wait(loop_, runtime::CancelToken(), runtime::Deadline::never());
    std::signal(SIGINT, interrupt);
    std::signal(SIGQUIT, quit);
    if (!status.ok()) co_return status.error();
    if (status->code != 0 && launch.group && launch.group->ran_out_of_memory()) {
      constexpr std::string_view kText = "lathe: the command was ended: more memory than a command may take\n";
      (void)!write(STDERR_FILENO, kText.data(), kText.size());
    }
    co_return status->code;
  }

  [[nodiscard]] client::SandboxReport report(sandbox::Level level, const std::string& lines,
                                             const std::vector<sandbox::WorkspaceGuard::Finding>& findings) const {
    client::SandboxReport out{.level = std::string(sandbox::name_of(level)),
                              .best_level = std::string(sandbox::name_of(host_.best_level())),
                              .landlock_abi = host_.landlock_abi,
                              .checks = {}};
    for (const sandbox::Probe& probe : sandbox::kProbes) {
      client::SandboxCheck check{.id = std::string(probe.id),
                                 .guarantee = std::string(probe.guarantee),
                                 .text = std::string(probe.text),
                                 .required = sandbox::must_hold(probe, level, host_.landlock_abi),
                                 .refused = false,
                                 .detail = "the probe did not tell"};
      for (const std::string_view line : base::split_lines(lines)) {
        const auto words = base::split(line, '\t');
        if (words.size() != 3 || words[0] != probe.id) continue;
        check.refused = words[1] == "refused";
        check.detail = words[2];
      }
      for (const sandbox::WorkspaceGuard::Finding& finding : findings) {
        if (finding.path != left_by(probe.id)) continue;
        check.refused = true;
        check.detail = in_words(finding);
      }
      out.checks.push_back(std::move(check));
    }
    return out;
  }

  runtime::Loop& loop_;
  const SandboxSetup setup_;
  const sandbox::HostFacts host_;
};

}  // namespace

Result<std::unique_ptr<client::Sandbox>> make_sandbox_control(runtime::Loop& loop,
                                                              const config::Environment& environment) {
  TRY(const config::Paths paths, config::find_paths(environment));
  TRY(const config::Loaded loaded, config::load(paths, environment));
  TRY(const std::string keeper_program, keeper::installed_program());
  TRY(SandboxSetup setup, sandbox_setup(loaded.config, environment, paths, keeper_program));
  return std::make_unique<SandboxControl>(loop, std::move(setup));
}

}  // namespace lathe::apps
