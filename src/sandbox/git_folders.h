#pragma once

#include <string>

#include "lathe/sandbox/spec.h"

namespace lathe::sandbox {

/// Adds what git needs of outside the workspace. For a linked worktree (`.git` is a file) its own administrative folder
/// and the repository's objects, refs and logs, when that repository says that the worktree is its own: a `.git` file
/// alone proves nothing. For a workspace inside a repository that repository, to read; gives its folder. Blocking.
std::string add_git_folders(SandboxSpec& spec);

}  // namespace lathe::sandbox
