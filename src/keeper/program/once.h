#pragma once

namespace lathe::keeper {

/// What `lathe-keeper once` is told besides the command.
struct OnceOptions {
  /// Connections to it go to the unix socket on which descriptor 4 is a handle; 0: none do.
  unsigned short port = 0;
  /// Must stay free on the disks that the command writes to; 0: no limit.
  unsigned long long free_bytes = 0;
  /// So many of the kernel's groups the command is put in, each by a file (cgroup.procs or tasks) from descriptor 5 on.
  unsigned groups = 0;
  const char* cwd = nullptr;
};

/// `lathe-keeper once PORT FREE_BYTES GROUPS CWD CMD…`: one confined command on our own standard descriptors, for
/// `lathe sandbox run` and what Lathe itself runs jailed. Descriptor 3 holds the encoded CommandJail. Gives the
/// command's exit code, or 128 + signal, once nothing that it started lives; 126 and 127 as shells do when it cannot be
/// run. One that exceeds a limit is ended, and told of on stderr.
[[nodiscard]] int run_once(const OnceOptions& options, char** argv);

}  // namespace lathe::keeper
