#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/sandbox/command_jail.h"
#include "lathe/sandbox/level.h"

namespace lathe::sandbox {

/// What commands may write.
enum class Mode : std::uint8_t {
  /// Nothing but the private home and temporary folder.
  kReadOnly,
  /// Also the writable paths.
  kWorkspaceWrite,
  /// Everything; unconfined. A person's choice only.
  kFullAccess,
};

[[nodiscard]] constexpr std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::kReadOnly:
      return "read-only";
    case Mode::kWorkspaceWrite:
      return "workspace-write";
    case Mode::kFullAccess:
      return "full-access";
  }
  return "read-only";
}

enum class Network : std::uint8_t {
  kNone,
  /// Only our egress proxy, which the keeper forwards to from inside the jail.
  kProxy,
  /// The machine's own network. A person's choice only.
  kOpen,
};

/// What a person accepts although the level cannot guarantee it. Comes from the person's own configuration only.
struct Waiver {
  /// Neither user namespaces nor Landlock: commands may run unconfined.
  bool unconfined = false;
  /// Level landlock: commands may read the workspace's secret files.
  bool readable_secrets = false;
  friend bool operator==(const Waiver&, const Waiver&) = default;
};

/// A variable that commands get, or (no value) do not get, whatever the environment says.
struct EnvironmentChange {
  std::string name;
  std::optional<std::string> value;
  friend bool operator==(const EnvironmentChange&, const EnvironmentChange&) = default;
};

/// What a session's commands may touch. A value: all paths are absolute, without symbolic links, and were looked at by
/// whoever made it (session_spec.h); plan() only computes.
struct SandboxSpec {
  Mode mode = Mode::kWorkspaceWrite;
  /// Readable and executable, besides the system folders.
  std::vector<std::string> readable;
  /// The workspace and named roots. Readable; writable unless the mode says no.
  std::vector<std::string> writable;
  /// Existing secrets, protected names, and what those lie in.
  std::vector<Mask> masked;
  Network network = Network::kNone;
  Limits limits;
  std::vector<EnvironmentChange> environment;

  /// The person's home, which commands see as a folder of their own.
  std::string home;
  /// What commands get as their home; a folder of ours for this project, where their caches stay.
  std::string private_home;
  /// What commands get as /tmp; a folder of ours for this session.
  std::string private_tmp;
  /// An unreadable empty file and folder, for masks.
  std::string hidden_file;
  std::string hidden_folder;
  /// lathe-keeper, as this machine has it.
  std::string keeper_program;

  /// Exactly this level (never stronger, never weaker); absent: the strongest that the host gives.
  std::optional<Level> level;
  /// The weakest level that the person accepts.
  Level least_level = Level::kLandlock;
  Waiver waiver;

  friend bool operator==(const SandboxSpec&, const SandboxSpec&) = default;
};

}  // namespace lathe::sandbox
