#include "lathe/telemetry/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lathe/runtime/files.h"

namespace lathe::telemetry {

using base::Result;
using base::UniqueFd;

namespace {

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool is_long(const struct stat& file, std::uint64_t most_bytes) {
  return static_cast<std::uint64_t>(file.st_size) >= most_bytes;
}

}  // namespace

Result<UniqueFd> LogFile::open() const {
  struct stat there{};
  if (::stat(path_.c_str(), &there) == 0 && is_long(there, most_bytes_)) {
    if (Result<UniqueFd> fresh = begin_anew(); fresh.ok()) return fresh;
  }
  return runtime::open_file(path_, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

/// The new file is there before the old one goes: where it cannot be made, the log goes on in the old one.
Result<UniqueFd> LogFile::begin_anew() const {
  const std::string fresh = path_ + ".new";
  TRY(UniqueFd file, runtime::open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600));
  if (std::rename(path_.c_str(), older(path_).c_str()) != 0 || std::rename(fresh.c_str(), path_.c_str()) != 0) {
    const base::Error why = base::errno_error(errno, path_);
    (void)std::remove(fresh.c_str());
    return why;
  }
  return file;
}

Result<void> LogFile::turn_over(int fd) const {
  struct stat ours{};
  struct stat there{};
  if (::fstat(fd, &ours) != 0 || !is_long(ours, most_bytes_)) return {};
  if (::stat(path_.c_str(), &there) != 0 || !same_file(ours, there)) return {};
  TRY(const UniqueFd fresh, begin_anew());
  for (const int one : {STDOUT_FILENO, STDERR_FILENO, fd}) {
    struct stat led{};
    if (::fstat(one, &led) != 0 || !same_file(led, ours)) continue;
    if (::dup2(fresh.get(), one) < 0) return base::errno_error(errno, path_);
  }
  return {};
}

}  // namespace lathe::telemetry
