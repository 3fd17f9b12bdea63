#include "lathe/providers/common/http_model.h"

#include <utility>

#include "lathe/providers/common/model_list.h"

namespace lathe::providers::common {

using ports::ModelResult;
using runtime::Async;

namespace {

/// A longer conversation takes some milliseconds to write as JSON.
constexpr std::size_t kWrittenOnLoopBytes = 128U << 10;

std::size_t text_bytes(const ports::ModelItem& item) {
  struct Size {
    std::size_t operator()(const ports::UserInputItem& input) const {
      std::size_t sum = 0;
      for (const ports::ModelPart& part : input.parts) {
        const auto* text = std::get_if<ports::ModelText>(&part);
        sum += text == nullptr ? std::get<ports::ModelImage>(part).base64.size() : text->text.size();
      }
      return sum;
    }
    std::size_t operator()(const ports::AssistantTextItem& text) const { return text.text.size(); }
    std::size_t operator()(const ports::AssistantReasoningItem& reasoning) const { return reasoning.text.size(); }
    std::size_t operator()(const ports::AssistantCallItem& call) const { return call.call.arguments.size(); }
    std::size_t operator()(const ports::ToolResultItem& result) const {
      std::size_t sum = result.output.size();
      for (const ports::ModelImage& image : result.images) sum += image.base64.size();
      return sum;
    }
  };
  return std::visit(Size(), item);
}

bool is_long(const ports::ModelRequest& request) {
  std::size_t sum = 0;
  for (const ports::ModelItem& item : request.items) sum += text_bytes(item);
  return sum > kWrittenOnLoopBytes;
}

Endpoint at_its_base(Endpoint endpoint, const Wire& wire) {
  if (wire.base_url_of) endpoint.base_url = wire.base_url_of(std::move(endpoint.base_url));
  return endpoint;
}

}  // namespace

std::vector<net::Header> bearer_header(const std::string& api_key) {
  if (api_key.empty()) return {};
  return {{"authorization", "Bearer " + api_key}};
}

HttpModel::HttpModel(runtime::Pool& writing, net::HttpClient& client, Endpoint endpoint, Wire wire)
    : wire_(std::move(wire)),
      writing_(writing),
      backend_(writing.loop(), client, at_its_base(std::move(endpoint), wire_), wire_.key_headers) {}

Async<std::string> HttpModel::write_body(const ports::ModelRequest* request) {
  if (!is_long(*request)) co_return wire_.body_of(*request);
  co_return co_await writing_.run([this, request] { return wire_.body_of(*request); });
}

Async<ModelResult<std::unique_ptr<ports::ModelStream>>> HttpModel::open(ports::ModelRequest request,
                                                                        runtime::CancelToken cancel) {
  const std::string body = co_await write_body(&request);
  const auto make = [this, &request, &body] {
    return WireRequest{.path = wire_.path,
                       .body = body,
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
