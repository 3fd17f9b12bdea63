#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lathe/base/result.h"
#include "lathe/client/daemon_control.h"
#include "lathe/config/config.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

/// The program `lathe`, which a daemon is.
struct DaemonProgram {
  std::string path = "/proc/self/exe";
  /// Is the daemon, in this process; left out by a program that only starts others.
  std::function<runtime::Async<base::Result<void>>(std::string listen)> serve = {};
};

/// The daemon of the data root that the environment names: finding it, being it, starting and ending it. The loop
/// outlives it.
[[nodiscard]] std::unique_ptr<client::DaemonControl> make_daemon_control(runtime::Loop& loop,
                                                                         config::Environment environment,
                                                                         DaemonProgram program);

}  // namespace lathe::apps
