#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"

// HTTP client over libcurl's multi interface on one net thread. A transfer's bytes are handed to its BodySink on that
// thread, so that parsing a stream never costs the engine loop anything; the sink passes typed chunks on through a
// runtime::CrossChannel. libcurl is loaded when the first request is made: commands that never use the network do not
// pay for it.

namespace lathe::net {

struct Header {
  /// Lower case when received.
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method = "GET";
  /// http:// or https://.
  std::string url;
  std::vector<Header> headers;
  std::string body = {};
  std::chrono::milliseconds connect_timeout{10'000};
  /// Redirects followed at most; none by default, so that a key never goes to another host.
  int max_redirects = 0;
  /// An IP address (IPv6 without brackets) to connect to, instead of looking the host's name up. No proxy is asked, and
  /// the connection is used for nothing else.
  std::string connect_to = {};
};

struct ResponseHead {
  int status = 0;
  std::vector<Header> headers;
  /// The value of the first header of that (lower-case) name, or "".
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

enum class Flow {
  kGoOn,
  /// The bytes were taken; send no more until Transfer::resume().
  kPause,
  /// End the transfer; on_end gets `cancelled`.
  kStop,
};

/// Receives one response, on the net thread. Calls come in order: on_head, on_data*, on_end. on_end comes exactly once,
/// also when nothing else did.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual void on_head(const ResponseHead& head) = 0;
  virtual Flow on_data(std::string_view bytes) = 0;
  /// Errors, each naming the host, `retryable` when the same request may pass later: `unreachable` (no connection, no
  /// such host, a certificate that is refused), `timeout` (connecting),
  /// `stream_error` (cut off, no HTTP, head larger than 256 KiB), `invalid` (the request's URL or a header, too many
  /// redirects), `unsupported` (libcurl is not installed), `cancelled` (dropped, kStop, or the client went).
  virtual void on_end(base::Result<void> result) = 0;
};

/// A request under way. Dropping it ends the request; its sink gets on_end and is freed on the net thread.
class Transfer {
 public:
  virtual ~Transfer() = default;
  /// After Flow::kPause. Any thread.
  virtual void resume() = 0;
};

struct HttpResponse {
  ResponseHead head;
  std::string body;
};

class NetThread;

/// Owns the net thread, which starts with the first request and ends with this. Connections are kept and reused.
/// start() and fetch() belong to the loop thread. Proxies come from the usual environment variables, but never for the
/// loopback; certificates as in trust_store.h.
class HttpClient final {
 public:
  explicit HttpClient(runtime::Loop& loop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Starts the net thread and loads libcurl, so that the first request need not wait for it. Returns at once.
  void warm_up();
  /// Sends the request. Nothing fails here: every error comes to the sink's on_end.
  [[nodiscard]] std::unique_ptr<Transfer> start(HttpRequest request, std::unique_ptr<BodySink> sink);
  /// The whole response, of any status; `limit_exceeded` past `max_body_bytes`.
  runtime::Async<base::Result<HttpResponse>> fetch(HttpRequest request, runtime::CancelToken cancel,
                                                   runtime::Deadline deadline, std::size_t max_body_bytes);

 private:
  runtime::Loop& loop_;
  std::shared_ptr<NetThread> thread_;  // shared with the transfers, which may outlive this
};

}  // namespace lathe::net
