#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Where git keeps a repository whose working tree has no folder `.git`: beside it, of a submodule in the repository
// above, of a linked worktree in the one that it shares. A bare repository is such a folder itself. All blocking.

namespace lathe::sandbox {

/// The only line of a small file of git's; empty when there is none.
[[nodiscard]] std::string git_line(const std::string& path);

/// The folder that git goes by in the working tree `root`: `.git`, or what that leads to as a link or as a file, there
/// or not. Without links where it is there; empty when nothing says where.
[[nodiscard]] std::string git_folder(const std::string& root);

/// The repository that a folder of git's shares hooks, configuration and objects with (`commondir`); without links,
/// empty when it has its own.
[[nodiscard]] std::string git_common_folder(const std::string& folder);

/// These two where they lie in `root` (an absolute path without links) but are not its `.git`, from the root on: what
/// git executes or obeys there is what it would in `.git`. "" is `root` as a bare repository.
[[nodiscard]] std::vector<std::string> git_stores(const std::string& root);
/// What git asks for before it takes a folder for a bare repository (HEAD, refs, objects), as far as it is in `root`:
/// one when all of it is.
inline constexpr std::size_t kBareRepositoryParts = 3;
[[nodiscard]] std::vector<std::string> bare_repository_parts(const std::string& root);
/// The path of a name in one of them.
[[nodiscard]] std::string in_git_store(const std::string& store, std::string_view name);

}  // namespace lathe::sandbox
