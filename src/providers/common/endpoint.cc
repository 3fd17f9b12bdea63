#include "lathe/providers/common/endpoint.h"

#include "lathe/base/strings.h"

namespace lathe::providers::common {
namespace {

constexpr std::size_t kShortestSecret = 6;

bool carries_secret(std::string_view header_name) {
  const std::string name = base::lower(header_name);
  for (const std::string_view word : {"auth", "key", "token", "secret", "cookie"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string url_of(const Endpoint& endpoint, std::string_view path) {
  std::string_view base = endpoint.base_url;
  const std::size_t question = base.find('?');
  const std::string_view query = question == std::string_view::npos ? "" : base.substr(question);
  base = base.substr(0, question);
  while (base.ends_with('/')) base.remove_suffix(1);
  std::string url = std::string(base) + std::string(path) + std::string(query);
  // A path may bring a query of its own.
  if (!query.empty() && path.find('?') != std::string_view::npos) url[base.size() + path.size()] = '&';
  return url;
}

std::string shown_url(std::string_view url) {
  std::string shown(url.substr(0, url.find_first_of("?#")));
  const std::size_t scheme = shown.find("://");
  if (scheme == std::string::npos) return shown;
  const std::size_t host = scheme + 3;
  const std::size_t at = shown.rfind('@', shown.find('/', host));
  if (at != std::string::npos && at >= host) shown.erase(host, at + 1 - host);
  return shown;
}

std::string without_secrets(const Endpoint& endpoint, std::string text) {
  const auto cut = [&](const std::string& secret) {
    if (secret.size() >= kShortestSecret) text = base::replace_all(std::move(text), secret, "[removed]");
  };
  cut(endpoint.api_key);
  for (const net::Header& header : endpoint.headers) {
    if (carries_secret(header.name)) cut(header.value);
  }
  return text;
}

}  // namespace lathe::providers::common
