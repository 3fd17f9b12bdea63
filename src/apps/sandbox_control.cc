#include "lathe/apps/sandbox_control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "lathe/apps/sandbox_bait.h"
#include "lathe/apps/session_sandbox.h"
#include "lathe/base/strings.h"
#include "lathe/egress/proxy_thread.h"
#include "lathe/keeper/client.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/sandbox/probes.h"
#include "lathe/tools/shell/environment.h"

namespace lathe::apps {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

constexpr int kJailFd = 3;
constexpr int kProxyFd = 4;
constexpr std::chrono::minutes kTestPatience{1};

/// Nobody is asked: what --allow-host does not name is denied.
class FixedHosts final : public egress::Gatekeeper {
 public:
  Async<Answer> ask(egress::Endpoint, runtime::CancelToken) override { co_return Answer::kNobody; }
  void decided(protocol::NetworkDecision decision) override {
    if (decision.allowed) return;
    const std::string text =
        fmt::format("lathe: {}:{} was refused ({})\n", decision.host, decision.port, decision.rule);
    (void)!write(STDERR_FILENO, text.data(), text.size());
  }
};

/// The words that start one command in its jail, and the jail's bytes in a memory file.
struct Launch {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  base::UniqueFd jail;
};

class SandboxControl final : public client::Sandbox {
 public:
  SandboxControl(runtime::Loop& loop, SandboxSetup setup)
      : loop_(loop), setup_(std::move(setup)), host_(sandbox::detect_host_facts()) {}

  Async<Result<int>> run(client::SandboxRun what) override {
    CO_TRY(const TemporaryFolder folder, TemporaryFolder::create("lathe-sandbox"));
    sandbox::SessionFacts facts = facts_for(what, folder.path());
    if (what.allow_hosts.empty()) co_return co_await run_plain(std::move(facts), std::move(what));
    CO_TRY(egress::HostRules rules, egress::HostRules::parse(what.allow_hosts));
    set_behind_proxy(facts);
    FixedHosts hosts;
    const std::string socket = folder.path() + "/proxy.sock";
    egress::ProxyThread proxy(loop_, hosts, {.rules = std::move(rules), .limits = {}, .socket_path = socket});
    const Result<void> started = co_await proxy.start();
    Result<int> code =
        started.ok() ? co_await run_behind(std::move(facts), std::move(what), socket) : Result<int>(started.error());
    co_await proxy.stop();
    co_return code;
  }

  Async<Result<client::SandboxReport>> test(std::string level) override {
    CO_TRY(const TemporaryFolder folder, TemporaryFolder::create("lathe-sandbox"));
    CO_TRY(const SandboxBait bait, SandboxBait::lay(folder.path()));
    const std::string probe = setup_.keeper_program.substr(0, setup_.keeper_program.rfind('/')) + "/lathe-probe";
    const client::SandboxRun what{
        .argv = bait.probe_command(probe), .cwd = bait.workspace(), .level = std::move(level)};
    sandbox::SessionFacts facts = facts_for(what, folder.path() + "/private");
    facts.readable.push_back(probe);
    facts.our_folders.push_back(bait.state());
    // The probes show what the level leaves open; nothing is lost by it here.
    facts.waiver = {.unconfined = true, .readable_secrets = true};
    CO_TRY(const auto jail, sandbox::SessionJail::create(facts, host_));
    CO_TRY(const Launch launch, launch_of(*jail, what, 0));
    CO_TRY(const auto ran,
           co_await runtime::run_command(
               loop_,
               {.spawn = {.argv = launch.argv, .env = launch.env, .fds = {{launch.jail.get(), kJailFd}}},
                .deadline = runtime::Deadline::after(loop_, kTestPatience)},
               runtime::CancelToken()));
    if (ran.status.code != 0) {
      co_return Error{.code = base::codes::kUnavailable,
                      .message = fmt::format("the probes ended with {}: {}", ran.status.code, base::trim(ran.err))};
    }
    co_return report(jail->plan().level, ran.out);
  }

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

  [[nodiscard]] Result<Launch> launch_of(sandbox::SessionJail& jail, const client::SandboxRun& what,
                                         std::uint16_t port) const {
    TRY(const sandbox::CommandJail command, jail.next_command());
    const sandbox::JailPlan& plan = jail.plan();
    Launch launch{
        .argv = plan.outer_argv,
        .env = sandbox::changed_environment(
            tools::shell::command_environment(tools::shell::own_environment(), {.keep = {"TERM"}}), plan.environment),
        .jail = base::UniqueFd(memfd_create("lathe-jail", MFD_CLOEXEC))};
    if (!launch.jail) return base::errno_error(errno, "memory file for a jail");
    TRY_OK(runtime::write_all(launch.jail.get(), command.encode(), "memory file for a jail"));
    if (lseek(launch.jail.get(), 0, SEEK_SET) != 0) return base::errno_error(errno, "memory file for a jail");
    if (!launch.argv.empty()) {
      // Without these two the jail would outlive us, and the command would see nothing of its environment.
      std::erase(launch.argv, "--clearenv");
      launch.argv.insert(launch.argv.begin() + 1, "--die-with-parent");
    }
    launch.argv.insert(launch.argv.end(), {plan.keeper_path, "once", std::to_string(port), what.cwd});
    launch.argv.insert(launch.argv.end(), what.argv.begin(), what.argv.end());
    return launch;
  }

  Async<Result<int>> run_plain(sandbox::SessionFacts facts, client::SandboxRun what) {
    CO_TRY(const auto jail, sandbox::SessionJail::create(facts, host_));
    CO_TRY(Launch launch, launch_of(*jail, what, 0));
    co_return co_await wait_for(std::move(launch), {});
  }

  Async<Result<int>> run_behind(sandbox::SessionFacts facts, client::SandboxRun what, std::string socket) {
    CO_TRY(const auto jail, sandbox::SessionJail::create(facts, host_));
    CO_TRY(Launch launch, launch_of(*jail, what, kProxyPort));
    base::UniqueFd handle(open(socket.c_str(), O_PATH | O_CLOEXEC));
    if (!handle) co_return base::errno_error(errno, socket);
    co_return co_await wait_for(std::move(launch), std::move(handle));
  }

  /// On our own standard descriptors; Ctrl-C is the command's.
  Async<Result<int>> wait_for(Launch launch, base::UniqueFd proxy) {
    runtime::SpawnOptions spawn{.argv = std::move(launch.argv),
                                .env = std::move(launch.env),
                                .fds = {{0, 0}, {1, 1}, {2, 2}, {launch.jail.get(), kJailFd}}};
    if (proxy) spawn.fds.emplace_back(proxy.get(), kProxyFd);
    const auto interrupt = std::signal(SIGINT, SIG_IGN);
    const auto quit = std::signal(SIGQUIT, SIG_IGN);
    auto child = runtime::spawn(spawn);
    if (!child.ok()) co_return std::move(child).error();
    const auto status = co_await child->wait(loop_, runtime::CancelToken(), runtime::Deadline::never());
    std::signal(SIGINT, interrupt);
    std::signal(SIGQUIT, quit);
    if (!status.ok()) co_return status.error();
    co_return status->code;
  }

  [[nodiscard]] client::SandboxReport report(sandbox::Level level, const std::string& lines) const {
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
