#include "lathe/storage/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "lathe/runtime/files.h"

namespace lathe::storage {

using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

struct flock whole_file(LockKind kind) {
  struct flock lock{};
  lock.l_type = kind == LockKind::kExclusive ? F_WRLCK : F_RDLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

constexpr std::size_t kMostNoteBytes = 4096;

/// What an exclusive holder left.
std::string left_in(int fd) {
  std::string text(kMostNoteBytes, '\0');
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

/// The pid that an exclusive holder left, or "".
std::string holder(int fd) {
  const std::string text = left_in(fd);
  return text.substr(0, text.find('\n'));
}

Result<void> leave_pid(int fd, const std::string& note, const std::string& path) {
  const std::string text = fmt::format("{}\n{}", ::getpid(), note);
  // Written over what stands there, so that at no moment nothing does.
  const ssize_t put = ::pwrite(fd, text.data(), text.size(), 0);
  // A full disk must not keep anyone from reading and ending a session: without a pid the error names none.
  if (put < 0 && errno != ENOSPC) return base::errno_error(errno, path);
  if (::ftruncate(fd, std::max<ssize_t>(put, 0)) != 0) return base::errno_error(errno, path);
  return {};
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& path, LockKind kind, const std::string& note) {
  TRY(UniqueFd fd, runtime::open_file(path, O_RDWR | O_CREAT));
  struct flock lock = whole_file(kind);
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return base::errno_error(errno, path);
    const std::string pid = holder(fd.get());
    return Error{.code = base::codes::kLocked,
                 .message = pid.empty() ? "held by another process" : "held by process " + pid,
                 .hint = "wait for it, or end it",
                 .retryable = true};
  }
  if (kind == LockKind::kExclusive) TRY_OK(leave_pid(fd.get(), note, path));
  return FileLock(std::move(fd));
}

Result<void> FileLock::leave(const std::string& note) const { return leave_pid(fd_.get(), note, "the lock's note"); }

Result<FileLock> FileLock::wait(const std::string& path, LockKind kind, base::Millis patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (true) {
    auto lock = acquire(path, kind);
    const bool busy = !lock.ok() && lock.error().code == base::codes::kLocked;
    if (!busy || std::chrono::steady_clock::now() >= give_up) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bool is_locked(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  struct flock lock = whole_file(LockKind::kShared);
  return ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
}

std::string note_in(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string text = fd ? left_in(fd.get()) : "";
  const std::size_t end_of_pid = text.find('\n');
  return end_of_pid == std::string::npos ? "" : text.substr(end_of_pid + 1);
}

}  // namespace lathe::storage
