#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/config/config.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

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
