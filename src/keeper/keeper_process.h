#pragma once

#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <string_view>

#include "lathe/base/unique_fd.h"
#include "lathe/runtime/files.h"

namespace lathe::keeper {

/// A keeper as a process that others may stop.
class KeeperProcess final {
 public:
  /// Not above 0: nobody can.
  explicit KeeperProcess(pid_t pid)
      : pid_(pid), pidfd_(pid > 0 ? static_cast<int>(syscall(SYS_pidfd_open, pid, 0)) : -1) {}

  [[nodiscard]] bool known() const { return pidfd_.get() >= 0; }
  /// Has it go on if it is stopped.
  void wake() const {
    // What /proc/PID/stat says of one that is.
    constexpr std::string_view kStopped = "(lathe-keeper) T ";
    constexpr std::size_t kMostStatBytes = 4096;
    const auto stat = runtime::read_file(fmt::format("/proc/{}/stat", pid_), kMostStatBytes);
    // By descriptor: its number may be another's meanwhile.
    if (stat.ok() && stat->contains(kStopped)) syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGCONT, nullptr, 0);
  }

 private:
  pid_t pid_;
  base::UniqueFd pidfd_;
};

}  // namespace lathe::keeper
