#pragma once

#include <sys/types.h>

namespace lathe::keeper {

struct Forwarder {
  pid_t pid = -1;
  /// Why there is none; 0: there is.
  int error = 0;
};

/// A process that listens on 127.0.0.1:`port` and joins every connection with one to the unix socket that
/// `socket_handle` (O_PATH) stands for: the only way out of a jail without network. The socket needs no name in the
/// jail, so nothing but the forwarder reaches it. Ends with the keeper.
[[nodiscard]] Forwarder start_forwarder(unsigned short port, int socket_handle);

}  // namespace lathe::keeper
