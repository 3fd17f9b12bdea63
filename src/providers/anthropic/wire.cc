#include "lathe/providers/anthropic/wire.h"

#include <algorithm>
#include <utility>

#include "lathe/providers/anthropic/decoder.h"
#include "lathe/providers/common/model_list.h"

namespace lathe::providers::anthropic {
namespace {

constexpr std::string_view kApiVersion = "2023-06-01";

std::vector<net::Header> headers_of(const std::string& api_key) {
  std::vector<net::Header> headers{{"anthropic-version", std::string(kApiVersion)}};
  if (!api_key.empty()) headers.push_back({"x-api-key", api_key});
  return headers;
}

/// The person's URL may or may not have the version in it.
std::string with_version(std::string url) {
  const std::size_t question = std::min(url.find('?'), url.size());
  std::string base = url.substr(0, question);
  while (base.ends_with('/')) base.pop_back();
  if (!base.ends_with("/v1")) base += "/v1";
  return base + url.substr(question);
}

}  // namespace

common::Wire wire(const Settings& settings) {
  return {.provider = kProvider,
          .path = "/messages",
          .body_of = [settings](const ports::ModelRequest& request) { return body_of(request, settings); },
          .make_decoder = make_decoder,
          .key_headers = headers_of,
          .base_url_of = with_version,
          .list_models =
              [](common::HttpBackend* backend, runtime::CancelToken cancel) {
                return common::fetch_model_list(backend, "/models?limit=1000", std::move(cancel));
              }};
}

}  // namespace lathe::providers::anthropic
