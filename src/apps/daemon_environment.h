#pragma once

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"

namespace lathe::apps {

/// What a daemon keeps of the environment of whoever starts it: what says where things are and how Lathe is set, and
/// nothing that is a secret.
[[nodiscard]] std::vector<std::string> daemon_environment(const config::Environment& environment);

/// What a client lends to a daemon: what its commands see, and the keys of its backends.
[[nodiscard]] std::vector<std::string> lent_environment(const config::Environment& environment,
                                                        const config::Config& config);

/// What is lent by a client that has no environment of its own and only names variables, "NAME=value": what commands
/// see of a daemon's, and those. `invalid` for one that neither commands see nor a backend has its key by.
[[nodiscard]] base::Result<std::vector<std::string>> environment_with(const config::Environment& daemons,
                                                                      const config::Config& config,
                                                                      std::vector<std::string> named);

}  // namespace lathe::apps
