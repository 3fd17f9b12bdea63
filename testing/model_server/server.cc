#include "lathe/testing/model_server/server.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <list>
#include <thread>

#include "lathe/base/strings.h"
#include "lathe/testing/model_server/director.h"
#include "lathe/testing/model_server/routes.h"

// One thread runs an io_context with one coroutine per connection. A response is rendered before its first byte is
// sent; what happens between bytes (gates, delays, stalls, cuts) is between the segments.

namespace lathe::testing {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;  // NOLINT: operators of two awaitables

namespace {

constexpr std::size_t kMaxRequestBytes = 256U << 20;
constexpr std::size_t kLargeWrite = 256U << 10;

IncomingRequest incoming(const http::request<http::string_body>& message) {
  IncomingRequest request{
      .method = std::string(message.method_string()), .path = {}, .headers = {}, .body = message.body()};
  const std::string target(message.target());
  request.path = target.substr(0, target.find('?'));
  for (const auto& field : message) {
    request.headers.emplace_back(base::lower(std::string_view(field.name_string())), std::string(field.value()));
  }
  return request;
}

std::string head_of(const Response& response, std::size_t length) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                     std::string(http::obsolete_reason(static_cast<http::status>(response.status))) + "\r\n";
  head += "content-type: " + response.content_type + "\r\n";
  for (const auto& [name, value] : response.headers) head.append(name).append(": ").append(value).append("\r\n");
  head += response.chunked ? "transfer-encoding: chunked\r\n" : "content-length: " + std::to_string(length) + "\r\n";
  return head + "\r\n";
}

std::string chunk_of(std::string_view bytes) {
  char size[20];
  const int written = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  std::string chunk(size, static_cast<std::size_t>(written));
  return chunk.append(bytes).append("\r\n");
}

/// True when the other side has closed the connection (or the connection is broken).
bool peer_left(tcp::socket& socket) {
  char byte = 0;
  const ssize_t got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

struct ScriptedModelServer::Impl {
  Impl(Script script, std::uint16_t port)
      : director(std::move(script)), acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
    director.on_release([this] { asio::post(context, [this] { wake_waiting(); }); });
  }
  ~Impl() {
    context.stop();
    if (thread.joinable()) thread.join();
  }

  void run() {
    asio::co_spawn(context, accept_all(), asio::detached);
    thread = std::thread([this] { context.run(); });
  }

  void wake_waiting() {
    for (asio::steady_timer* timer : waiting) timer->expires_at(asio::steady_timer::time_point::min());
  }

  awaitable<void> accept_all() {
    while (true) {
      tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
      connections.fetch_add(1);
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      asio::co_spawn(context, serve(std::move(socket)), asio::detached);
    }
  }

  awaitable<void> serve(tcp::socket socket) {
    boost::beast::flat_buffer buffer;
    try {
      while (true) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(kMaxRequestBytes);
        co_await http::async_read(socket, buffer, parser, use_awaitable);
        const IncomingRequest request = incoming(parser.get());
        const Response response = route(director, request, connections.load());
        if (!co_await send(socket, response, request.method == "HEAD")) co_return;
      }
    } catch (const boost::system::system_error&) {
      // The client has left; its coroutine ends with the connection.
    }
  }

  /// False when the connection is to be closed.
  awaitable<bool> send(tcp::socket& socket, const Response& response, bool head_only) {
    for (const Segment& segment : response.before) {
      if (!co_await act(socket, *segment.then)) co_return false;
    }
    std::size_t length = 0;
    for (const Segment& segment : response.body) length += segment.bytes.size();
    std::string pending = head_of(response, length);
    for (const Segment& segment : response.body) {
      if (head_only) break;
      std::string_view rest = segment.bytes;
      while (!rest.empty()) {
        const std::string_view piece = rest.substr(0, response.chunk_bytes == 0 ? kLargeWrite : response.chunk_bytes);
        rest.remove_prefix(piece.size());
        pending += response.chunked ? chunk_of(piece) : std::string(piece);
        co_await flush(socket, pending);
      }
      if (!segment.then) continue;
      co_await flush(socket, pending);
      if (!co_await act(socket, *segment.then)) co_return false;
    }
    if (response.chunked && !head_only) pending += "0\r\n\r\n";
    co_await flush(socket, pending);
    co_return true;
  }

