#pragma once

#include <cstdint>

namespace lathe::keeper {

/// What one command may take; 0: no limit. Where the system's own limits do not reach (RLIMIT_NPROC does not bind root,
/// address space limits break node, Go and sanitizers) the supervisor looks every few milliseconds.
struct Limits {
  std::uint64_t processes = 0;
  /// Of all its processes together, what is theirs alone: anonymous and shared memory.
  std::uint64_t memory_bytes = 0;
  /// Must stay free in the file system of the working folder, as far as it was free at the start.
  std::uint64_t free_bytes = 0;
  std::uint64_t output_bytes = 0;
};

struct Usage {
  std::uint64_t processes = 0;
  std::uint64_t memory_bytes = 0;
};

/// Everything that descends from this (single-threaded) process. Memory is only counted while there are at most
/// `most_processes`.
[[nodiscard]] Usage usage_of_descendants(std::uint64_t most_processes);

/// Free for ordinary users at an open folder; all ones when nobody can tell.
[[nodiscard]] std::uint64_t free_bytes_at(int folder);

}  // namespace lathe::keeper
