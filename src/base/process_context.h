#pragma once

#include <cstdint>
#include <optional>
#include <vector>

// What a process has from whoever started it, beside folder, environment and descriptors: what it makes files with,
// what bounds it, and whose files it may use. Values only; runtime/process_context.h reads and writes them.

namespace lathe::base {

/// One limit of the system (setrlimit).
struct ResourceLimit {
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
  /// RLIMIT_….
  int resource = 0;
  std::uint64_t soft = kUnlimited;
  std::uint64_t hard = kUnlimited;
  friend bool operator==(const ResourceLimit&, const ResourceLimit&) = default;
};

struct UserGroups {
  /// That of new files.
  std::uint32_t primary = 0;
  /// Sorted.
  std::vector<std::uint32_t> others;
  friend bool operator==(const UserGroups&, const UserGroups&) = default;
};

/// What is absent is as this process has it.
struct ProcessContext {
  /// What new files do not get of the usual permissions (umask).
  std::optional<unsigned> file_mode_mask = std::nullopt;
  /// Sorted by resource.
  std::vector<ResourceLimit> limits = {};
  std::optional<UserGroups> groups = std::nullopt;
  friend bool operator==(const ProcessContext&, const ProcessContext&) = default;
};

}  // namespace lathe::base
