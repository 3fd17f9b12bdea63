#pragma once

#include <string>

#include "lathe/config/config.h"

namespace lathe::apps {

/// Tells whether a file that settings come from (config.yaml, models.yaml, rules) changed, came or went: then this text
/// is another one. Looks at names, sizes, times and inodes, and reads nothing. `policy`: the setting of that name.
[[nodiscard]] std::string settings_stamp(const config::Paths& paths, const std::string& policy);

}  // namespace lathe::apps
