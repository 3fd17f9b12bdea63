#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/unique_fd.h"
#include "lathe/keeper/process.h"

namespace lathe::keeper {

/// Where the kernel keeps groups (cgroups), as this process may use them.
struct GroupFolders {
  /// In which groups with a bound of memory, and of processes, can be made; with version 2 both the same. Empty: none.
  std::string memory;
  std::string processes;
  bool version_2 = false;
  friend bool operator==(const GroupFolders&, const GroupFolders&) = default;

  /// From the texts of /proc/self/mountinfo and /proc/self/cgroup. With version 2 the nearest folder, from our own
  /// group upwards, that hands both controllers on.
  [[nodiscard]] static GroupFolders find(std::string_view mounts, std::string_view own_groups);
};

/// A group of the kernel's that bounds one command, where one can be made. It counts all that the command's processes
/// have, hidden or not, and holds at once; the supervisor's own look (program/limit_watch.h) comes first where it sees
/// enough, because it ends the whole tree and says why: the group's bounds lie a little above. Removed with this
/// object, which outlives the command's processes; what the death of this process leaves is removed by the next one.
class CommandGroup final {
 public:
  /// Nothing where there is nothing to bound, or no group can be made. Blocks, for microseconds.
  [[nodiscard]] static std::optional<CommandGroup> create(const Limits& limits);
  [[nodiscard]] static std::optional<CommandGroup> create_in(const GroupFolders& folders, const Limits& limits);
  CommandGroup(CommandGroup&& other) noexcept;
  CommandGroup& operator=(CommandGroup&& other) noexcept;
  ~CommandGroup();

  /// Who writes "0" to these is in the group from then on, with all that it starts.
  [[nodiscard]] std::vector<int> entries() const;
  /// Whether the kernel ended a process for the memory that the group took.
  [[nodiscard]] bool ran_out_of_memory() const;

 private:
  CommandGroup() = default;
  void remove();

  std::vector<std::string> folders_;
  std::vector<base::UniqueFd> entries_;
};

}  // namespace lathe::keeper
