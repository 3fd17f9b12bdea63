#include "lathe/keeper/program/limit_watch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "lathe/keeper/program/process_tree.h"
#include "lathe/keeper/program/wire.h"
#include "lathe/keeper/program/writable_mounts.h"
#include "lathe/sandbox/landlock.h"
#include "lathe/sandbox/path_order.h"

namespace lathe::keeper {
namespace {

/// Limits are looked at so often, and so much less often that looking takes at most a twentieth of the time; but at the
/// latest after a second, because looking takes longest where thousands of processes have just been started.
constexpr long long kLookEveryMs = 40;
constexpr long long kLookShare = 20;
constexpr long long kLookAtLatestMs = 1000;

const char* variable(const char* const* env, std::string_view name) {
  for (; *env != nullptr; ++env) {
    const std::string_view entry(*env);
    if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=') {
      return *env + name.size() + 1;
    }
  }
  return nullptr;
}

bool is_confined(const std::optional<sandbox::CommandJail>& jail) {
  return jail && jail->level != sandbox::Level::kNone;
}

bool has_mounts(const std::optional<sandbox::CommandJail>& jail) {
  return jail && (jail->level == sandbox::Level::kFull || jail->level == sandbox::Level::kNamespaces);
}

/// The folders that a command is let write to; outside of any jail, the one that it works in.
std::vector<std::string> written_folders(const std::optional<sandbox::CommandJail>& jail, const char* cwd) {
  std::vector<std::string> folders;
  if (!is_confined(jail)) {
    if (cwd != nullptr) folders.emplace_back(cwd);
    return folders;
  }
  for (const sandbox::PathRule& rule : jail->rules) {
    // What lies in /dev is memory, and counted as such.
    const bool written = (rule.access & sandbox::landlock::kMakeReg) != 0;
    if (written && !rule.path.starts_with("/dev")) folders.push_back(rule.path);
  }
  return folders;
}

}  // namespace

LimitWatch::LimitWatch(const Limits& limits, const std::optional<sandbox::CommandJail>& jail, const char* cwd,
                       const char* const* env)
    : limits_(limits), shared_(has_mounts(jail) ? SharedMemory::Of::kJail : SharedMemory::Of::kProcesses) {
  if (limits_.free_bytes != 0) {
    // A jail says where the command can write; without one these are where it most likely does.
    if (!is_confined(jail)) {
      for (const char* path : {cwd, variable(env, "HOME"), variable(env, "TMPDIR"), "/tmp", "/var/tmp"}) add_disk(path);
    }
    const std::vector<std::string> folders = written_folders(jail, cwd);
    for (const std::string& folder : folders) add_disk(folder.c_str());
    add_disks_within(has_mounts(jail) ? std::vector<std::string>{"/"} : folders);
  }
  next_look_ms_ = now_ms() + kLookEveryMs;
}

void LimitWatch::add_disks_within(const std::vector<std::string>& folders) {
  bool there = false;
  for (const std::string& mount : writable_mounts(read_proc("/proc/self/mountinfo", &there))) {
    const auto holds = [&mount](const std::string& folder) { return sandbox::is_at_or_below(mount, folder); };
    if (std::ranges::any_of(folders, holds)) add_disk(mount.c_str());
  }
}

void LimitWatch::add_disk(const char* path) {
  if (path == nullptr) return;
  const int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct stat status{};
  if (folder < 0 || fstat(folder, &status) != 0) return;
  const auto is_same = [&status](const Disk& disk) {
    struct stat other{};
    return fstat(disk.folder, &other) == 0 && other.st_dev == status.st_dev;
  };
  if (std::ranges::any_of(disks_, is_same)) {
    close(folder);
    return;
  }
  const DiskSpace space = disk_space_at(folder);
  disks_.push_back({.folder = folder, .path = path, .size = space.size, .free_at_start = space.free});
}

bool LimitWatch::is_full(const Disk& disk) const {
  const std::uint64_t free = disk_space_at(disk.folder).free;
  // A disk that was nearly full before is not this command's doing, and of a small one less has to stay free. Who took
  // the space since is not known.
  return free < std::min(limits_.free_bytes, disk.size / 8) && free < disk.free_at_start / 2 + disk.free_at_start / 4;
}

int LimitWatch::timeout_ms() const {
  if (limits_.processes == 0 && limits_.memory_bytes == 0 && limits_.free_bytes == 0) return -1;
  return static_cast<int>(std::clamp(next_look_ms_ - now_ms(), 0LL, 60'000LL));
}

Report::Limit LimitWatch::look() {
  if (timeout_ms() != 0) return Report::Limit::kNone;
  const long long now = now_ms();
  Report::Limit exceeded = Report::Limit::kNone;
  const Usage usage = usage_of_descendants(limits_.processes == 0 ? ~0ULL : limits_.processes, shared_);
  if (limits_.processes != 0 && usage.processes > limits_.processes) {
    exceeded = Report::Limit::kProcesses;
  } else if (limits_.memory_bytes != 0 && usage.memory_bytes > limits_.memory_bytes) {
    exceeded = Report::Limit::kMemory;
  } else if (const auto full = std::ranges::find_if(disks_, [this](const Disk& disk) { return is_full(disk); });
             full != disks_.end()) {
    exceeded = Report::Limit::kDisk;
    full_disk_ = full->path;
  }
  next_look_ms_ = now + std::clamp((now_ms() - now) * kLookShare, kLookEveryMs, kLookAtLatestMs);
  return exceeded;
}

}  // namespace lathe::keeper
