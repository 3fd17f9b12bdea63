#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/ports/model.h"
#include "lathe/providers/common/decoder.h"
#include "lathe/providers/common/http_backend.h"
#include "lathe/runtime/pool.h"

namespace lathe::providers::common {

/// `authorization: Bearer KEY`; nothing without a key.
[[nodiscard]] std::vector<net::Header> bearer_header(const std::string& api_key);

/// What one wire does in its own way. A value; its functions keep nothing of what they are given.
struct Wire {
  /// Its name in events (ports::Model::provider).
  std::string_view provider;
  /// Where requests go, below the base URL.
  std::string path;
  Framing framing = Framing::kSse;
  /// On whatever thread.
  std::function<std::string(const ports::ModelRequest&)> body_of;
  /// `call_seed` names the calls that come without an id.
  std::function<std::unique_ptr<Decoder>(std::string call_seed)> make_decoder;
  KeyHeaders key_headers = bearer_header;
  /// The base URL that a configured one stands for; empty: itself.
  std::function<std::string(std::string configured)> base_url_of = {};
  /// Empty: at /models, in OpenAI's shape.
  std::function<runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>>(HttpBackend*,
                                                                                     runtime::CancelToken)>
      list_models = {};
};

/// A model at one endpoint, over one wire. Loop thread; the client and the pool outlive it.
class HttpModel final : public ports::Model {
 public:
  /// `writing` writes long requests.
  HttpModel(runtime::Pool& writing, net::HttpClient& client, Endpoint endpoint, Wire wire);

  [[nodiscard]] std::string_view provider() const override { return wire_.provider; }
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest request,
                                                                               runtime::CancelToken cancel) override;
  runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(
      runtime::CancelToken cancel) override;

 private:
  runtime::Async<std::string> write_body(const ports::ModelRequest* request);

  const Wire wire_;
  runtime::Pool& writing_;
  HttpBackend backend_;
};

}  // namespace lathe::providers::common
