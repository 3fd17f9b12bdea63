#include "lathe/egress/proxy_environment.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"

namespace lathe::egress {

std::vector<std::string> proxy_environment(std::uint16_t port, const HostRules& rules) {
  const std::string url = fmt::format("http://127.0.0.1:{}", port);
  std::vector<std::string> variables;
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}) {
    variables.push_back(fmt::format("{}={}", name, url));
  }
  std::vector<std::string> own;
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) {
    const auto host = canonical_host(name);
    if (!host.ok() || !rules.match(*host)) own.emplace_back(name);
  }
  for (const char* name : {"NO_PROXY", "no_proxy"})
    variables.push_back(fmt::format("{}={}", name, base::join(own, ",")));
  return variables;
}

}  // namespace lathe::egress
