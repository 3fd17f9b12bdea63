#include "lathe/providers/anthropic/model.h"

#include <algorithm>
#include <utility>

#include "lathe/providers/anthropic/decoder.h"
#include "lathe/providers/common/model_list.h"

namespace lathe::providers::anthropic {

using ports::ModelResult;
using runtime::Async;

namespace {

constexpr std::string_view kApiVersion = "2023-06-01";

std::vector<net::Header> headers_of(const common::Endpoint& endpoint) {
  std::vector<net::Header> headers{{"anthropic-version", std::string(kApiVersion)}};
  if (!endpoint.api_key.empty()) headers.push_back({"x-api-key", endpoint.api_key});
  return headers;
}

/// The person's URL may or may not have the version in it.
common::Endpoint with_version(common::Endpoint endpoint) {
  const std::size_t question = std::min(endpoint.base_url.find('?'), endpoint.base_url.size());
  std::string base = endpoint.base_url.substr(0, question);
  while (base.ends_with('/')) base.pop_back();
  if (!base.ends_with("/v1")) base += "/v1";
  endpoint.base_url = base + endpoint.base_url.substr(question);
  return endpoint;
}

}  // namespace

MessagesModel::MessagesModel(runtime::Loop& loop, net::HttpClient& client, Options options)
    : settings_(options.settings), backend_(loop, client, with_version(std::move(options.endpoint))) {}

Async<ModelResult<std::unique_ptr<ports::ModelStream>>> MessagesModel::open(ports::ModelRequest request,
                                                                            runtime::CancelToken cancel) {
  common::WireRequest wire{.path = "/messages",
                           .body = body_of(request, settings_),
                           .headers = headers_of(backend_.endpoint()),
                           .framing = common::Framing::kSse,
                           .decoder = make_decoder(backend_.new_call_seed()),
                           .model = std::move(request.model)};
  co_return co_await backend_.open(std::move(wire), std::move(cancel));
}

Async<ModelResult<std::vector<ports::ModelListing>>> MessagesModel::list_models(runtime::CancelToken cancel) {
  auto document = co_await backend_.fetch("/models?limit=1000", "", headers_of(backend_.endpoint()), std::move(cancel));
  if (!document) co_return std::unexpected(std::move(document).error());
  co_return common::read_model_list(*document);
}

}  // namespace lathe::providers::anthropic
