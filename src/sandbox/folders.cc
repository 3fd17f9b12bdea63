#include "lathe/sandbox/folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lathe::sandbox {

using base::UniqueFd;

namespace {

constexpr int kMostDepth = 256;

int remove_tree(int folder, const std::string& name, int depth) {
  if (unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (depth > kMostDepth) return ELOOP;
  const UniqueFd inside = open_folder(folder, name, kChange);
  if (!inside) return errno;
  std::vector<std::string> names;
  if (const int error = read_names(inside.get(), names); error != 0) return error;
  for (const std::string& child : names) {
    if (const int error = remove_tree(inside.get(), child, depth + 1); error != 0) return error;
  }
  return unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno;
}

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

int remove_tree(int folder, const std::string& name) { return remove_tree(folder, name, 0); }

int remove_tree(const std::string& path) { return remove_tree(AT_FDCWD, path, 0); }

}  // namespace lathe::sandbox
