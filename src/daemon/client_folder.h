#pragma once

#include <sys/types.h>

#include <string>

#include "lathe/base/result.h"

namespace lathe::daemon {

/// The path at which this process finds a folder that a client has sent as a descriptor: the one that the folder has
/// by now, or else the one by which the client names it (`named`; absolute). `not_found` when it is removed,
/// `unsupported` when it lies where this process has no path to, `invalid` for what is no folder. Blocks.
[[nodiscard]] base::Result<std::string> path_of_sent_folder(int descriptor, const std::string& named);

/// `unsupported` when the folder of that path is another one for the client than for this process, because they have
/// different mounts. What cannot be told passes: the client is gone, or is of a PID namespace that we do not see into.
/// Blocks.
[[nodiscard]] base::Result<void> check_same_folder(pid_t client, const std::string& folder);

}  // namespace lathe::daemon
