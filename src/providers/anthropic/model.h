#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/net/http_client.h"
#include "lathe/ports/model.h"
#include "lathe/providers/anthropic/request.h"
#include "lathe/providers/common/endpoint.h"
#include "lathe/providers/common/http_backend.h"
#include "lathe/runtime/loop.h"

namespace lathe::providers::anthropic {

struct Options {
  common::Endpoint endpoint;
  Settings settings = {};
};

/// Anthropic's Messages API (POST {base_url}/v1/messages; a base_url that ends in /v1 is taken as it is).
/// Loop thread; the loop and the client outlive it.
class MessagesModel final : public ports::Model {
 public:
  MessagesModel(runtime::Loop& loop, net::HttpClient& client, Options options);

  [[nodiscard]] std::string_view provider() const override { return kProvider; }
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest request,
                                                                               runtime::CancelToken cancel) override;
  runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(
      runtime::CancelToken cancel) override;

 private:
  const Settings settings_;
  common::HttpBackend backend_;
};

}  // namespace lathe::providers::anthropic
