#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/config/config.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

/// Names the descriptor through which a daemon tells whoever started it how that went: kReadyWord once clients can
/// connect, or the error that kept it from getting there, as JSON.
inline constexpr const char* kReadyVariable = "LATHE_READY_FD";
inline constexpr std::string_view kReadyWord = "ready\n";

/// Names the descriptor of a memory file with what the daemon before this one left to it (engine/hand_over.h).
inline constexpr const char* kHandedOverVariable = "LATHE_HANDED_OVER_FD";

/// Where the daemon of the data root listens.
[[nodiscard]] std::string daemon_socket(const config::Paths& paths);

struct DaemonServer {
  runtime::Loop& loop;
  config::Environment environment;
  std::string version;
  /// Also takes clients with a token at this TCP address (runtime::TcpAddress); empty: no.
  std::string listen;
};

/// Makes this process the daemon of the data root, until it is stopped or has been idle for long enough. It leaves
/// folder, umask and limits of whoever started it behind. `exists` or `locked` when there is one already.
runtime::Async<base::Result<void>> serve_clients(DaemonServer server);

}  // namespace lathe::apps
