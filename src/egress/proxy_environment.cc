#include "lathe/egress/proxy_environment.h"

#include <fmt/format.h>

namespace lathe::egress {

std::vector<std::string> proxy_environment(std::uint16_t port) {
  const std::string url = fmt::format("http://127.0.0.1:{}", port);
  std::vector<std::string> variables;
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}) {
    variables.push_back(fmt::format("{}={}", name, url));
  }
  for (const char* name : {"NO_PROXY", "no_proxy"})
    variables.push_back(fmt::format("{}=localhost,127.0.0.1,::1", name));
  return variables;
}

}  // namespace lathe::egress
