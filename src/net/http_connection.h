#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/net/web_socket.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/byte_stream.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

// The server's side of HTTP/1.1 (RFC 9112), for the local API: one connection, one request after the other.
//
//   read() -> respond() -> read() … -> nothing: the client is done
//          -> begin_stream(), send_piece() …, end_stream()
//          -> upgrade(): a WebSocket takes the connection over

namespace lathe::net {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct IncomingRequest {
  /// As sent: "GET".
  std::string method;
  /// The target's path as sent, "/sessions/x": no escapes are undone, so no segment can hide another.
  std::string path;
  /// The target's parameters, with escapes undone.
  HttpFields query;
  /// Names in lower case.
  HttpFields headers;
  std::string body;
  bool wants_web_socket = false;

  /// The first of that name; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view lower_name) const;
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

struct OutgoingResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  HttpFields headers = {};
  std::string body = {};
};

struct HttpLimits {
  std::size_t max_header_bytes = 16U << 10;
  std::size_t max_body_bytes = 32U << 20;
  /// Between two requests; a client that keeps a connection for nothing is dropped.
  base::Millis idle{60'000};
  /// From the first byte of a request to its last.
  base::Millis request{30'000};
  /// A piece of an answer that the client does not take for so long ends the connection.
  base::Millis write{30'000};
};

/// Loop thread. Errors of respond() and of what follows it end the connection; read() has answered what is not HTTP.
class HttpConnection final {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<HttpConnection>> create(runtime::Loop& loop, base::UniqueFd socket,
                                                                            HttpLimits limits = {});
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// The next request; nothing when the client is done, or was told that what it sent is no request (400, 413, 431,
  /// 408) and is to be left.
  runtime::Async<base::Result<std::optional<IncomingRequest>>> read(runtime::CancelToken cancel);
  runtime::Async<base::Result<void>> respond(OutgoingResponse response, runtime::CancelToken cancel);
  /// An answer whose end is not known yet, in pieces (chunked). The body of `head` is not looked at.
  runtime::Async<base::Result<void>> begin_stream(OutgoingResponse head, runtime::CancelToken cancel);
  runtime::Async<base::Result<void>> send_piece(std::string_view bytes, runtime::CancelToken cancel);
  runtime::Async<base::Result<void>> end_stream(runtime::CancelToken cancel);
  /// The client has hung up, or will at least send nothing more.
  [[nodiscard]] bool peer_gone() const { return stream_->peer_gone(); }
  /// Answers the last request, which wants a WebSocket, with one. The connection is of no more use.
  runtime::Async<base::Result<std::unique_ptr<WebSocket>>> upgrade(WebSocketLimits limits, runtime::CancelToken cancel);

 private:
  struct Parsing;
  HttpConnection(runtime::Loop& loop, base::UniqueFd socket, std::unique_ptr<runtime::ByteStream> stream,
                 HttpLimits limits);
  runtime::Async<base::Result<void>> write(std::string bytes, runtime::CancelToken cancel);
  [[nodiscard]] std::string head_of(const OutgoingResponse& response, std::optional<std::size_t> length) const;
  runtime::Async<base::Result<std::optional<IncomingRequest>>> refuse(unsigned status, std::string why,
                                                                      runtime::CancelToken cancel);

  runtime::Loop& loop_;
  const HttpLimits limits_;
  /// For the WebSocket that takes the connection over; `stream_` has descriptors of its own.
  base::UniqueFd socket_;
  std::unique_ptr<runtime::ByteStream> stream_;
  /// Bytes of the next request.
  std::string rest_;
  std::unique_ptr<Parsing> last_;
  bool keep_alive_ = true;
  /// The last request was HEAD: of its answer the body stays here.
  bool head_only_ = false;
};

}  // namespace lathe::net
