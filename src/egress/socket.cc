#include "lathe/egress/socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lathe::egress {

using base::Result;
using runtime::Async;

namespace {

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

}  // namespace lathe::egress
