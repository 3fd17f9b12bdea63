#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lathe/sandbox/level.h"

namespace lathe::sandbox {

/// What this machine gives for confinement. A value; plan() decides by it.
struct HostFacts {
  /// Absolute path of bubblewrap; empty when there is none.
  std::string bubblewrap;
  /// bubblewrap could make a user namespace with all that a jail needs (own processes, network, /proc).
  bool namespaces = false;
  /// Version of Landlock's interface; 0: the kernel has none.
  int landlock_abi = 0;
  bool seccomp = false;
  /// Commands run as root of this machine.
  bool root = false;
  /// False: a machine that was too busy to answer in time may give more. Not kept in a cache.
  bool certain = true;

  /// The strongest level that it gives.
  [[nodiscard]] Level best_level() const;
  /// One line, for a cache.
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static std::optional<HostFacts> decode(std::string_view line);

  friend bool operator==(const HostFacts&, const HostFacts&) = default;
};

/// What the facts depend on: this boot, this user, this bubblewrap, the namespaces we are in. Facts that were kept
/// under the same key hold. Microseconds.
[[nodiscard]] std::string host_facts_key();

/// Asks the kernel, and runs bubblewrap once: about 5 ms, and blocks for at most two seconds.
[[nodiscard]] HostFacts detect_host_facts();

}  // namespace lathe::sandbox
