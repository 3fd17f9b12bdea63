#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/sandbox/level.h"

// What a process does to itself right before it becomes a confined command. plan() makes it, the keeper's client sends
// it as bytes, and apply() in the keeper carries it out. No exceptions, no base: the static keeper includes this.

namespace lathe::sandbox {

/// Bounds of one command. Absent: none.
struct Limits {
  /// Of the whole tree. Watched by the keeper, because RLIMIT_NPROC does not bind root and counts per user.
  std::optional<std::uint64_t> processes;
  /// Resident bytes of the whole tree. Watched by the keeper: limits of address space break node, Go and sanitizers.
  std::optional<std::uint64_t> memory_bytes;
  /// Of one file (RLIMIT_FSIZE).
  std::optional<std::uint64_t> file_bytes;
  /// Open files of one process (RLIMIT_NOFILE).
  std::optional<std::uint64_t> open_files;
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// A path that a command sees otherwise than its jail does. Set up in a mount namespace of the command's own.
struct Mask {
  enum class Kind : std::uint8_t {
    /// Neither its content nor, of a folder, its names can be read.
    kHidden,
    kReadOnly,
    /// Still writable, but it can be neither renamed nor removed: what a protected name lies in.
    kPinned,
  };
  std::string path;
  Kind kind = Kind::kHidden;
  /// Of the file that was found there; another one there means that the path was swapped, and apply() fails. 0: any.
  std::uint64_t inode = 0;
  friend bool operator==(const Mask&, const Mask&) = default;
};

/// Rights below a path, as bits of LANDLOCK_ACCESS_FS_*. A path that does not exist grants nothing.
struct PathRule {
  std::string path;
  std::uint64_t access = 0;
  /// Paths below it that get no rights from this rule. They make it a rule per child, so a child that appears later
  /// gets none either.
  std::vector<std::string> except;
  friend bool operator==(const PathRule&, const PathRule&) = default;
};

/// The second argument of landlock_create_ruleset; all zero: no Landlock.
struct Ruleset {
  std::uint64_t handled_fs = 0;
  std::uint64_t handled_net = 0;
  std::uint64_t scoped = 0;
  friend bool operator==(const Ruleset&, const Ruleset&) = default;
};

/// A value. At level none it only carries limits.
struct CommandJail {
  Level level = Level::kNone;
  Limits limits;
  std::vector<Mask> masks;
  /// An unreadable empty file and folder that stand over what is hidden.
  std::string hidden_file;
  std::string hidden_folder;
  Ruleset ruleset;
  std::vector<PathRule> rules;
  /// seccomp program: an array of sock_filter as bytes of this machine.
  std::string filter;

  /// A list of strings each ended by a NUL byte, as the keeper's protocol has them.
  [[nodiscard]] std::string encode() const;
  /// Nothing unless `bytes` is what encode() gives.
  [[nodiscard]] static std::optional<CommandJail> decode(std::string_view bytes);

  friend bool operator==(const CommandJail&, const CommandJail&) = default;
};

}  // namespace lathe::sandbox
