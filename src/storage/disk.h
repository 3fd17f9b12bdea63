#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/fault.h"
#include "lathe/storage/sync_times.h"

namespace lathe::storage {

/// The system calls that make bytes durable, each with its fault point. A value that refers to the FaultPoint and the
/// SyncTimes, which outlive it; any thread. `operation` names the fault point, errors name the path.
class Disk final {
 public:
  explicit Disk(FaultPoint* faults = nullptr, SyncTimes* times = nullptr) : faults_(faults), times_(times) {}

  /// All of `bytes` at `offset`, or an error; some of them may be there then.
  [[nodiscard]] base::Result<void> write_at(int fd, std::uint64_t offset, std::string_view bytes,
                                            std::string_view operation, const std::string& path) const;
  /// fdatasync.
  [[nodiscard]] base::Result<void> sync(int fd, std::string_view operation, const std::string& path) const;
  [[nodiscard]] base::Result<void> truncate(int fd, std::uint64_t length, std::string_view operation,
                                            const std::string& path) const;
  [[nodiscard]] base::Result<void> rename(const std::string& from, const std::string& to,
                                          std::string_view operation) const;
  /// Gone afterwards; it may have been gone before.
  [[nodiscard]] base::Result<void> remove_file(const std::string& path, std::string_view operation) const;
  /// An empty file is there afterwards; it may have been there before.
  [[nodiscard]] base::Result<void> create_file(const std::string& path, std::string_view operation) const;
  /// A new folder. `exists` when it is there.
  [[nodiscard]] base::Result<void> create_folder(const std::string& path, std::string_view operation) const;
  /// Replaces the file in one step: `<what>.write` a temporary file beside it, then `<what>.rename`.
  [[nodiscard]] base::Result<void> replace_file(const std::string& path, std::string_view bytes, std::string_view what,
                                                runtime::Durability durability) const;
  /// Makes new names in the folder survive power loss, where that is asked for.
  [[nodiscard]] base::Result<void> sync_folder(const std::string& path, std::string_view operation,
                                               runtime::Durability durability) const;

  /// Runs `operation` between its fault points: any durable thing that is not a call above (a database commit).
  template <class Call>
  [[nodiscard]] base::Result<void> guarded(std::string_view operation, std::string_view name, Call call) const {
    const Fault fault = before(operation, 0);
    base::Result<void> result = fault.error != 0 ? base::Result<void>(base::errno_error(fault.error, name)) : call();
    after(operation);
    return result;
  }

 private:
  [[nodiscard]] Fault before(std::string_view operation, std::size_t bytes) const {
    return faults_ == nullptr ? Fault{} : faults_->before(operation, bytes);
  }
  void after(std::string_view operation) const {
    if (faults_ != nullptr) faults_->after(operation);
  }

  FaultPoint* faults_;
  SyncTimes* times_;
};

}  // namespace lathe::storage
