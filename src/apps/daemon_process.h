#pragma once

#include <memory>
#include <string>

#include "lathe/client/daemon_control.h"
#include "lathe/config/config.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

/// The daemon of the data root that the environment names: finding it, being it, starting and ending it. The loop
/// outlives it.
[[nodiscard]] std::unique_ptr<client::DaemonControl> make_daemon_control(runtime::Loop& loop,
                                                                         config::Environment environment,
                                                                         std::string version);

}  // namespace lathe::apps
