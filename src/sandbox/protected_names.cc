#include "lathe/sandbox/protected_names.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lathe/sandbox/git_store.h"
#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/real_path.h"

namespace lathe::sandbox {
namespace {

bool is_file(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

/// Of what is there. A link is the workspace's own content; what it leads to within the workspace is
/// protected in its place.
base::Result<void> put(std::vector<Mask>& masks, const std::string& root, std::string path, Mask::Kind kind) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return base::errno_error(errno, path);
  }
  if (std::string real = real_path(path); real != path) {
    if (!is_below(real, root) || lstat(real.c_str(), &status) != 0) return {};
    path = std::move(real);
  }
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) return {};
  // Renaming what a mask lies in would take the mask with it.
  for (std::size_t slash = path.find('/', root.size() + 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    struct stat folder{};
    if (std::ranges::find(masks, parent, &Mask::path) != masks.end() || lstat(parent.c_str(), &folder) != 0) continue;
    masks.push_back({parent, Mask::Kind::kPinned, folder.st_ino});
  }
  masks.push_back({std::move(path), kind, status.st_ino});
  return {};
}

}  // namespace

bool is_worktrees_own(const std::string& root) { return is_file(root + "/commondir") && is_file(root + "/gitdir"); }

std::vector<std::string_view> protected_names(const std::string& root) {
  std::vector<std::string_view> names(kProtectedNames.begin(), kProtectedNames.end());
  if (is_worktrees_own(root)) {
    names.insert(names.end(), {"commondir", "gitdir", "config.worktree"});
  }
  if (root.ends_with("/objects")) names.emplace_back("info/alternates");
  return names;
}

std::vector<std::string> protected_names_in(const std::vector<std::string>& git_stores) {
  constexpr std::string_view kGit = ".git/";
  std::vector<std::string> names;
  for (const std::string& store : git_stores) {
    // Git itself writes to what is the working tree's own in there.
    const std::string worktrees = in_git_store(store, "worktrees");
    const bool has_own =
        std::ranges::any_of(git_stores, [&](const std::string& other) { return other.starts_with(worktrees + "/"); });
    for (const std::string_view name : kProtectedNames) {
      if (!name.starts_with(kGit)) continue;
      std::string path = in_git_store(store, name.substr(kGit.size()));
      if (!has_own || path != worktrees) names.push_back(std::move(path));
    }
    names.push_back(in_git_store(store, "gitdir"));
  }
  return names;
}

base::Result<std::vector<Mask>> protected_masks(const std::string& root) {
  std::vector<Mask> masks;
  struct stat git{};
  // As a file it leads to the repository of a worktree or submodule, and is protected itself.
  const bool folder = lstat((root + "/.git").c_str(), &git) == 0 && S_ISDIR(git.st_mode);
  if (folder || is_file(root + "/.git")) {
    TRY_OK(put(masks, root, root + "/.git", folder ? Mask::Kind::kPinned : Mask::Kind::kReadOnly));
  }
  for (const std::string_view name : protected_names(root)) {
    if (!folder && name.starts_with(".git/")) continue;
    // A folder that is only called so is the project's own.
    struct stat environment{};
    const std::string path = root + "/" + std::string(name);
    if (name.ends_with("venv") && lstat((path + "/pyvenv.cfg").c_str(), &environment) != 0) continue;
    TRY_OK(put(masks, root, path, Mask::Kind::kReadOnly));
  }
  for (const std::string& name : protected_names_in(git_stores(root))) {
    TRY_OK(put(masks, root, root + "/" + name, Mask::Kind::kReadOnly));
  }
  return masks;
}

}  // namespace lathe::sandbox
