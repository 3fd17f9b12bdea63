#pragma once

#include <functional>
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
  Framing framing = Framing::kSse;
  std::unique_ptr<Decoder> decoder;
  /// For messages.
  std::string model;
};

/// The wire's own headers, such as the one that carries the key (which may be empty).
using KeyHeaders = std::function<std::vector<net::Header>(const std::string& api_key)>;

/// Sends a wire's requests to one endpoint. Loop thread; the loop and the client outlive it, it outlives its streams.
///
/// A key that a command gives may have run out: when the server refuses it (401), the command is run once more and the
/// same is asked again with another key, if it has one.
class HttpBackend final {
 public:
  HttpBackend(runtime::Loop& loop, net::HttpClient& client, Endpoint endpoint, KeyHeaders key_headers);
  ~HttpBackend();
  HttpBackend(const HttpBackend&) = delete;
  HttpBackend& operator=(const HttpBackend&) = delete;

  /// Done when the server has begun to answer with a stream. `make` is called once for each key that is tried.
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(std::function<WireRequest()> make,
                                                                               runtime::CancelToken cancel);
  /// One JSON document: GET, or POST when there is a body.
  runtime::Async<ports::ModelResult<base::Json>> fetch(std::string path, std::string body, runtime::CancelToken cancel);
  /// A fresh name for calls that come without an id.
  [[nodiscard]] std::string new_call_seed();

  struct Lingering;

 private:
  net::HttpRequest http_request(const std::string& path, std::string body, std::vector<net::Header> headers) const;
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open_once(WireRequest request,
                                                                                    runtime::CancelToken cancel);
  runtime::Async<ports::ModelResult<base::Json>> fetch_once(std::string path, std::string body,
                                                            runtime::CancelToken cancel);
  /// Whether what failed with `refused_key` may be asked again, because another key is in use now; else the failure.
  runtime::Async<ports::ModelResult<void>> renew_key(ports::ModelFailure failure, std::string refused_key,
                                                     runtime::CancelToken cancel);

  runtime::Loop& loop_;
  net::HttpClient& client_;
  Endpoint endpoint_;
  const KeyHeaders key_headers_;
  base::SystemRandom random_;
  std::shared_ptr<Lingering> lingering_;
};

}  // namespace lathe::providers::common
