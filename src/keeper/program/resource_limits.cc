#include "lathe/keeper/program/resource_limits.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

namespace lathe::keeper {
namespace {

/// The number at `at`, which is moved behind it and the character `ending`; the last number has none.
bool take_number(const char*& at, char ending, unsigned long long& number) {
  if (*at < '0' || *at > '9') return false;
  char* end = nullptr;
  errno = 0;
  number = std::strtoull(at, &end, 10);
  if (errno != 0 || (*end != ending && *end != '\0')) return false;
  at = *end == '\0' ? end : end + 1;
  return true;
}

}  // namespace

bool read_resource_limits(const std::string& words, ResourceLimits& limits) {
  const char* at = words.c_str();
  limits.count = 0;
  while (*at != '\0') {
    if (limits.count == protocol::kMaxResourceLimits) return false;
    unsigned long long resource = 0;
    unsigned long long soft = 0;
    unsigned long long hard = 0;
    if (!take_number(at, ':', resource) || !take_number(at, ':', soft) || !take_number(at, ',', hard)) return false;
    if (resource > INT_MAX) return false;
    limits.all[limits.count++] = {.resource = static_cast<int>(resource), .soft = soft, .hard = hard};
  }
  return true;
}

int apply_resource_limits(const ResourceLimits& limits) {
  for (std::size_t i = 0; i < limits.count; ++i) {
    const ResourceLimits::One& wanted = limits.all[i];
    const auto resource = static_cast<__rlimit_resource_t>(wanted.resource);
    rlimit most{};
    if (getrlimit(resource, &most) != 0) return errno;
    rlimit limit{};
    limit.rlim_max = std::min(wanted.hard, most.rlim_max);
    limit.rlim_cur = std::min(wanted.soft, limit.rlim_max);
    if (setrlimit(resource, &limit) != 0) return errno;
  }
  return 0;
}

}  // namespace lathe::keeper
