#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lathe/testing/model_server/director.h"

namespace lathe::testing {

struct IncomingRequest {
  std::string method;
  /// Without the query.
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// The response for any request: model requests by script, model lists, /_control.
[[nodiscard]] Response route(Director& director, const IncomingRequest& request, std::size_t connections);

}  // namespace lathe::testing
