#include "lathe/apps/daemon_connector.h"

#include <utility>

#include "lathe/runtime/unix_socket.h"

namespace lathe::apps {

using base::Error;
using base::Result;
using base::UniqueFd;
using client::ConnectedDaemon;
using runtime::Async;

Async<Result<UniqueFd>> DaemonConnector::connect() {
  const runtime::AsyncMutex::Holder held = co_await one_by_one_.lock();
  const auto running = control_.find();
  if (running.ok() && *running && is_known(**running)) {
    auto socket = runtime::connect_to((*running)->socket);
    if (socket.ok()) co_return socket;
  }
  CO_TRY(const ConnectedDaemon found, co_await find_or_start());
  co_await found.transport->close();
  known_ = found.daemon;
  co_return runtime::connect_to(found.daemon.socket);
}

Async<Result<ConnectedDaemon>> DaemonConnector::find_or_start() {
  CO_TRY(std::optional<ConnectedDaemon> running, co_await control_.connect());
  if (running) co_return *std::move(running);
  CO_TRY(const config::Paths paths, config::find_paths(environment_));
  CO_TRY(const config::Loaded loaded, config::load(paths, environment_));
  if (loaded.config.daemon_auto_start == "always") co_return co_await control_.start({});
  co_return Error{.code = base::codes::kUnavailable,
                  .message = "no daemon runs, and none is to be started (daemon.auto-start)",
                  .hint = "lathe daemon start"};
}

bool DaemonConnector::is_known(const client::DaemonInfo& daemon) const {
  return daemon.here && known_ && known_->pid == daemon.pid && known_->started_at == daemon.started_at;
}

}  // namespace lathe::apps
