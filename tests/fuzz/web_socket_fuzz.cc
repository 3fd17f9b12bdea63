#include <string>
#include <vector>

#include "fuzz.h"
#include "lathe/net/http_connection.h"
#include "peer.h"

namespace {

using lathe::base::UniqueFd;
using lathe::net::HttpConnection;
using lathe::runtime::Async;
using lathe::runtime::Loop;

constexpr std::size_t kMaxMessageBytes = 512;
constexpr std::string_view kHead =
    "GET /v1/connect HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

Async<void> serve(Loop* loop, UniqueFd socket, std::vector<std::string>* told) {
  auto connection = HttpConnection::create(*loop, std::move(socket));
  FUZZ_REQUIRE(connection.ok());
  const auto request = co_await (*connection)->read({});
  FUZZ_REQUIRE(request.ok() && *request && (*request)->wants_web_socket);
  auto web_socket = co_await (*connection)->upgrade({.max_message_bytes = kMaxMessageBytes}, {});
  if (!web_socket.ok()) co_return;
  while (true) {
    auto message = co_await (*web_socket)->read({});
    if (!message.ok() || !*message) co_return;
    FUZZ_REQUIRE((*message)->size() <= kMaxMessageBytes);
    told->push_back(**std::move(message));
  }
}

}  // namespace

// What a client of a WebSocket sends after its handshake: any way of cutting the same bytes gives the same messages.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  lathe::fuzz::tells_the_same_however_it_is_cut(input, kHead, serve);
  return 0;
}
