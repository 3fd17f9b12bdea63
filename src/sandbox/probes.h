#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lathe/sandbox/level.h"

namespace lathe::sandbox {

/// Something that a confined command must not get done. lathe-probe tries each from inside; the same program outside of
/// a jail gets them done, as far as the user may. Those of the guarantees `new_names` and `nested` always get done;
/// what counts is what is found and told afterwards (workspace_guard.h).
struct Probe {
  std::string_view id;
  /// The row of kGuarantees that it proves.
  std::string_view guarantee;
  std::string_view text;
  /// Below this version of Landlock, level landlock does not hold it; kNever: at no version.
  int landlock_from = 1;
};

inline constexpr int kNever = 1'000;

inline constexpr std::array<Probe, 39> kProbes = {{
    {"write_outside", "writes", "create a file outside of the workspace"},
    {"truncate_outside", "writes", "truncate a file outside of the workspace", 3},
    {"change_outside", "writes", "change a file outside of the workspace"},
    {"chmod_outside", "writes", "change the mode of a file outside of the workspace", kNever},
    {"write_system", "writes", "create a file in /usr or /etc"},
    {"setuid_bit", "writes", "make a program set its user id"},
    {"setuid_birth", "writes", "make a file that sets its user id from the start"},
    {"read_outside", "home", "read a file outside of the workspace"},
    {"read_state", "home", "read Lathe's own state"},
    {"read_shadow", "home", "read /etc/shadow"},
    {"read_secret", "secrets", "read a secret file of the workspace", kNever},
    {"link_secret", "secrets", "read it through a new hard link", kNever},
    {"move_secret", "secrets", "read it after a rename", kNever},
    {"write_hook", "protected", "write a git hook", kNever},
    {"write_git_config", "protected", "change git's configuration", kNever},
    {"move_git", "protected", "move .git away", kNever},
    {"write_lathe", "protected", "change the project's .lathe", kNever},
    {"new_name", "new_names", "make an editor task that stays"},
    {"nested_repository", "nested", "make a repository within the workspace that nobody is told of"},
    {"tcp", "network", "connect to a TCP port of the machine"},
    {"udp", "network", "open a UDP socket to the machine"},
    {"abstract_socket", "network", "connect to an abstract unix socket"},
    {"unix_socket", "network", "connect to a unix socket outside of the workspace"},
    {"rare_socket", "network", "open a packet, vsock or alg socket"},
    {"proxy_blocked", "network", "reach a host through the proxy that was not allowed"},
    {"proxy_allowed", "network", "find a host out of the proxy's reach that was allowed"},
    {"see_process", "processes", "see a process outside", kNever},
    {"read_process", "processes", "read the memory and environment of a process outside"},
    {"signal_process", "processes", "send a signal to a process outside", 6},
    {"ptrace", "kernel", "trace a process"},
    {"io_uring", "kernel", "use io_uring"},
    {"kernel_interfaces", "kernel", "use bpf, userfaultfd, keyctl or perf"},
    {"user_namespace", "kernel", "make a user namespace"},
    {"nested_jail", "kernel", "make a jail of its own within this one"},
    {"mount", "kernel", "mount a file system"},
    {"tiocsti", "kernel", "type into a terminal (TIOCSTI)"},
    {"devices", "kernel", "open memory, kernel log or disks, or make a device file"},
    {"capabilities", "kernel", "hold a capability or gain privileges by exec"},
    {"proc_writes", "kernel", "change the kernel's settings in /proc/sys"},
}};

/// Whether a probe has to be refused at a level.
[[nodiscard]] constexpr bool must_hold(const Probe& probe, Level level, int landlock_abi) {
  switch (level) {
    case Level::kFull:
    case Level::kNamespaces:
      return true;
    case Level::kLandlock:
      return landlock_abi >= probe.landlock_from;
    case Level::kNone:
      return false;
  }
  return false;
}

}  // namespace lathe::sandbox
