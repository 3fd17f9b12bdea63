#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/net/http_client.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

namespace lathe::providers::common {

/// Where a backend is and how to get in. A value; the key never leaves it but as a request header, and is cut out of
/// every text that the server sends back.
struct Endpoint {
  /// The backend's configured name, for messages.
  std::string backend;
  /// As configured, such as "https://api.openai.com/v1"; a query ("?api-version=1") stays at the end of each URL.
  std::string base_url;
  /// Empty: none is sent.
  std::string api_key = {};
  /// Where the key comes from ("OPENAI_API_KEY", a command), for hints. Empty when unknown.
  std::string key_source = {};
  /// Gets the key anew after the server refused it; empty for a key that is what it is.
  std::function<runtime::Async<base::Result<std::string>>(runtime::CancelToken)> renew_key = {};
  /// Sent with every request; replaces a header of the same name.
  std::vector<net::Header> headers = {};
  /// Short, since it is tried three times and a person waits (config.h has the settings).
  std::chrono::milliseconds connect_timeout{2'000};
  /// How long the server may take until the head of its answer.
  std::chrono::milliseconds answer_timeout{300'000};
};

/// `path` ("/chat/completions") below the endpoint's base URL, before its query.
[[nodiscard]] std::string url_of(const Endpoint& endpoint, std::string_view path);
/// The URL without user, password and query: fit for a message.
[[nodiscard]] std::string shown_url(std::string_view url);
/// `text` with the endpoint's key and header values cut out.
[[nodiscard]] std::string without_secrets(const Endpoint& endpoint, std::string text);

}  // namespace lathe::providers::common
