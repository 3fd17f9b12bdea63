#include "lathe/sandbox/protected_names.h"

#include <sys/stat.h>

namespace lathe::sandbox {
namespace {

/// Of what is there itself, never of what a link leads to: a link in the workspace is the workspace's own content.
void put(std::vector<Mask>& masks, const std::string& path, Mask::Kind kind) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))) return;
  masks.push_back({path, kind, status.st_ino});
}

}  // namespace

std::vector<Mask> protected_masks(const std::string& root) {
  std::vector<Mask> masks;
  struct stat git{};
  // As a file it leads to the repository of a worktree or submodule, and is protected itself.
  const bool folder = lstat((root + "/.git").c_str(), &git) == 0 && S_ISDIR(git.st_mode);
  put(masks, root + "/.git", folder ? Mask::Kind::kPinned : Mask::Kind::kReadOnly);
  for (const std::string_view name : kProtectedNames) {
    if (!folder && name.starts_with(".git/")) continue;
    // A folder that is only called so is the project's own.
    struct stat environment{};
    const std::string path = root + "/" + std::string(name);
    if (name.ends_with("venv") && lstat((path + "/pyvenv.cfg").c_str(), &environment) != 0) continue;
    put(masks, path, Mask::Kind::kReadOnly);
  }
  return masks;
}

}  // namespace lathe::sandbox
