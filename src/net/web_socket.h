#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::net {

struct WebSocketLimits {
  std::size_t max_message_bytes = 32U << 20;
  /// A peer that is silent for half of it is pinged, and one that is silent for all of it is dropped.
  base::Millis silence{60'000};
};

/// The server's side of a WebSocket (RFC 6455), text messages only; fragments, pings and closing are seen to inside.
/// One read() and one write() at a time, which do not disturb each other. Loop thread.
class WebSocket final {
 public:
  /// Answers the handshake: `request_head` is the whole head of the HTTP request, `rest` what came behind it.
  static runtime::Async<base::Result<std::unique_ptr<WebSocket>>> accept(runtime::Loop& loop, base::UniqueFd socket,
                                                                         std::string request_head, std::string rest,
                                                                         WebSocketLimits limits,
                                                                         runtime::CancelToken cancel);
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  /// The next message; nothing once the peer has closed. A read that was cancelled takes nothing away: the next one
  /// gets the message. `limit_exceeded` for one that is too long, `invalid` for one that is not text: the connection is
  /// closed then with the code that says so.
  runtime::Async<base::Result<std::optional<std::string>>> read(runtime::CancelToken cancel);
  /// A cancelled write leaves the connection broken.
  runtime::Async<base::Result<void>> write(std::string message, runtime::CancelToken cancel);
  /// Says goodbye and waits a moment for the other's, or until cancelled; 1000: all is done, 1001: going away, 1008:
  /// refused.
  runtime::Async<void> close(std::uint16_t code, std::string reason, runtime::CancelToken cancel);
  [[nodiscard]] bool peer_gone() const;

 private:
  struct State;
  explicit WebSocket(std::shared_ptr<State> state);
  /// Shared with operations of the kernel that are still under way when this goes.
  std::shared_ptr<State> state_;
};

}  // namespace lathe::net
