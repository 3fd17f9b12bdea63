#include "lathe/providers/openai_responses/model.h"

#include <utility>

#include "lathe/providers/common/model_list.h"
#include "lathe/providers/openai_responses/decoder.h"

namespace lathe::providers::openai_responses {

using ports::ModelResult;
using runtime::Async;

namespace {

std::vector<net::Header> key_header(const common::Endpoint& endpoint) {
  if (endpoint.api_key.empty()) return {};
  return {{"authorization", "Bearer " + endpoint.api_key}};
}

}  // namespace

ResponsesModel::ResponsesModel(runtime::Loop& loop, net::HttpClient& client, Options options)
    : quirks_(options.quirks), backend_(loop, client, std::move(options.endpoint)) {}

Async<ModelResult<std::unique_ptr<ports::ModelStream>>> ResponsesModel::open(ports::ModelRequest request,
                                                                             runtime::CancelToken cancel) {
  common::WireRequest wire{.path = "/responses",
                           .body = body_of(request, quirks_),
                           .headers = key_header(backend_.endpoint()),
                           .framing = common::Framing::kSse,
                           .decoder = make_decoder(backend_.new_call_seed()),
                           .model = std::move(request.model)};
  co_return co_await backend_.open(std::move(wire), std::move(cancel));
}

Async<ModelResult<std::vector<ports::ModelListing>>> ResponsesModel::list_models(runtime::CancelToken cancel) {
  auto document = co_await backend_.fetch("/models", "", key_header(backend_.endpoint()), std::move(cancel));
  if (!document) co_return std::unexpected(std::move(document).error());
  co_return common::read_model_list(*document);
}

}  // namespace lathe::providers::openai_responses
