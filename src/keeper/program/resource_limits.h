#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <string>

#include "lathe/keeper/protocol.h"

namespace lathe::keeper {

/// Limits of the system for one command.
struct ResourceLimits {
  struct One {
    int resource = 0;
    rlim_t soft = RLIM_INFINITY;
    rlim_t hard = RLIM_INFINITY;
  };
  One all[protocol::kMaxResourceLimits] = {};
  std::size_t count = 0;
};

/// RESOURCE:SOFT:HARD,…; false when it is something else.
[[nodiscard]] bool read_resource_limits(const std::string& words, ResourceLimits& limits);

/// Bounds this process, and what it becomes and starts. What this process has is the most, whatever it might raise.
/// 0, or an errno.
[[nodiscard]] int apply_resource_limits(const ResourceLimits& limits);

}  // namespace lathe::keeper
