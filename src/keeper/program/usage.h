#pragma once

#include <cstdint>

namespace lathe::keeper {

/// What one command may take; 0: no limit.
struct Limits {
  std::uint64_t processes = 0;
  /// Of all its processes together, what is theirs alone: anonymous and shared memory, mapped or not.
  std::uint64_t memory_bytes = 0;
  /// Must stay free in each file system that it may write to, as far as it was free at the start.
  std::uint64_t free_bytes = 0;
  std::uint64_t output_bytes = 0;
};

/// Memory that no process need have mapped, so that it is in nobody's resident size: the files of /dev/shm and System V
/// segments, in a jail that has its own of both, since this was made; and memory files (memfd) that a process holds
/// open. What a process hides from us (PR_SET_DUMPABLE) is not seen here, but by the kernel's own group where there is
/// one (command_group.h).
class SharedMemory final {
 public:
  enum class Of {
    /// /dev/shm and the segments are the machine's, so nobody can tell whose they are.
    kProcesses,
    kJail,
  };
  explicit SharedMemory(Of of);

  /// Grown since the start.
  [[nodiscard]] std::uint64_t of_jail() const;

 private:
  const Of of_;
  const std::uint64_t at_start_;
};

struct Usage {
  std::uint64_t processes = 0;
  std::uint64_t memory_bytes = 0;
};

/// Everything that descends from this (single-threaded) process. Memory is only counted while there are at most
/// `most_processes`.
[[nodiscard]] Usage usage_of_descendants(std::uint64_t most_processes, const SharedMemory& shared);

/// Of a file system, in bytes.
struct DiskSpace {
  std::uint64_t size = 0;
  /// For ordinary users.
  std::uint64_t free = 0;
};
/// At an open folder; all ones when nobody can tell.
[[nodiscard]] DiskSpace disk_space_at(int folder);

}  // namespace lathe::keeper
