#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/keeper/client.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

namespace lathe::keeper {

enum class Output { kStdout, kStderr };

struct PipedCommand {
  Command command;
  /// Absent: /dev/null.
  std::optional<std::string> input = std::nullopt;
  /// Gets what the command writes, as it comes, at most 64 KiB at a time; nothing is kept here. Must not suspend.
  std::function<void(Output, std::string_view)> on_output;
};

/// Runs a command on pipes. When it is done the tree is dead and all that it wrote was handed on. What a process that
/// outlived the tree (see Exit::survivors) still writes is waited for half a second.
runtime::Async<base::Result<Exit>> run_piped(runtime::Loop& loop, Client& client, PipedCommand piped,
                                             runtime::CancelToken cancel);

}  // namespace lathe::keeper
