#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/apps/session_sandbox.h"
#include "lathe/base/unique_fd.h"
#include "lathe/keeper/command_group.h"
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

/// A program that Lathe itself runs over what a workspace holds (git): it can write nothing but a temporary folder,
/// reaches nobody, and sees of the person's files what is named here.
struct JailedProgram {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  /// Where it works; made before.
  std::string folder;
  std::vector<std::string> readable;
  std::string input;
  std::size_t max_output_bytes = 0;
};
/// To whatever end. Errors: no jail can be had (as for commands, unless the person waives it), it takes too long. Loop
/// thread; what it is given outlives it.
runtime::Async<base::Result<runtime::CommandOutput>> run_jailed(runtime::Loop* loop, runtime::Pool* pool,
                                                                const SandboxSetup* setup,
                                                                const sandbox::HostFacts* host, JailedProgram program);

}  // namespace lathe::apps
