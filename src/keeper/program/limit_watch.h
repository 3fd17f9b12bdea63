#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lathe/keeper/program/supervisor.h"
#include "lathe/keeper/program/usage.h"
#include "lathe/sandbox/command_jail.h"

namespace lathe::keeper {

/// What one command is watched for, by the process that has it as a child: looked at every few milliseconds, where the
/// system's own limits do not reach (RLIMIT_NPROC does not bind root, limits of address space break node, Go and
/// sanitizers). Made right before the command starts.
class LimitWatch final {
 public:
  /// `env`: the command's, NAME=value, ended by a null pointer.
  LimitWatch(const Limits& limits, const std::optional<sandbox::CommandJail>& jail, const char* cwd,
             const char* const* env);

  /// When the next look is due, for poll(); -1: there is nothing to look at.
  [[nodiscard]] int timeout_ms() const;
  /// Looks when it is due; what the command takes too much of.
  [[nodiscard]] Report::Limit look();
  /// Where the disk is that look() found full, as the command names it; "" before.
  [[nodiscard]] const std::string& full_disk() const { return full_disk_; }

 private:
  /// A file system that the command may write to.
  struct Disk {
    /// Open for as long as this process lives, which is as long as its command.
    int folder = -1;
    std::string path;
    std::uint64_t size = 0;
    std::uint64_t free_at_start = 0;
  };
  void add_disk(const char* path);
  /// Those that are mounted in these folders. In a jail with mounts of its own, what it has mounted to be written to is
  /// all that its commands write to.
  void add_disks_within(const std::vector<std::string>& folders);
  [[nodiscard]] bool is_full(const Disk& disk) const;

  const Limits limits_;
  std::vector<Disk> disks_;
  std::string full_disk_;
  SharedMemory shared_;
  long long next_look_ms_ = 0;
};

}  // namespace lathe::keeper
