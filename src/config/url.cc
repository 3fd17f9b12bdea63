#include "lathe/config/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::config {
namespace {

base::Error wrong(std::string_view text, std::string_view why, std::string hint = "") {
  return {.code = base::codes::kInvalid,
          .message = fmt::format("the URL \"{}\" {}", base::terminal_safe(text), why),
          .hint = std::move(hint)};
}

constexpr int kHttpPort = 80;
constexpr int kHttpsPort = 443;
constexpr int kLastPort = 65535;

bool read_port(std::string_view text, int& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port > 0 && port <= kLastPort;
}

bool is_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

}  // namespace

std::string Url::server() const {
  const bool is_v6 = host.contains(':');
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

bool Url::is_local() const {
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

base::Result<Url> parse_url(std::string_view text) {
  Url url;
  url.text = text;
  while (url.text.ends_with('/')) url.text.pop_back();
  const std::size_t scheme_end = text.find("://");
  if (scheme_end != std::string_view::npos) url.scheme = base::lower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") {
    return wrong(text, "is neither http nor https", "such as https://host/v1");
  }
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '\x7f'; })) {
    return wrong(text, "holds a blank");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  if (authority.contains('@')) {
    // The text is not shown: it holds a password.
    return base::Error{.code = base::codes::kInvalid,
                       .message = "the URL holds a user name or password",
                       .hint = "give the key through api-key-env or api-key-command"};
  }
  if (rest.find_first_of("?#") != std::string_view::npos) return wrong(text, "has a query or fragment");
  std::string_view port;
  std::string_view host = authority;
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos) return wrong(text, "has a broken host");
    port = host.substr(close + 1);
    url.host = base::lower(host.substr(1, close - 1));
    if (url.host.empty() || url.host.find_first_not_of("0123456789abcdef:.") != std::string::npos) {
      return wrong(text, "has a broken host");
    }
  } else {
    const std::size_t colon = host.find(':');
    if (colon != std::string_view::npos) port = host.substr(colon);
    url.host = base::lower(host.substr(0, colon));
    if (!is_host(url.host)) return wrong(text, "has no valid host");
  }
  url.port = url.scheme == "https" ? kHttpsPort : kHttpPort;
  if (!port.empty() && (!port.starts_with(':') || !read_port(port.substr(1), url.port))) {
    return wrong(text, fmt::format("has a broken port ({})", base::terminal_safe(port.substr(1))),
                 fmt::format("a port is a number from 1 to {}", kLastPort));
  }
  return url;
}

}  // namespace lathe::config
