#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/cli/main.h"
#include "lathe/config/config.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

/// Whom stdin and stdout belong to while `lathe proto` runs.
struct StdioServer {
  runtime::Loop& loop;
  config::Environment environment;
  std::string version;
  int in_fd = 0;
  int out_fd = 1;
};

/// Speaks frames with one client, over an engine of its own, until the client has closed its side and its Tasks have
/// ended, or is gone; Ctrl-C, SIGTERM and SIGHUP end the Tasks and tell the client first. `kInterrupted` after Ctrl-C.
runtime::Async<base::Result<cli::ExitCode>> serve_stdio(StdioServer server);

}  // namespace lathe::apps
