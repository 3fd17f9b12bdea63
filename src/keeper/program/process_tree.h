#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

namespace lathe::keeper {

/// The children of this (single-threaded) process: by /proc/thread-self/children, or where the kernel has no such file
/// by a scan of /proc.
[[nodiscard]] std::vector<pid_t> children_of_self();
/// Those of another process, which may have threads; empty when it is gone.
[[nodiscard]] std::vector<pid_t> children_of(pid_t parent);
/// The scan alone: every process whose parent is that one.
[[nodiscard]] std::vector<pid_t> children_by_scan(pid_t parent);

/// The bytes of a file below /proc; `there` tells a missing file from an empty one.
[[nodiscard]] std::string read_proc(const char* path, bool* there);

/// A child whose wait status is wanted.
struct Watched {
  pid_t pid = -1;
  int status = 0;
};

/// Kills and reaps every child but the spared ones until there is none, or the time is over; gives how many are left.
///
/// For a subreaper: whatever loses its parent on the way becomes a child and is met in the next round, so at the end
/// the whole tree is gone, however it was forked and whatever sessions it made. Only children and the process groups
/// they are in are signalled; a child that is not reaped keeps its number and its group's, so no stranger is ever hit.
/// A group is killed in one step, so that nothing in it can fork on.
int end_children(std::span<const pid_t> spared, int patience_ms, Watched* watched);

}  // namespace lathe::keeper
