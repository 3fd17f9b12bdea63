#include "lathe/sandbox/folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace lathe::sandbox {

using base::UniqueFd;

namespace {

/// One removal of a tree, however deep: what is still to be removed lies in a list and not on the stack, and one folder
/// is open at a time. The way up is "..", which must lead back to where the way down came from: a command may be moving
/// folders meanwhile.
class TreeRemoval final {
 public:
  explicit TreeRemoval(int above) : above_(above) {}

  /// Gives 0 or an errno; EAGAIN for a folder that was moved.
  int remove(const std::string& name) {
    int error = unlink_or_enter(above_, name);
    while (error == 0 && !levels_.empty()) {
      std::vector<std::string>& names = levels_.back().names;
      if (names.empty()) {
        error = leave();
        continue;
      }
      const std::string child = std::move(names.back());
      names.pop_back();
      error = unlink_or_enter(here_.get(), child);
    }
    return error;
  }

 private:
  /// A folder that is being emptied.
  struct Level {
    std::string name;
    std::vector<std::string> names;
    dev_t device = 0;
    ino_t inode = 0;
  };

  int unlink_or_enter(int folder, const std::string& name) {
    if (unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM) return errno;
    UniqueFd inside = open_folder(folder, name, kChange);
    struct stat status{};
    if (!inside || fstat(inside.get(), &status) != 0) return errno;
    Level level{.name = name, .names = {}, .device = status.st_dev, .inode = status.st_ino};
    if (const int error = read_names(inside.get(), level.names); error != 0) return error;
    levels_.push_back(std::move(level));
    here_ = std::move(inside);
    return 0;
  }

  /// Removes the folder that was emptied.
  int leave() {
    const std::string name = std::move(levels_.back().name);
    levels_.pop_back();
    UniqueFd back;
    if (!levels_.empty()) {
      back = UniqueFd(openat(here_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      struct stat status{};
      if (!back || fstat(back.get(), &status) != 0) return errno;
      if (status.st_dev != levels_.back().device || status.st_ino != levels_.back().inode) return EAGAIN;
    }
    if (unlinkat(levels_.empty() ? above_ : back.get(), name.c_str(), AT_REMOVEDIR) != 0) return errno;
    here_ = std::move(back);
    return 0;
  }

  const int above_;
  std::vector<Level> levels_;
  /// The last of them.
  UniqueFd here_;
};

}  // namespace

UniqueFd open_folder(int parent, const std::string& name, mode_t needed, bool& opened) {
  const UniqueFd handle(openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!handle || fstat(handle.get(), &status) != 0) return {};
  if (status.st_uid == geteuid() && (status.st_mode & needed) != needed) {
    const std::string path = fmt::format("/proc/self/fd/{}", handle.get());
    if (chmod(path.c_str(), (status.st_mode & 07777U) | needed) != 0) return {};
    opened = true;
  }
  return UniqueFd(openat(handle.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

UniqueFd open_folder(int parent, const std::string& name, mode_t needed) {
  bool opened = false;
  return open_folder(parent, name, needed, opened);
}

int read_names(int folder, std::vector<std::string>& names) {
  DIR* stream = fdopendir(dup(folder));
  if (stream == nullptr) return errno;
  rewinddir(stream);
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  const int error = errno;
  closedir(stream);
  std::ranges::sort(names);
  return error;
}

int remove_tree(int folder, const std::string& name) { return TreeRemoval(folder).remove(name); }

int remove_tree(const std::string& path) { return TreeRemoval(AT_FDCWD).remove(path); }

}  // namespace lathe::sandbox
