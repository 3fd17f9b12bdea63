#include "lathe/runtime/process_context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::runtime {

using base::Error;
using base::ProcessContext;
using base::ResourceLimit;
using base::Result;
using base::UserGroups;

namespace {

constexpr std::string_view kUmask = "umask";
constexpr std::string_view kGroups = "groups";
constexpr unsigned kUsualMask = 022;
constexpr unsigned kMaskBits = 0777;
constexpr std::string_view kUnlimited = "-";
/// CAP_SETGID, as a bit of /proc/self/status.
constexpr std::uint64_t kMaySetGroups = 1U << 6;
/// Of one process, as the kernel bounds them.
constexpr std::size_t kMostGroups = 65'536;

/// Those that a shell's ulimit sets.
constexpr std::array<std::pair<std::string_view, int>, 11> kResources = {{{"as", RLIMIT_AS},
                                                                          {"core", RLIMIT_CORE},
                                                                          {"cpu", RLIMIT_CPU},
                                                                          {"data", RLIMIT_DATA},
                                                                          {"fsize", RLIMIT_FSIZE},
                                                                          {"memlock", RLIMIT_MEMLOCK},
                                                                          {"nofile", RLIMIT_NOFILE},
                                                                          {"nproc", RLIMIT_NPROC},
                                                                          {"rss", RLIMIT_RSS},
                                                                          {"sigpending", RLIMIT_SIGPENDING},
                                                                          {"stack", RLIMIT_STACK}}};

/// A number of /proc/self/status.
std::optional<std::uint64_t> own_status(std::string_view name, int base) {
  const auto status = read_file("/proc/self/status");
  if (!status.ok()) return std::nullopt;
  const std::string line = fmt::format("\n{}:\t", name);
  const std::size_t at = status->find(line);
  if (at == std::string::npos) return std::nullopt;
  std::uint64_t value = 0;
  const char* const begin = status->data() + at + line.size();
  const auto read = std::from_chars(begin, status->data() + status->size(), value, base);
  return read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

UserGroups sorted(UserGroups groups) {
  std::ranges::sort(groups.others);
  return groups;
}

std::string limit_text(std::uint64_t value) {
  return value == ResourceLimit::kUnlimited ? std::string(kUnlimited) : std::to_string(value);
}

bool read_number(std::string_view text, int base, std::uint64_t* value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), *value, base);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

bool read_limit(std::string_view text, std::uint64_t* value) {
  *value = ResourceLimit::kUnlimited;
  return text == kUnlimited || read_number(text, 10, value);
}

/// "SOFT:HARD".
std::optional<ResourceLimit> read_limits(int resource, std::string_view text) {
  ResourceLimit limit{.resource = resource};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const bool read = read_limit(text.substr(0, colon), &limit.soft) && read_limit(text.substr(colon + 1), &limit.hard);
  return read && limit.soft <= limit.hard ? std::optional(limit) : std::nullopt;
}

/// "PRIMARY:OTHER,OTHER".
std::optional<UserGroups> read_groups(std::string_view text) {
  UserGroups groups;
  const auto read = [](std::string_view word, std::uint32_t* group) {
    std::uint64_t number = 0;
    if (!read_number(word, 10, &number) || number > UINT32_MAX) return false;
    *group = static_cast<std::uint32_t>(number);
    return true;
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !read(text.substr(0, colon), &groups.primary)) return std::nullopt;
  const std::string_view others = text.substr(colon + 1);
  if (others.empty()) return groups;
  for (const std::string_view word : base::split(others, ',')) {
    if (!read(word, &groups.others.emplace_back())) return std::nullopt;
  }
  return sorted(std::move(groups));
}

}  // namespace

unsigned own_file_mode_mask() { return static_cast<unsigned>(own_status("Umask", 8).value_or(kUsualMask)); }

UserGroups own_groups() {
  UserGroups groups{.primary = ::getegid(), .others = {}};
  const int count = ::getgroups(0, nullptr);
  groups.others.resize(static_cast<std::size_t>(std::max(count, 0)));
  const int got = ::getgroups(static_cast<int>(groups.others.size()), groups.others.data());
  groups.others.resize(static_cast<std::size_t>(std::max(got, 0)));
  return sorted(std::move(groups));
}

bool may_set_groups() {
  // In a user namespace it may be forbidden once and for all.
  const auto allowed = read_file("/proc/self/setgroups");
  if (allowed.ok() && allowed->starts_with("deny")) return false;
  return (own_status("CapEff", 16).value_or(0) & kMaySetGroups) != 0;
}

std::vector<std::string> told(const ProcessContext& context) {
  std::vector<std::string> words;
  if (context.file_mode_mask) words.push_back(fmt::format("{}={:03o}", kUmask, *context.file_mode_mask));
  for (const ResourceLimit& limit : context.limits) {
    const auto* const known = std::ranges::find(kResources, limit.resource, &std::pair<std::string_view, int>::second);
    if (known == kResources.end()) continue;
    words.push_back(fmt::format("{}={}:{}", known->first, limit_text(limit.soft), limit_text(limit.hard)));
  }
  if (context.groups) {
    words.push_back(fmt::format("{}={}:{}", kGroups, context.groups->primary, fmt::join(context.groups->others, ",")));
  }
  return words;
}

std::vector<std::string> told_process_context() {
  ProcessContext own{.file_mode_mask = own_file_mode_mask()};
  for (const auto& [name, resource] : kResources) {
    rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) continue;
    own.limits.push_back({.resource = resource, .soft = limit.rlim_cur, .hard = limit.rlim_max});
  }
  return told(own);
}

Result<ProcessContext> read_process_context(const std::vector<std::string>& told) {
  ProcessContext context;
  for (const std::string& one : told) {
    const std::size_t equals = std::min(one.find('='), one.size());
    const std::string_view name = std::string_view(one).substr(0, equals);
    const std::string_view value = std::string_view(one).substr(std::min(equals + 1, one.size()));
    bool read = true;
    if (name == kUmask) {
      std::uint64_t mask = 0;
      read = read_number(value, 8, &mask) && mask <= kMaskBits;
      context.file_mode_mask = static_cast<unsigned>(mask);
    } else if (name == kGroups) {
      context.groups = read_groups(value);
      read = context.groups.has_value();
    } else if (const auto* known = std::ranges::find(kResources, name, &std::pair<std::string_view, int>::first);
               known != kResources.end()) {
      const auto limit = read_limits(known->second, value);
      read = limit.has_value();
      std::erase_if(context.limits, [&](const ResourceLimit& other) { return other.resource == known->second; });
      if (limit) context.limits.push_back(*limit);
    }
    if (!read) {
      return Error{.code = base::codes::kInvalid,
                   .message = fmt::format("\"{}\" is no umask and no limit", one),
                   .hint = "umask=022, nofile=1024:4096, core=0:-"};
    }
  }
  std::ranges::sort(context.limits, {}, &ResourceLimit::resource);
  return context;
}

Result<UserGroups> groups_of_peer(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return base::errno_error(errno, "ask who is at the other end");
  }
  UserGroups groups{.primary = credentials.gid, .others = {}};
  size = 0;
  // The first answer is how much there is.
  int asked = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size);
  if (asked != 0 && errno == ERANGE && size <= kMostGroups * sizeof(gid_t)) {
    groups.others.resize(size / sizeof(gid_t));
    asked = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.others.data(), &size);
  }
  if (asked != 0) return base::errno_error(errno, "ask for the groups of who is at the other end");
  return sorted(std::move(groups));
}

}  // namespace lathe::runtime
