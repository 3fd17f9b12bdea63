#include "lathe/apps/jailed_program.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "lathe/apps/sandbox_bait.h"
#include "lathe/keeper/protocol.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/tools/shell/keeper_set.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {

constexpr std::chrono::minutes kPatience{2};

/// A jail that is ready, with the folder that its private parts lie in.
struct ReadyJail {
  TemporaryFolder folder;
  std::unique_ptr<sandbox::SessionJail> jail;
  Launch launch;
};

Result<ReadyJail> make_ready(const SandboxSetup& setup, const sandbox::HostFacts& host,
                             const ports::JailedProgram& program) {
  TRY(TemporaryFolder folder, TemporaryFolder::create("lathe-program"));
  sandbox::SessionFacts facts = session_facts(
      setup, {.session_id = "once", .cwd = program.folder, .sandbox_mode = protocol::SandboxMode::kReadOnly});
  facts.jails_folder = folder.path() + "/jails";
  // It works in a folder of ours, of which it sees nothing else.
  facts.our_folders.clear();
  facts.config_folder.clear();
  facts.readable = program.readable;
  facts.readable_roots.clear();
  facts.is_secret = [](std::string_view) { return false; };
  TRY(auto jail, sandbox::SessionJail::create(facts, host));
  TRY(Launch launch,
      launch_in(*jail, {.argv = program.argv,
                        .env = program.env,
                        .cwd = program.folder,
                        .limits = tools::shell::usual_limits(static_cast<std::uint64_t>(setup.config.memory_bytes))}));
  return ReadyJail{std::move(folder), std::move(jail), std::move(launch)};
}

std::vector<int> entries_of(const std::optional<keeper::CommandGroup>& group) {
  return group ? group->entries() : std::vector<int>();
}

}  // namespace

std::vector<std::pair<int, int>> Launch::fds() const {
  std::vector<std::pair<int, int>> fds = {{jail.get(), keeper::protocol::kOnceJailFd}};
  int number = keeper::protocol::kOnceGroupFd;
  for (const int entry : entries_of(group)) fds.emplace_back(entry, number++);
  return fds;
}

Result<Launch> launch_in(sandbox::SessionJail& jail, LaunchedCommand command) {
  TRY(sandbox::CommandJail bounds, jail.next_command());
  bounds.limits.processes = command.limits.processes;
  bounds.limits.memory_bytes = command.limits.memory_bytes;
  const sandbox::JailPlan& plan = jail.plan();
  Launch launch{.argv = plan.outer_argv,
                .env = sandbox::changed_environment(std::move(command.env), plan.environment),
                .jail = base::UniqueFd(memfd_create("lathe-jail", MFD_CLOEXEC)),
                .group = keeper::CommandGroup::create(command.limits)};
  if (!launch.jail) return base::errno_error(errno, "memory file for a jail");
  TRY_OK(runtime::write_all(launch.jail.get(), bounds.encode(), "memory file for a jail"));
  if (lseek(launch.jail.get(), 0, SEEK_SET) != 0) return base::errno_error(errno, "memory file for a jail");
  if (!launch.argv.empty()) {
    // Without these two the jail would outlive us, and the command would see nothing of its environment.
    std::erase(launch.argv, "--clearenv");
    launch.argv.insert(launch.argv.begin() + 1, "--die-with-parent");
  }
  launch.argv.insert(launch.argv.end(), {plan.keeper_path, "once", std::to_string(command.port),
                                         std::to_string(command.limits.free_bytes.value_or(0)),
                                         std::to_string(entries_of(launch.group).size()), command.cwd});
  launch.argv.insert(launch.argv.end(), command.argv.begin(), command.argv.end());
  return launch;
}

Async<Result<runtime::CommandOutput>> run_jailed(runtime::Loop* loop, runtime::Pool* pool, const SandboxSetup* setup,
                                                 const sandbox::HostFacts* host, ports::JailedProgram program) {
  CO_TRY(const ReadyJail ready, co_await pool->run([&] { return make_ready(*setup, *host, program); }));
  co_return co_await runtime::run_command(
      *loop,
      {.spawn = {.argv = ready.launch.argv, .env = ready.launch.env, .fds = ready.launch.fds()},
       .input = std::move(program.input),
       .deadline = runtime::Deadline::after(*loop, kPatience),
       .max_output_bytes = program.max_output_bytes},
      runtime::CancelToken());
}

}  // namespace lathe::apps
