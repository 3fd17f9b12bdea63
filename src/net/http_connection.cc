#include "lathe/net/http_connection.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <cerrno>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"

namespace lathe::net {

namespace http = boost::beast::http;

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr std::size_t kReadBytes = 16U << 10;
/// Has no body, and no length of its own.
constexpr unsigned kNotModified = 304;
constexpr unsigned kTooLarge = 413;
constexpr unsigned kHeadTooLarge = 431;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

using Request = http::request<http::string_body>;

/// A part of a query, in which "+" is a space.
std::string decoded(std::string_view text) {
  return base::percent_decode(base::replace_all(std::string(text), "+", " "));
}

HttpFields parameters_of(std::string_view query) {
  HttpFields out;
  for (const std::string_view pair : base::split(query, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    out.emplace_back(decoded(pair.substr(0, equals)), decoded(value));
  }
  return out;
}

IncomingRequest request_of(Request&& message) {
  const std::string target(message.target());
  const std::size_t question = target.find('?');
  IncomingRequest request{.method = std::string(message.method_string()),
                          .path = target.substr(0, question),
                          .query = question == std::string::npos
                                       ? HttpFields()
                                       : parameters_of(std::string_view(target).substr(question + 1)),
                          .headers = {},
                          .body = std::move(message.body()),
                          .wants_web_socket = boost::beast::websocket::is_upgrade(message)};
  for (const auto& field : message) {
    request.headers.emplace_back(base::lower(std::string_view(field.name_string())), std::string(field.value()));
  }
  return request;
}

/// Whether the client may send another request on the same connection.
bool stays_open(const Request& message) {
  return message.version() >= 11 && !http::token_list(message[http::field::connection]).exists("close");
}

/// What is answered to bytes that are no request that we take.
unsigned status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return kHeadTooLarge;
  if (error == http::error::body_limit) return kTooLarge;
  return 400;
}

std::string words_of(const boost::system::error_code& error, const HttpLimits& limits) {
  if (error == http::error::body_limit) return fmt::format("the body is longer than {} bytes", limits.max_body_bytes);
  if (error == http::error::header_limit)
    return fmt::format("the head is longer than {} bytes", limits.max_header_bytes);
  return error.message();
}

}  // namespace

struct HttpConnection::Parsing {
  explicit Parsing(const HttpLimits& limits) {
    parser.eager(true);
    parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    parser.body_limit(limits.max_body_bytes);
  }
  http::request_parser<http::string_body> parser;
  /// Everything up to the body, as it came; for a handshake.
  std::string head;
};

std::string_view IncomingRequest::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return "";
}

