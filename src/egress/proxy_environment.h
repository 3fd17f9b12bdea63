#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lathe::egress {

/// What tells a command's programs to go through the proxy at 127.0.0.1:`port`, "NAME=value". The jail's own loopback
/// needs no proxy.
[[nodiscard]] std::vector<std::string> proxy_environment(std::uint16_t port);

}  // namespace lathe::egress
