#include "lathe/sandbox/secret_search.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "lathe/sandbox/path_order.h"
#include "lathe/sandbox/real_path.h"

namespace lathe::sandbox {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kMaxFolders = 500'000;
/// Each costs a mount per command.
constexpr std::size_t kMaxSecrets = 4'096;
/// File systems stamp by a clock that ticks every few milliseconds.
constexpr std::int64_t kTickNs = 20'000'000;

std::int64_t in_ns(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

std::string joined(const std::string& folder, std::string_view name) {
  return (folder == "/" ? "" : folder) + "/" + std::string(name);
}

/// Not every file system says it in the folder.
unsigned char type_of(int folder, const dirent& entry) {
  struct stat status{};
  if (entry.d_type != DT_UNKNOWN || fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return entry.d_type;
  }
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

}  // namespace

Result<void> SecretSearch::read(const std::string& root, const std::string& path, Folder& folder) const {
  folder.folders.clear();
  folder.secrets.clear();
  folder.nested.clear();
  folder.sockets.clear();
  DIR* stream = opendir(path.c_str());
  if (stream == nullptr || access(path.c_str(), X_OK) != 0) {
    const int error = errno;
    if (stream != nullptr) closedir(stream);
    if (error == ENOENT || error == ENOTDIR) return {};
    if (error != EACCES || path == root) return base::errno_error(error, path);
    // What cannot be looked through may hold secrets under names that a command knows.
    folder.secrets.push_back({path, Mask::Kind::kHidden, folder.inode});
    return {};
  }
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string child = joined(path, name);
    if (name == "pyvenv.cfg" || (name == ".git" && path != root)) folder.nested.push_back(child);
    const unsigned char type = type_of(dirfd(stream), *entry);
    if (is_secret_ && is_secret_(std::string_view(child).substr(root.size() + 1))) {
      if (type != DT_LNK) {
        folder.secrets.push_back({child, Mask::Kind::kHidden, entry->d_ino});
      } else if (std::string target = real_path(child); is_below(target, root)) {
        folder.secrets.push_back({std::move(target), Mask::Kind::kHidden, 0});
      }
      continue;
    }
    if (type == DT_DIR) folder.folders.emplace_back(name);
    if (type == DT_SOCK) folder.sockets.push_back({child, Mask::Kind::kHidden, entry->d_ino});
  }
  closedir(stream);
  return {};
}

Result<void> SecretSearch::look(const std::string& root, const std::string& path, Folders& now) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return base::errno_error(errno, path);
  }
  if (!S_ISDIR(status.st_mode)) return {};
  const std::int64_t changed = std::max(in_ns(status.st_mtim), in_ns(status.st_ctim));
  Folder folder;
  if (const auto before = known_.find(path); before != known_.end()) folder = std::move(before->second);
  const bool same =
      !folder.fresh && folder.device == status.st_dev && folder.inode == status.st_ino && folder.changed_ns == changed;
  if (!same) {
    timespec clock{};
    clock_gettime(CLOCK_REALTIME, &clock);
    folder.device = status.st_dev;
    folder.inode = status.st_ino;
    folder.changed_ns = changed;
    folder.fresh = in_ns(clock) - changed < kTickNs;
    TRY_OK(read(root, path, folder));
  }
  now.insert_or_assign(path, std::move(folder));
  return {};
}

Result<std::vector<Mask>> SecretSearch::find(const std::vector<std::string>& roots) {
  Folders now;
  std::vector<Mask> secrets;
  nested_.clear();
  sockets_.clear();
  for (const std::string& root : roots) {
    std::vector<std::string> open = {root};
    while (!open.empty()) {
      const std::string path = std::move(open.back());
      open.pop_back();
      if (auto looked = look(root, path, now); !looked.ok()) {
        known_.clear();
        return std::move(looked).error().within("looking for secrets");
      }
      const auto at = now.find(path);
      if (at == now.end()) continue;
      for (const std::string& name : at->second.folders) open.push_back(joined(path, name));
      secrets.insert(secrets.end(), at->second.secrets.begin(), at->second.secrets.end());
      nested_.insert(nested_.end(), at->second.nested.begin(), at->second.nested.end());
      sockets_.insert(sockets_.end(), at->second.sockets.begin(), at->second.sockets.end());
      if (now.size() > kMaxFolders || secrets.size() > kMaxSecrets) {
        known_.clear();
        return Error{.code = base::codes::kLimit,
                     .message = fmt::format("{}: more than {} folders, or {} files that match secret-files", root,
                                            kMaxFolders, kMaxSecrets),
                     .hint = "work in a smaller folder, or narrow `secret-files` in your configuration"};
      }
    }
  }
  known_ = std::move(now);
  return secrets;
}

}  // namespace lathe::sandbox