  static awaitable<void> flush(tcp::socket& socket, std::string& pending) {
    if (!pending.empty()) co_await asio::async_write(socket, asio::buffer(pending), use_awaitable);
    pending.clear();
  }

  /// Carries out what is between two pieces; false when the connection is to be closed.
  awaitable<bool> act(tcp::socket& socket, const Step& step) {
    if (std::holds_alternative<Cut>(step)) co_return false;
    if (const auto* delay = std::get_if<Delay>(&step)) {
      asio::steady_timer timer(context, delay->span);
      co_await timer.async_wait(use_awaitable);
      co_return true;
    }
    const auto* gate = std::get_if<Gate>(&step);
    if (gate == nullptr) co_return co_await wait_for(socket, nullptr);
    director.arrived_at(gate->name);
    const bool opened = co_await wait_for(socket, gate);
    director.left(gate->name);
    co_return opened;
  }

  /// Waits for the gate, or with none for ever; false when the client leaves first.
  awaitable<bool> wait_for(tcp::socket& socket, const Gate* gate) {
    asio::steady_timer timer(context);
    const auto place = waiting.insert(waiting.end(), &timer);
    bool watch_socket = true;
    bool left = false;
    while (!left) {
      // Before the look at the gate, so that a release that comes after it ends the wait.
      timer.expires_at(asio::steady_timer::time_point::max());
      if (gate != nullptr && director.is_open(gate->name)) break;
      if (watch_socket) {
        co_await (wait_quietly(timer) || wait_readable(socket));
        left = peer_left(socket);
        // Bytes that are no end are the next request: it has to wait, and the socket would always be readable.
        watch_socket = socket.available() == 0;
      } else {
        co_await wait_quietly(timer);
      }
    }
    waiting.erase(place);
    co_return !left;
  }

  static awaitable<void> wait_quietly(asio::steady_timer& timer) {
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
  static awaitable<void> wait_readable(tcp::socket& socket) {
    error_code ignored;
    co_await socket.async_wait(tcp::socket::wait_read, asio::redirect_error(use_awaitable, ignored));
  }

  Director director;
  asio::io_context context{1};
  tcp::acceptor acceptor;
  std::atomic<std::size_t> connections{0};
  std::list<asio::steady_timer*> waiting;  // server thread only
  std::thread thread;
};

base::Result<std::unique_ptr<ScriptedModelServer>> ScriptedModelServer::start(Script script, ServerOptions options) {
  std::unique_ptr<Impl> impl;
  try {
    impl = std::make_unique<Impl>(std::move(script), options.port);
  } catch (const boost::system::system_error& error) {
    return base::Error{.code = base::codes::kIo,
                       .message = "cannot listen on 127.0.0.1:" + std::to_string(options.port) + ": " + error.what()};
  }
  if (!options.log_path.empty()) {
    base::UniqueFd log(::open(options.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log) return base::errno_error(errno, options.log_path);
    impl->director.log_to(std::move(log));
  }
  impl->run();
  return std::unique_ptr<ScriptedModelServer>(new ScriptedModelServer(std::move(impl)));
}

ScriptedModelServer::ScriptedModelServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ScriptedModelServer::~ScriptedModelServer() = default;

std::uint16_t ScriptedModelServer::port() const { return impl_->acceptor.local_endpoint().port(); }
std::string ScriptedModelServer::url() const { return "http://127.0.0.1:" + std::to_string(port()); }
void ScriptedModelServer::add(Answer answer) { impl_->director.add(std::move(answer)); }
void ScriptedModelServer::release(std::string_view gate) { impl_->director.release(gate); }
bool ScriptedModelServer::wait_at_gate(std::string_view gate, std::chrono::milliseconds timeout) const {
  return impl_->director.wait_at_gate(gate, timeout);
}
bool ScriptedModelServer::wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const {
  return impl_->director.wait_for_requests(count, timeout);
}
std::vector<RecordedRequest> ScriptedModelServer::requests() const { return impl_->director.requests(); }
std::vector<std::string> ScriptedModelServer::violations() const { return impl_->director.violations(); }
std::vector<std::string> ScriptedModelServer::prefix_breaks() const { return impl_->director.prefix_breaks(); }
std::size_t ScriptedModelServer::connections() const { return impl_->connections.load(); }

}  // namespace lathe::testing
