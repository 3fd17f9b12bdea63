#pragma once

#include <string_view>

namespace lathe::protocol {

/// The exit code of a Task that ended with an error event of that code (ARCHITECTURE 9); one that completed has 0.
[[nodiscard]] int task_exit_code(std::string_view error_code);

}  // namespace lathe::protocol
