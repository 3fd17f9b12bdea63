#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/net/http_client.h"
#include "lathe/ports/model.h"
#include "lathe/providers/common/endpoint.h"
#include "lathe/providers/common/http_backend.h"
#include "lathe/providers/openai_chat/request.h"
#include "lathe/runtime/loop.h"

namespace lathe::providers::openai_chat {

struct Options {
  common::Endpoint endpoint;
  Quirks quirks = {};
};

/// Chat Completions (POST {base_url}/chat/completions) as OpenAI and everyone who followed it speak it.
/// Loop thread; the loop and the client outlive it.
class ChatModel final : public ports::Model {
 public:
  ChatModel(runtime::Loop& loop, net::HttpClient& client, Options options);

  [[nodiscard]] std::string_view provider() const override { return kProvider; }
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest request,
                                                                               runtime::CancelToken cancel) override;
  runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(
      runtime::CancelToken cancel) override;

 private:
  const Quirks quirks_;
  common::HttpBackend backend_;
};

}  // namespace lathe::providers::openai_chat
