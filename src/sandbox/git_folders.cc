#include "lathe/sandbox/git_folders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "lathe/sandbox/git_store.h"
#include "lathe/sandbox/real_path.h"

namespace lathe::sandbox {
namespace {

void add_worktree(SandboxSpec& spec, const std::string& root) {
  const std::string own = git_folder(root);
  if (own.empty() || real_path(git_line(own + "/gitdir")) != root + "/.git") return;
  const std::string common = git_common_folder(own);
  if (common.empty() || own != common + "/worktrees/" + own.substr(own.rfind('/') + 1)) return;
  spec.readable.push_back(common);
  spec.writable.push_back(own);
  for (const std::string_view name : {"objects", "refs", "logs"}) {
    std::string folder = real_folder(common + "/" + std::string(name));
    if (!folder.empty()) spec.writable.push_back(std::move(folder));
  }
}

/// The folder above `root` that is a repository's of our own; empty when there is none. Somebody else may put one into
/// a folder that all may write to, such as /tmp, and git does not go by it either.
std::string repository_above(std::string folder) {
  while (folder.size() > 1) {
    folder.resize(folder.rfind('/') == 0 ? 1 : folder.rfind('/'));
    struct stat status{};
    if (lstat((folder + "/.git/HEAD").c_str(), &status) != 0 || status.st_uid != geteuid()) continue;
    return folder == "/" ? std::string() : folder;
  }
  return {};
}

}  // namespace

std::string add_git_folders(SandboxSpec& spec) {
  if (spec.writable.empty()) return {};
  const std::string root = spec.writable.front();
  struct stat status{};
  if (lstat((root + "/.git").c_str(), &status) == 0) {
    if (S_ISREG(status.st_mode)) add_worktree(spec, root);
    return {};
  }
  std::string repository = repository_above(root);
  if (repository.empty() || repository == spec.home) return {};
  spec.readable.push_back(repository);
  return repository;
}

}  // namespace lathe::sandbox
