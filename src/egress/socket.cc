#include "lathe/egress/socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lathe::egress {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

constexpr int kBacklog = 64;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const Address& address, std::uint16_t port) {
  SocketAddress out;
  if (address.family == Address::Family::kV4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

bool must_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Async<Result<std::size_t>> Socket::read(std::span<char> into, runtime::CancelToken cancel, runtime::Deadline deadline) {
  while (true) {
    const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (!must_wait(errno)) co_return base::errno_error(errno, "read from a socket");
    CO_TRY_OK(co_await watch_.readable(cancel, deadline));
  }
}

Async<Result<void>> Socket::write(std::string_view bytes, runtime::CancelToken cancel, runtime::Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (!must_wait(errno)) co_return base::errno_error(errno, "write to a socket");
    CO_TRY_OK(co_await watch_.writable(cancel, deadline));
  }
  co_return Result<void>();
}

Async<Result<void>> Socket::connect(Address address, std::uint16_t port, runtime::CancelToken cancel,
                                    runtime::Deadline deadline) {
  const SocketAddress target = socket_address(address, port);
  const std::string what = fmt::format("connect to {} port {}", address.text(), port);
  if (::connect(fd_.get(), target.get(), target.size) != 0) {
    if (errno != EINPROGRESS) co_return base::errno_error(errno, what);
    CO_TRY_OK((co_await watch_.writable(cancel, deadline)).within(what));
  }
  int failed = 0;
  socklen_t size = sizeof failed;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &failed, &size) != 0) failed = errno;
  if (failed != 0) co_return base::errno_error(failed, what);
  co_return Result<void>();
}

void Socket::end_writing() const { (void)::shutdown(fd_.get(), SHUT_WR); }

Result<base::UniqueFd> open_towards(const Address& address) {
  const int family = address.family == Address::Family::kV4 ? AF_INET : AF_INET6;
  base::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::errno_error(errno, "make a socket");
  const int on = 1;
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Result<base::UniqueFd> listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("\"{}\" is no path for a socket: it has {} bytes, {} are possible", path,
                                        path.size(), sizeof address.sun_path - 1),
                 .hint = "set LATHE_HOME or XDG_RUNTIME_DIR to a shorter path"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::errno_error(errno, "make a socket");
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode)) (void)::unlink(path.c_str());
  // The mode of a socket's file comes from the socket's own (Linux), before anyone can see it.
  (void)::fchmod(fd.get(), 0600);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return base::errno_error(errno, fmt::format("listen at {}", path));
  }
  return fd;
}

}  // namespace lathe::egress
