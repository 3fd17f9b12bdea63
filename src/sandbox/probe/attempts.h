#pragma once

#include <string>
#include <string_view>

namespace lathe::sandbox {

/// What stands ready outside of the jail for the probes.
struct Bait {
  /// The folder that commands may write to; holds a secret `.env`, `.git` with hooks and config, and `.lathe`.
  std::string workspace;
  /// A folder that nothing grants; holds `file` and a unix socket `socket` that listens.
  std::string outside;
  /// A folder of Lathe's own; holds `file`.
  std::string state;
  int tcp_port = 0;
  /// Name of an abstract socket that listens.
  std::string abstract_socket;
  /// A process of the same user.
  int process = 0;
  /// Of the proxy in the jail, which lets nothing through but connections to the TCP port; 0: there is none.
  int proxy_port = 0;
};

/// Tries to get the probe done; true when it was refused. `detail` says how it was tried or what came of it.
bool refused(std::string_view probe, const Bait& bait, std::string& detail);

}  // namespace lathe::sandbox
