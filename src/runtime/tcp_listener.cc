#include "lathe/runtime/tcp_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "lathe/runtime/accept.h"

namespace lathe::runtime {

using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

constexpr int kBacklog = 128;

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Error not_an_address(std::string_view text) {
  return {.code = base::codes::kInvalid,
          .message = fmt::format("\"{}\" is no address to listen at", text),
          .hint = "an IP address and a port: 127.0.0.1:8090, [::1]:8090, 127.0.0.1:0 for any free port"};
}

Result<SocketAddress> socket_address(const TcpAddress& address) {
  SocketAddress out;
  auto* four = reinterpret_cast<sockaddr_in*>(&out.bytes);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out.bytes);
  if (::inet_pton(AF_INET, address.host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(address.port);
    out.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(address.port);
    out.size = sizeof *six;
  } else {
    return not_an_address(address.text());
  }
  return out;
}

std::uint16_t bound_port(int fd) {
  SocketAddress bound;
  bound.size = sizeof bound.bytes;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.bytes), &bound.size) != 0) return 0;
  // The port lies at the same place in both kinds of address.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound.bytes)->sin_port);
}

}  // namespace

Result<TcpAddress> TcpAddress::parse(std::string_view text) {
  TcpAddress out{.host = "127.0.0.1"};
  std::string_view port = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    port = text.substr(colon + 1);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && host.contains(':')) return not_an_address(text);
    out.host = host;
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size()) return not_an_address(text);
  if (!socket_address(out).ok()) return not_an_address(text);
  return out;
}

std::string TcpAddress::text() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool TcpAddress::is_loopback() const { return host.starts_with("127.") || host == "::1"; }

std::string peer_address(int socket) {
  SocketAddress peer;
  peer.size = sizeof peer.bytes;
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool known = ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer.bytes), &peer.size) == 0;
  const bool is_six = peer.bytes.ss_family == AF_INET6;
  const void* address = is_six
                            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&peer.bytes)->sin6_addr)
                            : &reinterpret_cast<const sockaddr_in*>(&peer.bytes)->sin_addr;
  if (!known || ::inet_ntop(peer.bytes.ss_family, address, text.data(), text.size()) == nullptr) return "0.0.0.0";
  return text.data();
}

Result<std::unique_ptr<TcpListener>> TcpListener::create(Loop& loop, const TcpAddress& address) {
  TRY(const SocketAddress where, socket_address(address));
  UniqueFd fd(::socket(where.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::errno_error(errno, "make a socket");
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where.bytes), where.size) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return base::errno_error(errno, "listen at " + address.text());
  }
  TcpAddress bound{.host = address.host, .port = bound_port(fd.get())};
  return std::unique_ptr<TcpListener>(new TcpListener(loop, std::move(bound), std::move(fd)));
}

Async<Result<UniqueFd>> TcpListener::accept(CancelToken cancel) {
  CO_TRY(UniqueFd fd, co_await accept_next(loop_, watch_, fd_.get(), cancel));
  const int on = 1;
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  co_return fd;
}

}  // namespace lathe::runtime
