#include "lathe/providers/ollama/wire.h"

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

/// People give the address of the server, of its own API, or of its imitation of OpenAI's.
std::string server_root(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  for (const std::string_view tail : {"/v1", "/api"}) {
    if (url.ends_with(tail)) url.resize(url.size() - tail.size());
  }
  return url;
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

Async<ModelResult<std::vector<ports::ModelListing>>> list_models(common::HttpBackend* backend, std::int64_t num_ctx,
                                                                 runtime::CancelToken cancel) {
  const auto tags = co_await backend->fetch("/api/tags", /*body=*/"", cancel);
  if (!tags) co_return std::unexpected(tags.error());
  std::vector<ports::ModelListing> models;
  for (const base::Json& model : base::json_at(*tags, "models")) {
    std::string name = base::json_string(model, "name", base::json_string(model, "model"));
    if (!name.empty()) models.push_back({.model = std::move(name), .context_window = num_ctx});
  }
  std::vector<Async<ModelResult<base::Json>>> questions;
  for (std::size_t i = 0; i < std::min(models.size(), kMostAsked); ++i) {
    questions.push_back(backend->fetch("/api/show", base::dump_json({{"model", models[i].model}}), cancel));
  }
  const auto answers = co_await runtime::when_all(std::move(questions));
  // The window in use is what requests ask for, or less when the model has less.
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    const std::int64_t length = context_length_of(*answers[i]);
    if (length > 0) models[i].context_window = std::min(length, num_ctx);
  }
  co_return models;
}

}  // namespace

common::Wire wire(const Settings& settings) {
  return {.provider = kProvider,
          .path = "/api/chat",
          .framing = common::Framing::kNdjson,
          .body_of = [settings](const ports::ModelRequest& request) { return body_of(request, settings); },
          .make_decoder = make_decoder,
          .base_url_of = server_root,
          .list_models = [num_ctx = settings.num_ctx](
                             common::HttpBackend* backend,
                             runtime::CancelToken cancel) { return list_models(backend, num_ctx, std::move(cancel)); }};
}

}  // namespace lathe::providers::ollama
