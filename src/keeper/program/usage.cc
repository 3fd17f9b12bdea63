#include "lathe/keeper/program/usage.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/keeper/program/process_tree.h"

namespace lathe::keeper {
namespace {

/// "RssAnon:      1234 kB" in /proc/PID/status, in bytes.
std::uint64_t status_field(const std::string& status, std::string_view name) {
  const std::size_t at = status.find(name);
  return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + name.size(), nullptr, 10) * 1024;
}

std::uint64_t memory_of(pid_t pid) {
  bool there = false;
  const std::string status = read_proc(("/proc/" + std::to_string(pid) + "/status").c_str(), &there);
  return status_field(status, "\nRssAnon:") + status_field(status, "\nRssShmem:");
}

}  // namespace

Usage usage_of_descendants(std::uint64_t most_processes) {
  std::vector<pid_t> found = children_of_self();
  for (std::size_t i = 0; i < found.size() && found.size() <= most_processes; ++i) {
    for (const pid_t child : children_of(found[i])) found.push_back(child);
  }
  Usage usage{.processes = found.size()};
  if (usage.processes > most_processes) return usage;
  for (const pid_t pid : found) usage.memory_bytes += memory_of(pid);
  return usage;
}

std::uint64_t free_bytes_at(int folder) {
  struct statvfs status{};
  if (fstatvfs(folder, &status) != 0) return ~0ULL;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace lathe::keeper
