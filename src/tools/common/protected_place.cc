#include "lathe/tools/common/protected_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"
#include "lathe/sandbox/git_steps.h"
#include "lathe/sandbox/protected_names.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::common {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kMaxPointerBytes = 4096;
constexpr std::string_view kGit = ".git";
constexpr std::string_view kPointer = "gitdir:";

bool lies_in(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

/// Where the workspace's repository really is: behind a link, or the pointer of a worktree or submodule.
std::string git_folder(const std::string& root) {
  const std::string git = root + "/" + std::string(kGit);
  const auto pointer = runtime::read_file(git, kMaxPointerBytes);
  if (!pointer.ok() || !pointer->starts_with(kPointer)) return runtime::real_path(git).value_or(git);
  const std::string target(base::trim(std::string_view(*pointer).substr(kPointer.size())));
  const std::string path = target.starts_with('/') ? target : root + "/" + target;
  return runtime::real_path(path).value_or(path);
}

/// Every absolute path at which something protected is, or would be.
std::vector<std::string> protected_paths(const std::string& root) {
  const std::string git = git_folder(root);
  std::vector<std::string> paths{root + "/" + std::string(kGit)};
  for (const std::string_view name : sandbox::kProtectedNames) {
    std::string path = root + "/" + std::string(name);
    // A folder that is only called so is the project's own.
    if (name.ends_with("venv") && !runtime::path_exists(path + "/pyvenv.cfg")) continue;
    if (name.starts_with(kGit)) paths.push_back(git + std::string(name.substr(kGit.size())));
    if (auto real = runtime::real_path(path); real.ok() && *real != path) paths.push_back(*std::move(real));
    paths.push_back(std::move(path));
  }
  // What git still has to do is git's.
  for (const std::string_view name : sandbox::kGitStepFolders) {
    paths.push_back(git + std::string(name.substr(kGit.size())));
  }
  return paths;
}

}  // namespace

Result<void> refuse_protected(int root, int folder, const std::string& rest, const std::string& shown) {
  const std::string root_name = real_name(root);
  const std::string path = real_name(folder) + "/" + rest;
  const std::vector<std::string> paths = protected_paths(root_name);
  // The repository's folder is git's; only what takes its place leads elsewhere.
  const bool found = path == paths.front() ||
                     std::ranges::any_of(paths.begin() + 1, paths.end(),
                                         [&path](const std::string& folder) { return lies_in(path, folder); });
  if (!found) return {};
  return Error{.code = base::codes::kPermission,
               .message = fmt::format("{} is protected: programs outside of the sandbox execute or obey it, so tools "
                                      "may not change it",
                                      shown),
               .hint = "only a person can; tell them what to change there and why"};
}

}  // namespace lathe::tools::common
