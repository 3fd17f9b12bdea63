#pragma once

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/config/config.h"

namespace lathe::apps {

/// Writes the units by which systemd listens for the person and starts the program for the first client, and gives
/// their paths. Nothing is enabled by that.
[[nodiscard]] base::Result<std::vector<std::string>> write_daemon_unit(const config::Environment& environment,
                                                                       const std::string& daemon_program);

}  // namespace lathe::apps