std::optional<std::string_view> IncomingRequest::parameter(std::string_view name) const {
  for (const auto& [known, value] : query) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<std::unique_ptr<HttpConnection>> HttpConnection::create(runtime::Loop& loop, base::UniqueFd socket,
                                                               HttpLimits limits) {
  base::UniqueFd copy(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  if (!copy) return base::errno_error(errno, "copy a socket's descriptor");
  TRY(auto stream, runtime::ByteStream::of_socket(loop, std::move(copy)));
  return std::unique_ptr<HttpConnection>(new HttpConnection(loop, std::move(socket), std::move(stream), limits));
}

HttpConnection::HttpConnection(runtime::Loop& loop, base::UniqueFd socket, std::unique_ptr<runtime::ByteStream> stream,
                               HttpLimits limits)
    : loop_(loop), limits_(limits), socket_(std::move(socket)), stream_(std::move(stream)) {}

HttpConnection::~HttpConnection() = default;

Async<Result<std::optional<IncomingRequest>>> HttpConnection::read(CancelToken cancel) {
  if (!keep_alive_) co_return std::optional<IncomingRequest>();
  last_ = std::make_unique<Parsing>(limits_);
  head_only_ = false;
  auto& parser = last_->parser;
  Deadline deadline = Deadline::after(loop_, rest_.empty() ? limits_.idle : limits_.request);
  bool began = !rest_.empty();
  bool continued = false;
  std::string buffer(kReadBytes, '\0');
  while (!parser.is_done()) {
    if (!rest_.empty()) {
      boost::system::error_code error;
      const bool in_head = !parser.is_header_done();
      const std::size_t used = parser.put(boost::asio::buffer(rest_), error);
      if (in_head) last_->head.append(rest_, 0, used);
      rest_.erase(0, used);
      if (error && error != http::error::need_more)
        co_return co_await refuse(status_of(error), words_of(error, limits_), cancel);
      if (parser.is_done()) break;
      if (parser.is_header_done() && !continued && parser.get()[http::field::expect] == "100-continue") {
        continued = true;
        CO_TRY_OK(co_await write(std::string(kContinue), cancel));
      }
    }
    const auto got = co_await stream_->read(buffer, cancel, deadline);
    if (!got.ok() && got.error().code == base::codes::kTimeout && began) {
      co_return co_await refuse(408, "the request does not come to its end", cancel);
    }
    if (!got.ok()) co_return got.error();
    if (*got == 0) co_return std::optional<IncomingRequest>();
    if (!began) deadline = Deadline::after(loop_, limits_.request);
    began = true;
    rest_.append(buffer, 0, *got);
  }
  if (parser.get().count(http::field::host) > 1) {
    co_return co_await refuse(400, "a request has one Host", cancel);  // RFC 9112 3.2
  }
  keep_alive_ = stays_open(parser.get());
  head_only_ = parser.get().method() == http::verb::head;
  co_return request_of(parser.release());
}

Async<Result<std::optional<IncomingRequest>>> HttpConnection::refuse(unsigned status, std::string why,
                                                                     CancelToken cancel) {
  keep_alive_ = false;
  OutgoingResponse response{.status = status};
  const bool at_limit = status == kTooLarge || status == kHeadTooLarge;
  response.body = base::dump_json(base::Json{{"error",
                                              {{"code", at_limit ? base::codes::kLimit : base::codes::kInvalid},
                                               {"message", std::move(why)},
                                               {"retryable", false}}}});
  CO_TRY_OK(co_await respond(std::move(response), cancel));
  co_return std::optional<IncomingRequest>();
}

std::string HttpConnection::head_of(const OutgoingResponse& response, std::optional<std::size_t> length) const {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                                 std::string_view(http::obsolete_reason(static_cast<http::status>(response.status))));
  if (!response.content_type.empty()) head += "content-type: " + response.content_type + "\r\n";
  for (const auto& [name, value] : response.headers) head.append(name).append(": ").append(value).append("\r\n");
  if (response.status != kNotModified) {
    head += length ? fmt::format("content-length: {}\r\n", *length) : "transfer-encoding: chunked\r\n";
  }
  if (!keep_alive_) head += "connection: close\r\n";
  return head + "\r\n";
}

Async<Result<void>> HttpConnection::respond(OutgoingResponse response, CancelToken cancel) {
  std::string bytes = head_of(response, response.body.size());
  if (!head_only_) bytes += response.body;
  co_return co_await write(std::move(bytes), cancel);
}

Async<Result<void>> HttpConnection::begin_stream(OutgoingResponse head, CancelToken cancel) {
  co_return co_await write(head_of(head, std::nullopt), cancel);
}

Async<Result<void>> HttpConnection::send_piece(std::string_view bytes, CancelToken cancel) {
  // An empty piece would be the end.
  if (bytes.empty()) co_return Result<void>();
  co_return co_await write(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes), cancel);
}

Async<Result<void>> HttpConnection::end_stream(CancelToken cancel) { co_return co_await write("0\r\n\r\n", cancel); }

Async<Result<void>> HttpConnection::write(std::string bytes, CancelToken cancel) {
  auto written = co_await stream_->write(bytes, cancel, Deadline::after(loop_, limits_.write));
  if (!written.ok()) keep_alive_ = false;
  co_return written;
}

Async<Result<std::unique_ptr<WebSocket>>> HttpConnection::upgrade(WebSocketLimits limits, CancelToken cancel) {
  keep_alive_ = false;
  stream_.reset();
  co_return co_await WebSocket::accept(loop_, std::move(socket_), std::move(last_->head), std::move(rest_), limits,
                                       cancel);
}

}  // namespace lathe::net
