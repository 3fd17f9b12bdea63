#include "lathe/keeper/program/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/keeper/program/process_tree.h"

namespace lathe::keeper {
namespace {

/// Descriptors that one look goes through; those beyond are the kernel's group's business.
constexpr std::size_t kMostDescriptors = 100'000;
constexpr int kSegmentResidentColumn = 14;
constexpr std::uint64_t kBlockBytes = 512;

/// "RssAnon:      1234 kB" in /proc/PID/status, in bytes.
std::uint64_t status_field(const std::string& status, std::string_view name) {
  const std::size_t at = status.find(name);
  return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + name.size(), nullptr, 10) * 1024;
}

/// The bytes of every System V segment that are in memory.
std::uint64_t segment_bytes() {
  bool there = false;
  const std::string text = read_proc("/proc/sysvipc/shm", &there);
  std::uint64_t bytes = 0;
  std::size_t line = text.find('\n');
  while (line != std::string::npos && line + 1 < text.size()) {
    const char* at = text.c_str() + line + 1;
    char* end = nullptr;
    for (int column = 0; column < kSegmentResidentColumn; ++column, at = end) (void)std::strtoull(at, &end, 10);
    bytes += std::strtoull(at, nullptr, 10);
    line = text.find('\n', line + 1);
  }
  return bytes;
}

std::uint64_t used_in_shm() {
  struct statvfs status{};
  if (statvfs("/dev/shm", &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.f_blocks - status.f_bfree) * status.f_frsize;
}

/// Counts each memory file once, whoever holds it.
class MemoryFiles final {
 public:
  void add_those_of(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd";
    DIR* folder = opendir(path.c_str());
    if (folder == nullptr) return;
    constexpr std::string_view kStart = "/memfd:";
    while (const dirent* entry = readdir(folder)) {
      if (entry->d_name[0] == '.' || ++looked_at_ > kMostDescriptors) continue;
      char target[16];
      if (readlinkat(dirfd(folder), entry->d_name, target, sizeof target) < static_cast<ssize_t>(kStart.size()) ||
          std::string_view(target, kStart.size()) != kStart) {
        continue;
      }
      struct stat status{};
      if (fstatat(dirfd(folder), entry->d_name, &status, 0) != 0) continue;
      if (found_.emplace(status.st_dev, status.st_ino).second) {
        bytes_ += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
      }
    }
    closedir(folder);
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::set<std::pair<dev_t, ino_t>> found_;
  std::size_t looked_at_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

SharedMemory::SharedMemory(Of of) : of_(of), at_start_(of == Of::kJail ? used_in_shm() + segment_bytes() : 0) {}

std::uint64_t SharedMemory::of_jail() const {
  if (of_ == Of::kProcesses) return 0;
  const std::uint64_t now = used_in_shm() + segment_bytes();
  return now > at_start_ ? now - at_start_ : 0;
}

Usage usage_of_descendants(std::uint64_t most_processes, const SharedMemory& shared) {
  std::vector<pid_t> found = children_of_self();
  for (std::size_t i = 0; i < found.size() && found.size() <= most_processes; ++i) {
    for (const pid_t child : children_of(found[i])) found.push_back(child);
  }
  Usage usage{.processes = found.size()};
  if (usage.processes > most_processes) return usage;
  MemoryFiles files;
  std::uint64_t mapped = 0;
  for (const pid_t pid : found) {
    bool there = false;
    const std::string status = read_proc(("/proc/" + std::to_string(pid) + "/status").c_str(), &there);
    usage.memory_bytes += status_field(status, "\nRssAnon:");
    mapped += status_field(status, "\nRssShmem:");
    files.add_those_of(pid);
  }
  // What is a file and mapped as well is in both.
  usage.memory_bytes += std::max(mapped, files.bytes() + shared.of_jail());
  return usage;
}

DiskSpace disk_space_at(int folder) {
  struct statvfs status{};
  if (fstatvfs(folder, &status) != 0) return {.size = ~0ULL, .free = ~0ULL};
  return {.size = static_cast<std::uint64_t>(status.f_blocks) * status.f_frsize,
          .free = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize};
}

}  // namespace lathe::keeper
