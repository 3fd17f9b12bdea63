#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>

// Where git keeps what it still has to do: of a rebase, a cherry-pick, a series of patches. It is git's own, so that a
// command may begin, continue and end one, in as many commands as it takes. But a person who continues it runs what
// lies there: lines `exec …`, a merge strategy, which is a program, a permission to write anywhere. None that a command
// put there may stay.

namespace lathe::sandbox {

inline constexpr auto kGitStepFolders =
    std::to_array<std::string_view>({".git/rebase-merge", ".git/rebase-apply", ".git/sequencer"});
/// Those in them that can make git run something.
inline constexpr auto kGitStepFiles =
    std::to_array<std::string_view>({"git-rebase-todo", "todo", "strategy", "opts", "apply-opt"});

/// The folders and those files in them, for the folder of git's at `git`: ".git", what takes its place, or "" where
/// that is the root itself.
[[nodiscard]] std::set<std::string> git_step_paths(std::string_view git);

/// What the file with that last name orders beside git's own work, each as its line has it. Rather more than git reads
/// there: what is not understood counts.
[[nodiscard]] std::set<std::string> orders_in(std::string_view name, std::string_view text);

}  // namespace lathe::sandbox
