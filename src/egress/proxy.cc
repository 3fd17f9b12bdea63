#include "lathe/egress/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lathe::egress {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::Deadline;

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
/// Addresses of one name that are tried.
constexpr std::size_t kMaxDialled = 4;

/// An answer of our own.
std::string answer(std::string_view status, std::string_view reason, const Error& why) {
  const std::string text = fmt::format("lathe: {}\n", why.text());
  return fmt::format(
      "HTTP/1.1 {}\r\nX-Proxy-Error: {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      status, reason, text.size(), text);
}

std::string answer_to_bad_head(const Error& why) {
  if (why.code == base::codes::kTimeout) return answer("408 Request Timeout", "timeout", why);
  if (why.code == base::codes::kLimit) return answer("431 Request Header Fields Too Large", "head-too-large", why);
  if (why.code == base::codes::kUnsupported) return answer("501 Not Implemented", "unsupported", why);
  return answer("400 Bad Request", "bad-request", why);
}

}  // namespace

struct Proxy::Connection {
  Connection(Proxy& proxy, base::UniqueFd fd)
      : source(proxy.scope_.token()), client(proxy.loop_, std::move(fd)), open(proxy.open_) {
    ++open;
  }
  ~Connection() { --open; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  runtime::CancelSource source;
  Socket client;
  /// Bytes that came after the head.
  std::string rest;
  std::size_t& open;
};

Proxy::Proxy(Admission::Parts parts, ProxyLimits limits)
    : loop_(parts.loop), limits_(limits), admission_(std::move(parts)), budget_(limits.bytes), scope_(loop_) {}

Result<void> Proxy::listen(std::string socket_path) {
  TRY(listener_, runtime::UnixListener::create(loop_, std::move(socket_path)));
  scope_.spawn(accept_all());
  return {};
}

Async<void> Proxy::stop() {
  co_await scope_.stop();
  listener_.reset();
}

Async<void> Proxy::accept_all() {
  while (true) {
    auto fd = co_await listener_->accept(scope_.token());
    if (!fd.ok()) co_return;
    scope_.spawn(serve(std::make_unique<Connection>(*this, *std::move(fd))));
  }
}

Async<void> Proxy::serve(std::unique_ptr<Connection> connection) {
  const std::string reply =
      open_ > limits_.connections
          ? answer("503 Service Unavailable", "too-many-connections",
                   Error{.code = base::codes::kLimit,
                         .message = fmt::format("{} connections are open already", limits_.connections)})
          : co_await handle(connection.get());
  const auto patience = Deadline::after(loop_, limits_.head_patience);
  // Whether the client still wants the answer is its own affair.
  (void)co_await connection->client.write(reply, connection->source.token(), patience);
  connection->client.end_writing();
}

Async<std::string> Proxy::handle(Connection* connection) {
  const auto head = co_await read_head(connection);
  if (!head.ok()) co_return answer_to_bad_head(head.error());
  auto request = parse_request_head(*head);
  if (!request.ok()) co_return answer_to_bad_head(request.error());
  const Endpoint& target = request->target;
  const auto cancel = connection->source.token();
  auto verdict = co_await admission_.admit(target, cancel);
  if (!verdict.ok()) co_return answer("502 Bad Gateway", "unreachable", verdict.error());
  if (verdict->allowed && budget_.spent()) {
    *verdict = {.allowed = false,
                .rule = std::string(kBudgetSpent),
                .refusal = {.code = base::codes::kLimit,
                            .message = fmt::format("the session's {} bytes of network are spent", limits_.bytes),
                            .hint = "a person can raise egress-bytes in the configuration"}};
  }
  if (!verdict->allowed) {
    admission_.record(target, *verdict, "");
    co_return answer("403 Forbidden", verdict->rule == kByGate ? "denied" : verdict->rule, verdict->refusal);
  }
  std::string dialled = verdict->addresses.front().text();
  auto server = co_await dial(connection, target, verdict->addresses, &dialled);
  admission_.record(target, *verdict, dialled);
  if (!server.ok()) co_return answer("502 Bad Gateway", "unreachable", server.error());
  co_await relay(connection, *std::move(request), *std::move(server));
  co_return std::string();
}

Async<Result<std::string>> Proxy::read_head(Connection* connection) {
  const auto patience = Deadline::after(loop_, limits_.head_patience);
  std::string head;
  std::array<char, 4096> buffer{};
  std::size_t end = std::string::npos;
  while ((end = head.find(kHeadEnd)) == std::string::npos) {
    if (head.size() >= limits_.head_bytes) {
      co_return Error{.code = base::codes::kLimit,
                      .message = fmt::format("the head of the request has more than {} bytes", limits_.head_bytes)};
    }
    CO_TRY(const std::size_t got, co_await connection->client.read(buffer, connection->source.token(), patience));
    if (got == 0) co_return Error{.code = base::codes::kInvalid, .message = "the request to the proxy is cut off"};
    head.append(buffer.data(), got);
  }
  connection->rest = head.substr(end + kHeadEnd.size());
  head.resize(end);
  co_return head;
}

Async<Result<std::unique_ptr<Socket>>> Proxy::dial(Connection* connection, Endpoint target,
                                                   std::vector<Address> addresses, std::string* dialled) {
  Error last{.code = base::codes::kUnavailable, .message = "no address was tried"};
  addresses.resize(std::min(addresses.size(), kMaxDialled));
  for (const Address& address : addresses) {
    CO_TRY(base::UniqueFd fd, open_towards(address));
    auto server = std::make_unique<Socket>(loop_, std::move(fd));
    const auto patience = Deadline::after(loop_, limits_.connect_patience);
    auto connected = co_await server->connect(address, target.port, connection->source.token(), patience);
    *dialled = address.text();
    if (connected.ok()) co_return server;
    last = std::move(connected).error();
    if (connection->source.cancelled()) break;
  }
  co_return last;
}

Async<void> Proxy::relay(Connection* connection, ProxyRequest request, std::unique_ptr<Socket> server) {
  const auto cancel = connection->source.token();
  const bool tunnel = request.kind == ProxyRequest::Kind::kTunnel;
  IdleWatch idle(loop_, connection->source, limits_.idle);
  if (tunnel) {
    const auto told =
        co_await connection->client.write("HTTP/1.1 200 Connection established\r\n\r\n", cancel, Deadline::never());
    if (!told.ok()) co_return;
  }
  // What the client sent along with its head. Of a plain request only its own body goes on: what follows would be a
  // request that nobody decided on.
  const std::uint64_t limit = tunnel ? kToTheEnd : request.body_bytes;
  std::string first = std::move(request.head_for_server);
  first += connection->rest.substr(0, std::min<std::uint64_t>(connection->rest.size(), limit));
  const std::uint64_t already = std::min<std::uint64_t>(connection->rest.size(), limit);
  if (!budget_.take(first.size())) co_return;
  if (!(co_await server->write(first, cancel, Deadline::never())).ok()) co_return;

  struct Direction {
    static Async<bool> up(Flow flow, std::uint64_t bytes, bool tunnel, runtime::CancelSource* connection) {
      const bool whole = co_await copy(flow, bytes, connection->token());
      if (!whole) connection->cancel(runtime::cancelled_error("the connection broke"));
      if (whole && tunnel) flow.to.end_writing();
      co_return whole;
    }
    /// The end of a plain answer is the end of it all, also of a body that nobody reads any more.
    static Async<bool> down(Flow flow, bool tunnel, runtime::CancelSource* connection) {
      const bool whole = co_await copy(flow, kToTheEnd, connection->token());
      if (!whole || !tunnel) connection->cancel(runtime::cancelled_error("the answer has ended"));
      if (whole && tunnel) flow.to.end_writing();
      co_return whole;
    }
  };
  std::vector<Async<bool>> directions;
  const std::uint64_t left = tunnel ? kToTheEnd : limit - already;
  directions.push_back(Direction::up({connection->client, *server, budget_, idle}, left, tunnel, &connection->source));
  directions.push_back(Direction::down({*server, connection->client, budget_, idle}, tunnel, &connection->source));
  (void)co_await runtime::when_all(std::move(directions));
}

}  // namespace lathe::egress
