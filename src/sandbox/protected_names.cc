#include "lathe/sandbox/protected_names.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace lathe::sandbox {
namespace {

bool is_file(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

/// Of what is there itself, never of what a link leads to: a link in the workspace is the workspace's own content.
/// Gives whether there is something.
base::Result<bool> put(std::vector<Mask>& masks, const std::string& path, Mask::Kind kind) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return base::errno_error(errno, path);
  }
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) return false;
  masks.push_back({path, kind, status.st_ino});
  return true;
}

/// Renaming what a mask lies in would take the mask with it.
base::Result<void> pin_parents(std::vector<Mask>& masks, const std::string& root, std::string_view name) {
  for (std::size_t slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1)) {
    const std::string path = root + "/" + std::string(name.substr(0, slash));
    if (std::ranges::find(masks, path, &Mask::path) == masks.end()) TRY_OK(put(masks, path, Mask::Kind::kPinned));
  }
  return {};
}

}  // namespace

std::vector<std::string_view> protected_names(const std::string& root) {
  std::vector<std::string_view> names(kProtectedNames.begin(), kProtectedNames.end());
  if (is_file(root + "/commondir") && is_file(root + "/gitdir")) {
    names.insert(names.end(), {"commondir", "gitdir", "config.worktree"});
  }
  if (root.ends_with("/objects")) names.emplace_back("info/alternates");
  return names;
}

base::Result<std::vector<Mask>> protected_masks(const std::string& root) {
  std::vector<Mask> masks;
  struct stat git{};
  // As a file it leads to the repository of a worktree or submodule, and is protected itself.
  const bool folder = lstat((root + "/.git").c_str(), &git) == 0 && S_ISDIR(git.st_mode);
  TRY_OK(put(masks, root + "/.git", folder ? Mask::Kind::kPinned : Mask::Kind::kReadOnly));
  for (const std::string_view name : protected_names(root)) {
    if (!folder && name.starts_with(".git/")) continue;
    // A folder that is only called so is the project's own.
    struct stat environment{};
    const std::string path = root + "/" + std::string(name);
    if (name.ends_with("venv") && lstat((path + "/pyvenv.cfg").c_str(), &environment) != 0) continue;
    TRY(const bool there, put(masks, path, Mask::Kind::kReadOnly));
    if (there) TRY_OK(pin_parents(masks, root, name));
  }
  return masks;
}

}  // namespace lathe::sandbox
