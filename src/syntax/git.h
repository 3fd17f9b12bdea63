#pragma once

#include <string_view>

namespace lathe::syntax {

/// Whether git has that command itself, so that no alias can take its place.
[[nodiscard]] bool is_git_command(std::string_view name);
/// git-push, a command of git as a program of its own.
[[nodiscard]] bool is_dashed_git(std::string_view program);

}  // namespace lathe::syntax
