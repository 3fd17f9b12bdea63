#include "lathe/storage/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "lathe/base/unique_fd.h"

namespace lathe::storage {

using base::errno_error;
using base::Result;
using base::UniqueFd;
using runtime::Durability;

namespace {

Result<void> pwrite_all(int fd, std::uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error(errno, path);
    if (put == 0) return errno_error(ENOSPC, path);
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace

Result<void> Disk::write_at(int fd, std::uint64_t offset, std::string_view bytes, std::string_view operation,
                            const std::string& path) const {
  const Fault fault = before(operation, bytes.size());
  Result<void> result;
  if (fault.error == 0) {
    result = pwrite_all(fd, offset, bytes, path);
  } else {
    result = pwrite_all(fd, offset, bytes.substr(0, fault.written), path);
    if (result.ok()) result = errno_error(fault.error, path);
  }
  after(operation);
  return result;
}

Result<void> Disk::sync(int fd, std::string_view operation, const std::string& path) const {
  return guarded(operation, path, [&]() -> Result<void> {
    const auto began = std::chrono::steady_clock::now();
    if (::fdatasync(fd) != 0) return errno_error(errno, path);
    if (times_ != nullptr) {
      times_->note(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began));
    }
    return {};
  });
}

Result<void> Disk::truncate(int fd, std::uint64_t length, std::string_view operation, const std::string& path) const {
  return guarded(operation, path, [&]() -> Result<void> {
    if (::ftruncate(fd, static_cast<off_t>(length)) != 0) return errno_error(errno, path);
    return {};
  });
}

Result<void> Disk::rename(const std::string& from, const std::string& to, std::string_view operation) const {
  return guarded(operation, to, [&]() -> Result<void> {
    if (::rename(from.c_str(), to.c_str()) != 0) return errno_error(errno, to);
    return {};
  });
}

Result<void> Disk::remove_file(const std::string& path, std::string_view operation) const {
  return guarded(operation, path, [&]() -> Result<void> {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(errno, path);
    return {};
  });
}

Result<void> Disk::create_file(const std::string& path, std::string_view operation) const {
  return guarded(operation, path, [&]() -> Result<void> {
    TRY(const UniqueFd fd, runtime::open_file(path, O_WRONLY | O_CREAT));
    return {};
  });
}

Result<void> Disk::create_folder(const std::string& path, std::string_view operation) const {
  return guarded(operation, path, [&]() -> Result<void> {
    if (::mkdir(path.c_str(), 0700) != 0) return errno_error(errno, path);
    return {};
  });
}

Result<void> Disk::replace_file(const std::string& path, std::string_view bytes, std::string_view what,
                                Durability durability) const {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return errno_error(errno, path);
  const std::string name(what);
  const auto fill = [&]() -> Result<void> {
    TRY_OK(write_at(fd.get(), 0, bytes, name + ".write", path));
    if (durability == Durability::kPower) TRY_OK(sync(fd.get(), name + ".sync", path));
    return rename(temporary, path, name + ".rename");
  };
  if (auto filled = fill(); !filled.ok()) {
    ::unlink(temporary.c_str());
    return filled;
  }
  return sync_folder(path.substr(0, path.find_last_of('/')), name + ".sync_folder", durability);
}

Result<void> Disk::sync_folder(const std::string& path, std::string_view operation, Durability durability) const {
  if (durability != Durability::kPower) return {};
  TRY(const UniqueFd folder, runtime::open_file(path, O_RDONLY | O_DIRECTORY));
  return guarded(operation, path, [&]() -> Result<void> {
    if (::fsync(folder.get()) != 0) return errno_error(errno, path);
    return {};
  });
}

}  // namespace lathe::storage
