#pragma once

#include <cstdint>
#include <string>

#include "lathe/base/result.h"

namespace lathe::sandbox {

/// Which sockets a command may open. Pairs of connected unix sockets are always allowed, and nothing but these names.
enum class Sockets : std::uint8_t {
  /// In a network namespace of its own, or with the machine's network by a person's choice: unix, IP, and netlink as
  /// far as it lists addresses and routes.
  kUnixAndIp,
  /// Without a network namespace: none. A connection to a unix socket or a UDP packet cannot be told apart by address.
  kNone,
};

struct FilterOptions {
  Sockets sockets = Sockets::kUnixAndIp;
  /// For a jail without mounts and namespaces of its own: also denies what Landlock does not cover, setting extended
  /// attributes, and memory and queues that are shared by number or name.
  bool without_namespaces = false;
};

/// The seccomp program that denies what no build, test or tool needs and kernels were broken with: tracing and reading
/// other processes, mounting and new namespaces, io_uring, bpf, userfaultfd, keys, loading modules, typing into a
/// terminal (TIOCSTI), rare socket families, set-user-ID and set-group-ID bits. Denied calls give EPERM; io_uring,
/// clone3 and openat2, which callers do without, ENOSYS. Calls of another architecture than the program's own end the
/// process.
///
/// An array of sock_filter as bytes. Errors: `internal` libseccomp refused a rule.
[[nodiscard]] base::Result<std::string> seccomp_filter(FilterOptions options);

}  // namespace lathe::sandbox
