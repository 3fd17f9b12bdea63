#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/model.h"
#include "lathe/providers/common/decoder.h"
#include "lathe/providers/common/endpoint.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::providers::common {

/// One model request, as a wire wants it sent.
struct WireRequest {
  /// Below the endpoint's base URL.
  std::string path;
  std::string body;
  /// The wire's own, such as the one that carries the key.
  std::vector<net::Header> headers;
  Framing framing = Framing::kSse;
  std::unique_ptr<Decoder> decoder;
  /// For messages.
  std::string model;
};

/// Sends a wire's requests to one endpoint. Loop thread; the loop and the client outlive it, it outlives its streams.
class HttpBackend final {
 public:
  HttpBackend(runtime::Loop& loop, net::HttpClient& client, Endpoint endpoint);
  ~HttpBackend();
  HttpBackend(const HttpBackend&) = delete;
  HttpBackend& operator=(const HttpBackend&) = delete;

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  /// Done when the server has begun to answer with a stream. One attempt.
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(WireRequest request,
                                                                               runtime::CancelToken cancel);
  /// One JSON document: GET, or POST when there is a body.
  runtime::Async<ports::ModelResult<base::Json>> fetch(std::string path, std::string body,
                                                       std::vector<net::Header> headers, runtime::CancelToken cancel);
  /// A fresh name for calls that come without an id.
  [[nodiscard]] std::string new_call_seed();

  struct Lingering;

 private:
  net::HttpRequest http_request(const std::string& path, std::string body, std::vector<net::Header> headers) const;

  runtime::Loop& loop_;
  net::HttpClient& client_;
  const Endpoint endpoint_;
  base::SystemRandom random_;
  std::shared_ptr<Lingering> lingering_;
};

}  // namespace lathe::providers::common
