#include "lathe/sandbox/git_folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/real_path.h"

namespace lathe::sandbox {
namespace {

/// The only line of a small file of git's; empty when there is none.
std::string line_of(const std::string& path) {
  const base::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::array<char, 4096> bytes{};
  const ssize_t got = file ? read(file.get(), bytes.data(), bytes.size()) : 0;
  if (got <= 0) return {};
  return std::string(base::trim(std::string_view(bytes.data(), static_cast<std::size_t>(got))));
}

std::string from(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

void add_worktree(SandboxSpec& spec, const std::string& root) {
  constexpr std::string_view kStart = "gitdir: ";
  const std::string line = line_of(root + "/.git");
  if (!line.starts_with(kStart)) return;
  const std::string own = real_folder(from(root, line.substr(kStart.size())));
  if (own.empty() || real_path(line_of(own + "/gitdir")) != root + "/.git") return;
  const std::string common = real_folder(from(own, line_of(own + "/commondir")));
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
