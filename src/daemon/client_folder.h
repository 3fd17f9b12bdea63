#pragma once

#include <sys/types.h>

#include <string>

#include "lathe/base/result.h"

namespace lathe::daemon {

/// `unsupported` when the folder of that path is another one for the client than for this process, because they have
/// different mounts. What cannot be told passes: the client is gone, or is of a PID namespace that we do not see into.
/// Blocks.
[[nodiscard]] base::Result<void> check_same_folder(pid_t client, const std::string& folder);

}  // namespace lathe::daemon
