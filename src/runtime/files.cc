#include "lathe/runtime/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

namespace lathe::runtime {

using base::errno_error;
using base::Error;
using base::Result;
using base::UniqueFd;

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno_error(errno, path);
  return UniqueFd(fd);
}

Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view name) {
  std::string out;
  struct stat status{};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) out.reserve(static_cast<std::size_t>(status.st_size));
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, name);
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > max_bytes) {
      return Error{.code = base::codes::kLimit,
                   .message = fmt::format("{} is over the limit of {} bytes", name, max_bytes)};
    }
  }
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  // A FIFO that nobody writes to would be waited for here, and a device may never end.
  TRY(const UniqueFd fd, open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return errno_error(errno, path);
  if (S_ISDIR(status.st_mode)) return errno_error(EISDIR, path);
  if (!S_ISREG(status.st_mode)) {
    return Error{
        .code = base::codes::kInvalid,
        .message = fmt::format("{} is {}, not a file", path, S_ISFIFO(status.st_mode) ? "a FIFO" : "a device")};
  }
  return read_all(fd.get(), max_bytes, path);
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error(errno, name);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view bytes, mode_t mode, Durability durability) {
  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return errno_error(errno, path);
  const auto fill = [&]() -> Result<void> {
    if (fchmod(fd.get(), mode) != 0) return errno_error(errno, path);
    TRY_OK(write_all(fd.get(), bytes, path));
    if (durability == Durability::kPower && fdatasync(fd.get()) != 0) return errno_error(errno, path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error(errno, path);
    return {};
  };
  if (auto filled = fill(); !filled.ok()) {
    ::unlink(temporary.c_str());
    return filled;
  }
  if (durability == Durability::kPower) {
    TRY(const UniqueFd folder, open_file(parent_of(path), O_RDONLY | O_DIRECTORY));
    if (fsync(folder.get()) != 0) return errno_error(errno, path);
  }
  return {};
}

Result<void> make_folders(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno == EEXIST) {
    struct stat status{};
    if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
    return errno_error(ENOTDIR, path);
  }
  if (errno != ENOENT) return errno_error(errno, path);
  const std::string parent = parent_of(path);
  if (parent == path) return errno_error(ENOENT, path);
  TRY_OK(make_folders(parent, mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return errno_error(errno, path);
  return {};
}

Result<std::string> real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return errno_error(errno, path);
  std::string out(resolved);
  ::free(resolved);  // NOLINT(cppcoreguidelines-no-malloc): realpath allocates so
  return out;
}

bool path_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string env(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace lathe::runtime
