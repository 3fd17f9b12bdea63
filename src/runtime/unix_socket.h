#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

// Stream sockets in the file system. A path may be as long as the file system lets it be: the name is bound and
// reached by a descriptor of its folder, since an address holds 107 bytes only.

namespace lathe::runtime {

/// A socket that takes connections, mode 0600. Its name goes with it. Loop thread.
class UnixListener final {
 public:
  /// The folder exists. What stands at `path` is replaced when it is a socket, so whoever may do so holds a lock.
  [[nodiscard]] static base::Result<std::unique_ptr<UnixListener>> create(Loop& loop, std::string path);
  /// Takes a socket that listens already, with a name that is somebody else's; `invalid` when it is something else.
  [[nodiscard]] static base::Result<std::unique_ptr<UnixListener>> adopt(Loop& loop, base::UniqueFd listening);
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  /// The next connection, non-blocking (accept.h).
  Async<base::Result<base::UniqueFd>> accept(CancelToken cancel);

 private:
  UnixListener(Loop& loop, std::string path, base::UniqueFd fd);

  Loop& loop_;
  /// Of the name that goes with it.
  const std::string path_;
  base::UniqueFd fd_;
  FdWatch watch_;
};

/// Connects, non-blocking from then on. `not_found` when there is no such socket, `unavailable` when nobody listens.
[[nodiscard]] base::Result<base::UniqueFd> connect_to(const std::string& path);

/// Who is at the other end of a connected unix socket, as the kernel says.
struct PeerCredentials {
  /// 0: of a PID namespace that we do not see into.
  pid_t pid = 0;
  uid_t uid = 0;
};
[[nodiscard]] base::Result<PeerCredentials> peer_of(int socket);

}  // namespace lathe::runtime
