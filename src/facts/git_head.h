#pragma once

#include <string>

namespace lathe::facts {

/// The nearest folder at or above `folder` (absolute) that holds `.git`; empty when there is none. Blocks.
[[nodiscard]] std::string repository_root(const std::string& folder);
/// The branch that is checked out in the repository, or the first twelve digits of the commit; empty when it cannot be
/// read. Follows the `gitdir:` file of a worktree or submodule. Blocks.
[[nodiscard]] std::string git_branch(const std::string& repository_root);

}  // namespace lathe::facts
