#pragma once

#include <optional>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/client/daemon_control.h"
#include "lathe/config/config.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

/// Connections to the daemon for a program that passes on the frames of others. The daemon is found, or started when
/// none runs, as front ends do it, and lent what belongs to this process once in its life. Loop thread; what it is made
/// of outlives it.
class DaemonConnector final {
 public:
  DaemonConnector(runtime::Loop& loop, client::DaemonControl& control, const config::Environment& environment)
      : control_(control), environment_(environment), one_by_one_(loop) {}

  /// One on which nothing has been said. `unavailable` when none runs and the settings say that none is started.
  runtime::Async<base::Result<base::UniqueFd>> connect();

 private:
  runtime::Async<base::Result<client::ConnectedDaemon>> find_or_start();
  /// It runs still.
  [[nodiscard]] bool is_known(const client::DaemonInfo& daemon) const;

  client::DaemonControl& control_;
  const config::Environment& environment_;
  /// The one that was lent everything.
  std::optional<client::DaemonInfo> known_;
  runtime::AsyncMutex one_by_one_;
};

}  // namespace lathe::apps
