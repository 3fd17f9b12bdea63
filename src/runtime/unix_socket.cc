#include "lathe/runtime/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "lathe/runtime/accept.h"
#include "lathe/runtime/files.h"

namespace lathe::runtime {

using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

constexpr int kLocalBacklog = 64;

/// The address of a name in a folder, by the folder's descriptor.
struct Place {
  UniqueFd folder;
  std::string name;

  [[nodiscard]] Result<sockaddr_un> address() const {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/{}", folder.get(), name);
    if (path.size() >= sizeof out.sun_path) {
      return Error{.code = base::codes::kInvalid, .message = fmt::format("\"{}\" is too long for a socket", name)};
    }
    path.copy(out.sun_path, path.size());
    return out;
  }
};

Result<Place> place_of(const std::string& path) {
  const std::filesystem::path whole(path);
  const std::string folder = whole.parent_path().string();
  TRY(UniqueFd fd, open_file(folder.empty() ? "." : folder, O_PATH | O_DIRECTORY));
  return Place{.folder = std::move(fd), .name = whole.filename().string()};
}

Result<UniqueFd> stream_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::errno_error(errno, "make a socket");
  return fd;
}

}  // namespace

UnixListener::UnixListener(Loop& loop, std::string path, UniqueFd fd)
    : loop_(loop), path_(std::move(path)), fd_(std::move(fd)), watch_(loop, fd_.get()) {}

UnixListener::~UnixListener() {
  if (!path_.empty()) (void)::unlink(path_.c_str());
}

Result<std::unique_ptr<UnixListener>> UnixListener::adopt(Loop& loop, UniqueFd listening) {
  int listens = 0;
  socklen_t size = sizeof listens;
  sockaddr_un address{};
  socklen_t length = sizeof address;
  if (::getsockopt(listening.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0 ||
      ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
      address.sun_family != AF_UNIX) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("descriptor {} is no unix socket that listens", listening.get())};
  }
  if (::fcntl(listening.get(), F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(listening.get(), F_SETFL, O_NONBLOCK) != 0) {
    return base::errno_error(errno, "take over a socket");
  }
  return std::unique_ptr<UnixListener>(new UnixListener(loop, /*path=*/"", std::move(listening)));
}

Result<std::unique_ptr<UnixListener>> UnixListener::create(Loop& loop, std::string path) {
  TRY(const Place place, place_of(path).within("listen at " + path));
  TRY(const sockaddr_un address, place.address());
  TRY(UniqueFd fd, stream_socket());
  struct stat there{};
  if (::fstatat(place.folder.get(), place.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(there.st_mode)) {
    (void)::unlinkat(place.folder.get(), place.name.c_str(), 0);
  }
  // The mode of a socket's file comes from the socket's own (Linux), before anyone can see it.
  (void)::fchmod(fd.get(), 0600);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::fchmodat(place.folder.get(), place.name.c_str(), 0600, 0) != 0 || ::listen(fd.get(), kLocalBacklog) != 0) {
    return base::errno_error(errno, "listen at " + path);
  }
  return std::unique_ptr<UnixListener>(new UnixListener(loop, std::move(path), std::move(fd)));
}

Async<Result<UniqueFd>> UnixListener::accept(CancelToken cancel) {
  co_return co_await accept_next(loop_, watch_, fd_.get(), cancel);
}

Result<UniqueFd> connect_to(const std::string& path) {
  TRY(const Place place, place_of(path));
  TRY(const sockaddr_un address, place.address());
  TRY(UniqueFd fd, stream_socket());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int error = errno;
  // EAGAIN: it listens, and its queue is full.
  if (error == ECONNREFUSED || error == EAGAIN) {
    return Error{.code = base::codes::kUnavailable,
                 .message = error == EAGAIN ? "too many connections wait at " + path : "nobody listens at " + path,
                 .retryable = error == EAGAIN};
  }
  return base::errno_error(error, path);
}

Result<PeerCredentials> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return base::errno_error(errno, "ask who is at the other end");
  }
  return PeerCredentials{.pid = credentials.pid, .uid = credentials.uid};
}

}  // namespace lathe::runtime
