#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/sandbox/command_jail.h"
#include "lathe/sandbox/host_facts.h"
#include "lathe/sandbox/spec.h"

namespace lathe::sandbox {

/// How to confine a session's commands on this host.
struct JailPlan {
  Level level = Level::kNone;
  /// The bubblewrap command line under which the keeper is started once per session and mode: append `keeper_path` and
  /// its arguments. The keeper is process 1 of the jail's process namespace, keeps CAP_SYS_ADMIN of its own user
  /// namespace, and inherits open descriptors. Empty at levels landlock and none: the keeper runs as it is.
  std::vector<std::string> outer_argv;
  /// Where the keeper's program is: inside the jail, or on the machine when there is no outer_argv.
  std::string keeper_path;
  /// Commands run as root of this machine.
  bool root = false;
  /// For each command.
  CommandJail command;
  /// Changes to the environment of each command.
  std::vector<EnvironmentChange> environment;

  friend bool operator==(const JailPlan&, const JailPlan&) = default;
};

/// The level of a session, and whether it can be kept there: what plan() decides first. Only mode, network, levels and
/// waiver of `spec` count. Errors as plan().
[[nodiscard]] base::Result<Level> level_for(const SandboxSpec& spec, const HostFacts& facts);

/// Pure. Errors: `unsupported` the host gives less than the person accepts, or the level cannot keep what the spec asks
/// for (secrets of the workspace or the proxy at level landlock); `invalid` a spec that would hand out the machine.
[[nodiscard]] base::Result<JailPlan> plan(const SandboxSpec& spec, const HostFacts& facts);

/// The same command jail with the masks of now: secrets and protected names come and go between commands. Errors as
/// plan().
[[nodiscard]] base::Result<CommandJail> with_masks(const JailPlan& plan, const SandboxSpec& spec,
                                                   std::vector<Mask> masks);

/// `variables` ("NAME=value") with the changes of the plan.
[[nodiscard]] std::vector<std::string> changed_environment(std::vector<std::string> variables,
                                                           const std::vector<EnvironmentChange>& changes);

/// The rights that a version of Landlock's interface knows, all of which are then denied unless a rule grants them.
[[nodiscard]] Ruleset ruleset_for(int abi);

}  // namespace lathe::sandbox
