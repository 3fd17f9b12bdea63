#include "lathe/providers/common/http_model.h"

#include <utility>

#include "lathe/providers/common/model_list.h"

namespace lathe::providers::common {

using ports::ModelResult;
using runtime::Async;

namespace {

Endpoint at_its_base(Endpoint endpoint, const Wire& wire) {
  if (wire.base_url_of) endpoint.base_url = wire.base_url_of(std::move(endpoint.base_url));
  return endpoint;
}

}  // namespace

std::vector<net::Header> bearer_header(const std::string& api_key) {
  if (api_key.empty()) return {};
  return {{"authorization", "Bearer " + api_key}};
}

HttpModel::HttpModel(runtime::Loop& loop, net::HttpClient& client, Endpoint endpoint, Wire wire)
    : wire_(std::move(wire)), backend_(loop, client, at_its_base(std::move(endpoint), wire_), wire_.key_headers) {}

Async<ModelResult<std::unique_ptr<ports::ModelStream>>> HttpModel::open(ports::ModelRequest request,
                                                                        runtime::CancelToken cancel) {
  const auto make = [this, &request] {
    return WireRequest{.path = wire_.path,
                       .body = wire_.body_of(request),
                       .framing = wire_.framing,
                       .decoder = wire_.make_decoder(backend_.new_call_seed()),
                       .model = request.model};
  };
  co_return co_await backend_.open(make, std::move(cancel));
}

Async<ModelResult<std::vector<ports::ModelListing>>> HttpModel::list_models(runtime::CancelToken cancel) {
  if (wire_.list_models) return wire_.list_models(&backend_, std::move(cancel));
  return fetch_model_list(&backend_, "/models", std::move(cancel));
}

}  // namespace lathe::providers::common
