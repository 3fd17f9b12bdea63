#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/apps/session_sandbox.h"
#include "lathe/base/unique_fd.h"
#include "lathe/keeper/command_group.h"
#include "lathe/ports/jailed_program.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/sandbox/session_jail.h"

namespace lathe::apps {

/// The words that start one command in its jail, and what it finds open. Outlives the command.
struct Launch {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  /// The jail's bytes in a memory file.
  base::UniqueFd jail;
  /// The kernel's own bounds around the command; nothing where they cannot be had.
  std::optional<keeper::CommandGroup> group;

  /// For SpawnOptions::fds, without the proxy's.
  [[nodiscard]] std::vector<std::pair<int, int>> fds() const;
};
struct LaunchedCommand {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd;
  /// Of the proxy; 0: there is none.
  std::uint16_t port = 0;
  keeper::Limits limits;
};
/// Errors as SessionJail::next_command(). Blocks.
[[nodiscard]] base::Result<Launch> launch_in(sandbox::SessionJail& jail, LaunchedCommand command);

/// ports::RunJailed. Loop thread; what it is given outlives it.
runtime::Async<base::Result<runtime::CommandOutput>> run_jailed(runtime::Loop* loop, runtime::Pool* pool,
                                                                const SandboxSetup* setup,
                                                                const sandbox::HostFacts* host,
                                                                ports::JailedProgram program);

}  // namespace lathe::apps
