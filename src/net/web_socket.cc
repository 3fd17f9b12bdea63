#include "lathe/net/web_socket.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <utility>

#include "lathe/runtime/asio_access.h"
#include "lathe/runtime/signal.h"

namespace lathe::net {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;

using base::Error;
using base::Result;
using boost::system::error_code;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

using Socket = asio::generic::stream_protocol::socket;
constexpr base::Millis kHandshake{10'000};
constexpr base::Millis kGoodbye{2'000};
constexpr std::size_t kPieceBytes = 64U << 10;

Error gone(const error_code& error) {
  return {.code = base::codes::kUnavailable, .message = "the WebSocket has broken: " + error.message()};
}

}  // namespace

/// The operations of Beast, each with the signal that its end gives. A handler holds the state, so that a cancelled
/// wait leaves nothing behind that points nowhere.
struct WebSocket::State {
  State(runtime::Loop& its_loop, Socket socket, std::size_t its_max_message_bytes)
      : loop(its_loop),
        max_message_bytes(its_max_message_bytes),
        stream(std::move(socket)),
        read_done(loop),
        write_done(loop),
        close_done(loop) {}

  runtime::Loop& loop;
  const std::size_t max_message_bytes;
  websocket::stream<Socket, false> stream;
  boost::beast::flat_buffer received;
  runtime::Signal read_done;
  runtime::Signal write_done;
  runtime::Signal close_done;
  /// A read is under way, or has ended and was not taken yet.
  bool reading = false;
  error_code read_error;
  error_code write_error;
  std::string outgoing;

  void drop() {
    error_code ignored;
    boost::beast::get_lowest_layer(stream).close(ignored);
  }
};

WebSocket::WebSocket(std::shared_ptr<State> state) : state_(std::move(state)) {}

WebSocket::~WebSocket() { state_->drop(); }

Async<Result<std::unique_ptr<WebSocket>>> WebSocket::accept(runtime::Loop& loop, base::UniqueFd socket,
                                                            std::string request_head, std::string rest,
                                                            WebSocketLimits limits, CancelToken cancel) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    co_return base::errno_error(errno, "take a WebSocket");
  }
  Socket wrapped(runtime::io_context_of(loop));
  error_code error;
  wrapped.assign({address.ss_family, 0}, socket.get(), error);
  if (error) co_return gone(error);
  (void)socket.release();
  auto state = std::make_shared<State>(loop, std::move(wrapped), limits.max_message_bytes);
  std::unique_ptr<WebSocket> made(new WebSocket(state));
  state->stream.set_option(websocket::stream_base::timeout{
      .handshake_timeout = kHandshake, .idle_timeout = limits.silence, .keep_alive_pings = true});
  // Beast would close without a word; read() says the limit.
  state->stream.read_message_max(0);
  state->stream.text(true);
  state->outgoing = std::move(request_head) + std::move(rest);
  state->stream.async_accept(asio::buffer(state->outgoing), [state](error_code ended) {
    state->write_error = ended;
    state->write_done.notify();
  });
  CO_TRY_OK(co_await state->write_done.wait(cancel, Deadline::never()));
  if (state->write_error) co_return gone(state->write_error);
  co_return made;
}

Async<Result<std::optional<std::string>>> WebSocket::read(CancelToken cancel) {
  const std::shared_ptr<State> state = state_;
  do {
    if (!state->reading) {
      state->reading = true;
      state->stream.async_read_some(state->received, kPieceBytes, [state](error_code ended, std::size_t) {
        state->read_error = ended;
        state->read_done.notify();
      });
    }
    CO_TRY_OK(co_await state->read_done.wait(cancel, Deadline::never()));
    state->reading = false;
    const error_code error = state->read_error;
    if (error == websocket::error::closed) co_return std::optional<std::string>();
    if (error == websocket::error::bad_frame_payload) {
      co_return Error{.code = base::codes::kInvalid, .message = "a message is not UTF-8"};
    }
    if (error) co_return gone(error);
    if (state->received.size() > state->max_message_bytes) {
      const std::string why = fmt::format("a message is longer than {} bytes", state->max_message_bytes);
      co_await close(websocket::close_code::too_big, why, cancel);
      co_return Error{.code = base::codes::kLimit, .message = why};
    }
  } while (!state->stream.is_message_done());
  if (!state->stream.got_text()) {
    co_await close(websocket::close_code::unknown_data, "text messages only", cancel);
    co_return Error{.code = base::codes::kInvalid, .message = "a message is not text"};
  }
  std::string message = boost::beast::buffers_to_string(state->received.data());
  state->received.consume(state->received.size());
  co_return std::optional(std::move(message));
}

Async<Result<void>> WebSocket::write(std::string message, CancelToken cancel) {
  const std::shared_ptr<State> state = state_;
  state->outgoing = std::move(message);
  state->stream.async_write(asio::buffer(state->outgoing), [state](error_code ended, std::size_t) {
    state->write_error = ended;
    state->write_done.notify();
  });
  if (auto written = co_await state->write_done.wait(cancel, Deadline::never()); !written.ok()) {
    state->drop();
    co_return written;
  }
  if (state->write_error) co_return gone(state->write_error);
  co_return Result<void>();
}

Async<void> WebSocket::close(std::uint16_t code, std::string reason, CancelToken cancel) {
  const std::shared_ptr<State> state = state_;
  state->stream.async_close({static_cast<websocket::close_code>(code), reason},
                            [state](error_code) { state->close_done.notify(); });
  // However that goes, the connection is not used again.
  (void)co_await state->close_done.wait(cancel, Deadline::after(state->loop, kGoodbye));
}

bool WebSocket::peer_gone() const {
  if (!state_->stream.is_open()) return true;
  pollfd entry{.fd = boost::beast::get_lowest_layer(state_->stream).native_handle(), .events = 0, .revents = 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace lathe::net
