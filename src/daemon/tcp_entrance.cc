#include "lathe/daemon/tcp_entrance.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "lathe/gateways/http/error_status.h"

namespace lathe::daemon {

using base::Result;
using base::UniqueFd;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// A client that connects and says nothing holds a place for no longer.
constexpr base::Millis kFirstByte{10'000};
/// At the end, for whoever waits for an answer of the engine.
constexpr base::Millis kRequestPatience{500};

void close_with(int socket, const base::Error& why) {
  const std::string body = gateways::http::error_response(why).body;
  // Whichever wire it speaks, it can be read.
  const std::string answer =
      "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-type: application/json\r\n"
      "content-length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  (void)::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

TcpEntrance::TcpEntrance(Parts parts, std::unique_ptr<runtime::TcpListener> listener)
    : parts_(std::move(parts)),
      listener_(std::move(listener)),
      requests_(whole_.token()),
      client_left_(parts_.http.loop),
      serving_(parts_.http.loop) {}

Async<void> TcpEntrance::accept_all(CancelToken cancel) {
  while (true) {
    auto socket = co_await listener_->accept(cancel);
    if (!socket.ok()) co_return;
    Result<Places::Place> place = parts_.take_place(runtime::peer_address(socket->get()));
    if (!place.ok()) {
      parts_.log("turned a client away: " + place.error().message);
      close_with(socket->get(), place.error());
      continue;
    }
    serving_.spawn(serve(*std::move(socket), *std::move(place)));
  }
}

Async<void> TcpEntrance::clients_leave(Deadline patience) {
  while (serving_.running() > 0 && (co_await client_left_.wait(CancelToken(), patience)).ok()) {
  }
}

Async<bool> TcpEntrance::stop(Deadline patience) {
  listener_.reset();
  requests_.cancel(runtime::cancelled_error("the daemon ends"));
  co_await clients_leave(patience);
  whole_.cancel(runtime::cancelled_error("the daemon ends"));
  co_await clients_leave(Deadline::after(parts_.http.loop, kRequestPatience));
  co_return serving_.running() == 0;
}

Async<Result<char>> TcpEntrance::first_byte(int socket) {
  runtime::FdWatch watch(parts_.http.loop, socket);
  CO_TRY_OK(co_await watch.readable(requests_.token(), Deadline::after(parts_.http.loop, kFirstByte)));
  char byte = 0;
  const ssize_t got = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got == 1) co_return byte;
  if (got < 0) co_return base::errno_error(errno, "read from a client");
  co_return base::Error{.code = base::codes::kUnavailable, .message = "the client has left"};
}

Async<void> TcpEntrance::serve(UniqueFd socket, Places::Place /*place*/) {
  co_await serve_either_wire(std::move(socket));
  client_left_.notify();
}

Async<void> TcpEntrance::serve_either_wire(UniqueFd socket) {
  const Result<char> first = co_await first_byte(socket.get());
  if (!first.ok()) co_return;
  if (*first != '{') {
    co_await gateways::http::serve_http(parts_.http, std::move(socket),
                                        {.all = whole_.token(), .requests = requests_.token()});
    co_return;
  }
  auto stream = runtime::ByteStream::of_socket(parts_.http.loop, std::move(socket));
  if (stream.ok()) co_await parts_.serve_lines(*std::move(stream));
}

}  // namespace lathe::daemon
