#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/apps/session_sandbox.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/sandbox/session_jail.h"

namespace lathe::apps {

/// Where `lathe-keeper once` finds the jail, and the way to the proxy.
inline constexpr int kLaunchJailFd = 3;
inline constexpr int kLaunchProxyFd = 4;

/// The words that start one command in its jail, and the jail's bytes in a memory file.
struct Launch {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  base::UniqueFd jail;
};
struct LaunchedCommand {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd;
  /// Of the proxy; 0: there is none.
  std::uint16_t port = 0;
  /// Must stay free on the disks that it writes to.
  std::uint64_t free_bytes = 0;
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
/// What it printed. Errors: no jail can be had (as for commands, unless the person waives it), it did not end with 0.
/// Loop thread; what it is given outlives it.
runtime::Async<base::Result<std::string>> run_jailed(runtime::Loop* loop, runtime::Pool* pool,
                                                     const SandboxSetup* setup, const sandbox::HostFacts* host,
                                                     JailedProgram program);

}  // namespace lathe::apps
