#pragma once

#include "lathe/base/error.h"
#include "lathe/cli/main.h"

namespace lathe::cli {

/// The exit code of a command that ended with this error.
[[nodiscard]] ExitCode exit_code_of(const base::Error& error);
/// The exit code of a Task that ended with this error event.
[[nodiscard]] ExitCode exit_code_of_task_error(std::string_view code);

}  // namespace lathe::cli
