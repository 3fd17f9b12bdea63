#pragma once

#include <string>
#include <vector>

#include "lathe/config/config.h"

namespace lathe::apps {

/// What a daemon keeps of the environment of whoever starts it: what says where things are and how Lathe is set, and
/// nothing that is a secret.
[[nodiscard]] std::vector<std::string> daemon_environment(const config::Environment& environment);

/// What a client lends to a daemon: what its commands see, and the keys of its backends.
[[nodiscard]] std::vector<std::string> lent_environment(const config::Environment& environment,
                                                        const config::Config& config);

}  // namespace lathe::apps
