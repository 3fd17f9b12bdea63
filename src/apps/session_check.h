#pragma once

#include "lathe/base/result.h"
#include "lathe/client/session_health.h"
#include "lathe/config/config.h"

namespace lathe::apps {

/// Reads the streams of the data root, newest sessions first. Takes no lock and changes none of them. Blocks.
[[nodiscard]] base::Result<client::SessionHealth> check_sessions(const config::Environment& environment,
                                                                 client::ReadStreams which);

}  // namespace lathe::apps
