#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"

// Locks between processes and between open files of one process (open file description locks, fcntl(2)): they go with
// the descriptor, so with its process, and unlike flock(2) they can be asked about without being taken.

namespace lathe::storage {

enum class LockKind { kShared, kExclusive };

/// A lock that is held until this goes.
class FileLock final {
 public:
  /// At once or not at all: `locked`, naming the process that holds it where it left its pid. The file is created when
  /// missing and never removed. An exclusive holder writes its pid into it, and on the lines after that its `note`.
  [[nodiscard]] static base::Result<FileLock> acquire(const std::string& path, LockKind kind,
                                                      const std::string& note = "");
  /// Waits, at most `patience`, then `locked`. Blocks.
  [[nodiscard]] static base::Result<FileLock> wait(const std::string& path, LockKind kind, base::Millis patience);
  /// Changes the note of an exclusive holder.
  [[nodiscard]] base::Result<void> leave(const std::string& note) const;

 private:
  explicit FileLock(base::UniqueFd fd) : fd_(std::move(fd)) {}
  base::UniqueFd fd_;
};

/// Whether any open file holds an exclusive lock on it. Takes nothing.
[[nodiscard]] bool is_locked(const std::string& path);
/// What the last exclusive holder noted; "" when it noted nothing.
[[nodiscard]] std::string note_in(const std::string& path);

}  // namespace lathe::storage
