#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lathe/base/result.h"
#include "lathe/egress/admission.h"
#include "lathe/egress/relay.h"
#include "lathe/egress/request_head.h"
#include "lathe/egress/socket.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/unix_socket.h"

// The only way out of a jail with `network: proxy`: an HTTP proxy (CONNECT, and plain HTTP in absolute form) on a unix
// socket. A connection is one request:
//
//   reading head --parsed--> admission --allowed--> dialling --connected--> relaying --> closed
//        |                       |                     |
//        +-- 400, 408, 431       +-- 403               +-- 502
//
// Every answer of the proxy's own has the header "X-Proxy-Error" with one word, and a line for people.

namespace lathe::egress {

struct ProxyLimits {
  /// Further ones are answered 503.
  std::size_t connections = 128;
  std::size_t head_bytes = 16U << 10;
  std::chrono::milliseconds head_patience{10'000};
  std::chrono::milliseconds connect_patience{10'000};
  std::chrono::milliseconds idle{300'000};
  /// Both ways, all connections of the proxy's life.
  std::uint64_t bytes = 1ULL << 30;
};

/// Stop it before it goes. Loop thread.
class Proxy final {
 public:
  Proxy(Admission::Parts parts, ProxyLimits limits);
  /// Answers at this unix socket (mode 0600) from now on.
  [[nodiscard]] base::Result<void> listen(std::string socket_path);
  /// Ends every connection and removes the socket.
  runtime::Async<void> stop();

 private:
  /// What is under way for one client.
  struct Connection;

  runtime::Async<void> accept_all();
  runtime::Async<void> serve(std::unique_ptr<Connection> connection);
  /// Nothing when the request was served; else the answer to give.
  runtime::Async<std::string> handle(Connection* connection);
  runtime::Async<base::Result<std::string>> read_head(Connection* connection);
  runtime::Async<base::Result<std::unique_ptr<Socket>>> dial(Connection* connection, Endpoint target,
                                                             std::vector<Address> addresses, std::string* dialled);
  runtime::Async<void> relay(Connection* connection, ProxyRequest request, std::unique_ptr<Socket> server);

  runtime::Loop& loop_;
  const ProxyLimits limits_;
  Admission admission_;
  ByteBudget budget_;
  std::unique_ptr<runtime::UnixListener> listener_;
  std::size_t open_ = 0;
  runtime::Scope scope_;
};

}  // namespace lathe::egress
