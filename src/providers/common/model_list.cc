#include "lathe/providers/common/model_list.h"

#include <array>
#include <utility>

namespace lathe::providers::common {
namespace {

std::int64_t context_window_of(const base::Json& model) {
  constexpr std::array kNames{"context_length", "max_model_len", "max_context_length", "context_window",
                              "max_input_tokens"};
  for (const char* name : kNames) {
    if (const std::int64_t tokens = base::json_int(model, name); tokens > 0) return tokens;
  }
  const base::Json& meta = base::json_at(model, "meta");
  const std::int64_t served = base::json_int(meta, "n_ctx");
  return served > 0 ? served : base::json_int(meta, "n_ctx_train");
}

}  // namespace

runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> fetch_model_list(HttpBackend* backend,
                                                                                      std::string path,
                                                                                      runtime::CancelToken cancel) {
  const auto document = co_await backend->fetch(std::move(path), /*body=*/"", std::move(cancel));
  if (!document) co_return std::unexpected(document.error());
  std::vector<ports::ModelListing> models;
  for (const base::Json& model : base::json_at(*document, "data")) {
    std::string id = base::json_string(model, "id");
    if (!id.empty()) models.push_back({.model = std::move(id), .context_window = context_window_of(model)});
  }
  co_return models;
}

}  // namespace lathe::providers::common
