#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/client/transport.h"
#include "lathe/runtime/async.h"

namespace lathe::client {

/// A daemon as it says itself.
struct DaemonInfo {
  std::int64_t pid = 0;
  std::string socket;
  std::string version;
  base::UnixMillis started_at = 0;
  /// False: it runs in another container or PID namespace, where its pid and socket mean nothing to us.
  bool here = true;
  friend bool operator==(const DaemonInfo&, const DaemonInfo&) = default;
};

/// The daemon of the data root. apps/ supplies it. Loop thread.
class DaemonControl {
 public:
  virtual ~DaemonControl() = default;
  /// Nothing when none runs.
  virtual base::Result<std::optional<DaemonInfo>> find() = 0;
  /// A connection to one that runs here.
  virtual base::Result<std::unique_ptr<Transport>> connect(const DaemonInfo& daemon) = 0;
  /// Starts one that is independent of this process, and is done when it takes clients. One that runs already is given
  /// as it is; `locked` when that runs elsewhere.
  virtual runtime::Async<base::Result<DaemonInfo>> start() = 0;
  /// Is the daemon, in this process, until it is stopped or has nothing to do.
  virtual runtime::Async<base::Result<void>> run() = 0;
  /// Ends one that runs here, and is done when it is gone. False when none runs; `locked` when it runs elsewhere.
  virtual runtime::Async<base::Result<bool>> stop() = 0;
  /// What a daemon that was started says, one line of JSON each.
  [[nodiscard]] virtual base::Result<std::string> log_file() const = 0;
};

}  // namespace lathe::client
