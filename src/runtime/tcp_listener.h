#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::runtime {

/// An address of this machine, with the port that is listened at.
struct TcpAddress {
  /// As digits: "127.0.0.1", "::1".
  std::string host;
  /// 0: any free one.
  std::uint16_t port = 0;

  /// "127.0.0.1:8090", "[::1]:8090", or a port alone, which means 127.0.0.1. Names are not looked up.
  [[nodiscard]] static base::Result<TcpAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  /// Reached from this machine only.
  [[nodiscard]] bool is_loopback() const;
  friend bool operator==(const TcpAddress&, const TcpAddress&) = default;
};

/// Where a connection comes from, as digits; of an end that is gone already what stands for any: "0.0.0.0".
[[nodiscard]] std::string peer_address(int socket);

/// Takes TCP connections. Loop thread.
class TcpListener final {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<TcpListener>> create(Loop& loop, const TcpAddress& address);
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  /// With the port that was found free.
  [[nodiscard]] const TcpAddress& address() const { return address_; }
  /// The next connection, non-blocking, without Nagle's delay. As UnixListener::accept().
  Async<base::Result<base::UniqueFd>> accept(CancelToken cancel);

 private:
  TcpListener(Loop& loop, TcpAddress address, base::UniqueFd fd)
      : loop_(loop), address_(std::move(address)), fd_(std::move(fd)), watch_(loop, fd_.get()) {}

  Loop& loop_;
  const TcpAddress address_;
  base::UniqueFd fd_;
  FdWatch watch_;
};

}  // namespace lathe::runtime
