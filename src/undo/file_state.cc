#include "lathe/undo/file_state.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "lathe/crypto/sha256.h"
#include "lathe/runtime/files.h"

namespace lathe::undo {

using base::errno_error;
using base::Result;
using base::UniqueFd;

bool same_content(const FileState& a, const FileState& b) { return a.kind == b.kind && a.content == b.content; }

bool same_mode(const FileState& a, const FileState& b) { return !a.mode || !b.mode || *a.mode == *b.mode; }

FileStamp stamp_of(const struct stat& status) {
  constexpr std::int64_t kNanos = 1'000'000'000;
  return {.inode = status.st_ino,
          .size = status.st_size,
          .modified_ns = status.st_mtim.tv_sec * kNanos + status.st_mtim.tv_nsec,
          .changed_ns = status.st_ctim.tv_sec * kNanos + status.st_ctim.tv_nsec,
          .mode = status.st_mode};
}

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kFile;
  if (S_ISLNK(mode)) return FileKind::kLink;
  return S_ISDIR(mode) ? FileKind::kFolder : FileKind::kOther;
}

Result<std::string> read_content(int folder, const std::string& name, FileKind kind) {
  if (kind == FileKind::kLink) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = readlinkat(folder, name.c_str(), target.data(), target.size());
    if (size < 0) return errno_error(errno, name);
    target.resize(static_cast<std::size_t>(size));
    return target;
  }
  // Should it have become a FIFO meanwhile, opening it must not wait.
  const UniqueFd fd(openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno_error(errno, name);
  return runtime::read_all(fd.get(), kMaxFileBytes, name);
}

Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes) {
  TRY(const UniqueFd fd, runtime::open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return errno_error(errno, path);
  if (!S_ISREG(status.st_mode)) return base::Error{.code = base::codes::kInvalid, .message = path + " is not a file"};
  return runtime::read_all(fd.get(), max_bytes, path);
}

Result<UniqueFd> open_folder_beneath(int root, const std::string& relative) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  while (true) {
    const long fd = syscall(SYS_openat2, root, relative.empty() ? "." : relative.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno != EINTR && errno != EAGAIN) return errno_error(errno, relative);
  }
}

std::pair<std::string, std::string> split_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<FileState> look_at(int root, const std::string& path) {
  const auto [folder_path, name] = split_name(path);
  const auto folder = open_folder_beneath(root, folder_path);
  if (!folder.ok()) return FileState{};
  struct stat status{};
  if (fstatat(folder->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return FileState{};
    return errno_error(errno, path);
  }
  FileState state{.kind = kind_of(status.st_mode), .mode = {}, .size = 0, .content = {}, .git = {}};
  if (state.kind != FileKind::kLink) state.mode = status.st_mode & 07777;
  if (state.kind != FileKind::kFile && state.kind != FileKind::kLink) return state;
  TRY(const std::string bytes, read_content(folder->get(), name, state.kind).within(path));
  state.size = static_cast<std::int64_t>(bytes.size());
  state.content = crypto::sha256(bytes);
  return state;
}

}  // namespace lathe::undo
