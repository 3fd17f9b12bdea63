#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lathe::sandbox {

/// How strongly commands are confined, the strongest first (ARCHITECTURE 7.2; what each guarantees: guarantees.h).
enum class Level : std::uint8_t {
  /// Namespaces, Landlock and seccomp.
  kFull,
  /// Namespaces and seccomp; the kernel has no Landlock.
  kNamespaces,
  /// Landlock and seccomp; user namespaces are not to be had.
  kLandlock,
  /// Unconfined: full-access, one command that a person let out of the jail, or a person's waiver.
  kNone,
};

inline constexpr std::array<Level, 4> kLevels = {Level::kFull, Level::kNamespaces, Level::kLandlock, Level::kNone};

[[nodiscard]] constexpr std::string_view name_of(Level level) {
  switch (level) {
    case Level::kFull:
      return "full";
    case Level::kNamespaces:
      return "namespaces";
    case Level::kLandlock:
      return "landlock";
    case Level::kNone:
      return "none";
  }
  return "none";
}

[[nodiscard]] constexpr std::optional<Level> level_named(std::string_view name) {
  for (const Level level : kLevels) {
    if (name_of(level) == name) return level;
  }
  return std::nullopt;
}

/// Whether `level` confines at least as much as `least`.
[[nodiscard]] constexpr bool at_least(Level level, Level least) { return level <= least; }

}  // namespace lathe::sandbox
