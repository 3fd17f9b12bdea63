#pragma once

#include <functional>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/keeper/client.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::keeper {

struct PipedCommand {
  Command command;
  /// Gets what the command writes, as it comes, at most 64 KiB at a time; nothing is kept here. Must not suspend.
  std::function<void(Output, std::string_view)> on_output;
};

/// Runs a command to its end. When it is done the tree is dead and all that it wrote was handed on. Cancelling ends the
/// tree at once and gives Ended::kKilled. Errors as Client::start() and Process::end().
runtime::Async<base::Result<Exit>> run_piped(runtime::Loop& loop, Client& client, PipedCommand piped,
                                             runtime::CancelToken cancel);

/// Waits for the end of a held command (one that was adopted, for instance) as run_piped() does, from what was taken of
/// its output on.
runtime::Async<base::Result<Exit>> follow(runtime::Loop& loop, Client& client, std::shared_ptr<Process> process,
                                          std::function<void(Output, std::string_view)> on_output,
                                          runtime::CancelToken cancel);

}  // namespace lathe::keeper
