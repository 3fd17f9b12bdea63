#pragma once

#include <string>

#include "lathe/config/config.h"

namespace lathe::apps {

/// A short text that is the same for the same settings: values, configured backends, the person's rules and model data.
/// What concerns only the daemon itself is left out, and so are the backends that variables make, which a client lends.
[[nodiscard]] std::string settings_print(const config::Paths& paths, const config::Loaded& loaded);

}  // namespace lathe::apps
