#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/egress/host_rules.h"

namespace lathe::egress {

/// What tells a command's programs to go through the proxy at 127.0.0.1:`port`, "NAME=value". The jail's own loopback
/// needs no proxy; under the names that `rules` let through, a person means the machine's.
[[nodiscard]] std::vector<std::string> proxy_environment(std::uint16_t port, const HostRules& rules);

}  // namespace lathe::egress
