#include "lathe/providers/ollama/model.h"

#include <algorithm>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/providers/ollama/decoder.h"

namespace lathe::providers::ollama {

using ports::ModelResult;
using runtime::Async;

namespace {

/// Models that are asked for their context length; the rest of a long list is given without.
constexpr std::size_t kMostAsked = 32;

std::vector<net::Header> key_header(const common::Endpoint& endpoint) {
  if (endpoint.api_key.empty()) return {};
  return {{"authorization", "Bearer " + endpoint.api_key}};
}

/// People give the address of the server, of its own API, or of its imitation of OpenAI's.
common::Endpoint server_root(common::Endpoint endpoint) {
  std::string& url = endpoint.base_url;
  while (url.ends_with('/')) url.pop_back();
  for (const std::string_view tail : {"/v1", "/api"}) {
    if (url.ends_with(tail)) url.resize(url.size() - tail.size());
  }
  return endpoint;
}

/// {"model_info": {"qwen3.context_length": 40960, …}}
std::int64_t context_length_of(const base::Json& shown) {
  const base::Json& info = base::json_at(shown, "model_info");
  if (!info.is_object()) return 0;
  for (const auto& [name, value] : info.items()) {
    if (name.ends_with(".context_length") && value.is_number_integer()) return value.get<std::int64_t>();
  }
  return 0;
}

}  // namespace

OllamaModel::OllamaModel(runtime::Loop& loop, net::HttpClient& client, Options options)
    : settings_(std::move(options.settings)), backend_(loop, client, server_root(std::move(options.endpoint))) {}

Async<ModelResult<std::unique_ptr<ports::ModelStream>>> OllamaModel::open(ports::ModelRequest request,
                                                                          runtime::CancelToken cancel) {
  common::WireRequest wire{.path = "/api/chat",
                           .body = body_of(request, settings_),
                           .headers = key_header(backend_.endpoint()),
                           .framing = common::Framing::kNdjson,
                           .decoder = make_decoder(backend_.new_call_seed()),
                           .model = std::move(request.model)};
  co_return co_await backend_.open(std::move(wire), std::move(cancel));
}

Async<ModelResult<std::vector<ports::ModelListing>>> OllamaModel::list_models(runtime::CancelToken cancel) {
  auto tags = co_await backend_.fetch("/api/tags", "", key_header(backend_.endpoint()), cancel);
  if (!tags) co_return std::unexpected(std::move(tags).error());
  std::vector<ports::ModelListing> models;
  for (const base::Json& model : base::json_at(*tags, "models")) {
    std::string name = base::json_string(model, "name", base::json_string(model, "model"));
    if (!name.empty()) models.push_back({.model = std::move(name), .context_window = settings_.num_ctx});
  }
  std::vector<Async<ModelResult<base::Json>>> questions;
  for (std::size_t i = 0; i < std::min(models.size(), kMostAsked); ++i) {
    questions.push_back(backend_.fetch("/api/show", base::dump_json({{"model", models[i].model}}),
                                       key_header(backend_.endpoint()), cancel));
  }
  const auto answers = co_await runtime::when_all(std::move(questions));
  // The window in use is what requests ask for, or less when the model has less.
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    const std::int64_t length = context_length_of(*answers[i]);
    if (length > 0) models[i].context_window = std::min(length, settings_.num_ctx);
  }
  co_return models;
}

}  // namespace lathe::providers::ollama
