#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/daemon/places.h"
#include "lathe/gateways/http/http_gateway.h"
#include "lathe/protocol/scopes.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/byte_stream.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"
#include "lathe/runtime/tcp_listener.h"

namespace lathe::daemon {

/// The daemon's TCP address, for programs of this machine that have a token. One port takes both wires: what begins as
/// a JSON object is a client of frames (gateways/sqeq), whose hello carries the token; anything else is HTTP
/// (gateways/http). Loop thread.
class TcpEntrance final {
 public:
  struct Parts {
    gateways::http::HttpParts http;
    /// Serves a client of frames that has yet to say hello.
    std::function<runtime::Async<void>(std::unique_ptr<runtime::ByteStream>)> serve_lines;
    /// A place for one more from that address.
    std::function<base::Result<Places::Place>(std::string address)> take_place;
    std::function<void(std::string_view)> log;
  };
  TcpEntrance(Parts parts, std::unique_ptr<runtime::TcpListener> listener);

  [[nodiscard]] const runtime::TcpAddress& address() const { return listener_->address(); }
  /// Of those who speak HTTP.
  [[nodiscard]] const gateways::http::HttpUse& use() const { return *parts_.http.use; }
  /// Takes clients until cancelled. Awaited once.
  runtime::Async<void> accept_all(runtime::CancelToken cancel);
  /// Takes no further request, and ends those that are under way when they are not over by then. Clients of frames are
  /// ended by who serves them. False when a client still waits for an answer that does not come.
  runtime::Async<bool> stop(runtime::Deadline patience);

 private:
  runtime::Async<void> serve(base::UniqueFd socket, Places::Place place);
  runtime::Async<void> serve_either_wire(base::UniqueFd socket);
  runtime::Async<void> clients_leave(runtime::Deadline patience);
  /// The client's first byte, which stays where it is.
  runtime::Async<base::Result<char>> first_byte(int socket);

  Parts parts_;
  std::unique_ptr<runtime::TcpListener> listener_;
  runtime::CancelSource whole_;
  /// Ends the reading of requests only; cancelled with whole_ or before.
  runtime::CancelSource requests_;
  /// Tells stop() that a client has left.
  runtime::Signal client_left_;
  runtime::Scope serving_;
};

}  // namespace lathe::daemon
