#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/sandbox/command_jail.h"

namespace lathe::sandbox {

/// Names of a workspace from which programs outside of the jail take what they execute or where they look: git's hooks
/// and configuration, Lathe's own, editor tasks, other agents' settings, virtual environments. Relative to its root;
/// commands cannot change those that exist, and those that come into being are put aside.
inline constexpr auto kProtectedNames = std::to_array<std::string_view>({".git/hooks",
                                                                         ".git/config",
                                                                         ".git/config.worktree",
                                                                         ".git/worktrees",
                                                                         ".git/modules",
                                                                         ".git/commondir",
                                                                         ".git/remotes",
                                                                         ".git/branches",
                                                                         ".git/info/attributes",
                                                                         ".git/objects/info/alternates",
                                                                         ".lathe",
                                                                         ".config/lathe",
                                                                         ".vscode",
                                                                         ".idea",
                                                                         ".zed",
                                                                         ".fleet",
                                                                         ".devcontainer",
                                                                         ".devcontainer.json",
                                                                         ".exrc",
                                                                         ".nvim.lua",
                                                                         ".claude",
                                                                         ".codex",
                                                                         ".cursor",
                                                                         ".gemini",
                                                                         ".agents",
                                                                         ".aider.conf.yml",
                                                                         ".amazonq",
                                                                         ".continue",
                                                                         ".junie",
                                                                         ".kiro",
                                                                         ".opencode",
                                                                         "opencode.json",
                                                                         ".qwen",
                                                                         ".roo",
                                                                         ".windsurf",
                                                                         ".mcp.json",
                                                                         ".envrc",
                                                                         ".husky",
                                                                         ".venv",
                                                                         "venv"});

/// The administrative folder of a linked worktree, which takes the place of `.git` there. Blocking.
[[nodiscard]] bool is_worktrees_own(const std::string& root);

/// The names that count below this root (an absolute path without links): those above, and what redirects git in the
/// administrative folder of a linked worktree or in a folder of objects. Blocking.
[[nodiscard]] std::vector<std::string_view> protected_names(const std::string& root);

/// Those of `.git` as they are called in folders that take its place or share with it, or in the root as a bare
/// repository (git_store.h); from the root on.
[[nodiscard]] std::vector<std::string> protected_names_in(const std::vector<std::string>& git_stores);

/// Masks for those that exist below `root`, and for the folders of git's that they lie in. Blocking: a stat for each.
/// Errors: something that cannot be looked at.
[[nodiscard]] base::Result<std::vector<Mask>> protected_masks(const std::string& root);

}  // namespace lathe::sandbox
