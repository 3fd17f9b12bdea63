#pragma once

#include <cstdint>
#include <string_view>

#include "lathe/sandbox/command_jail.h"

namespace lathe::sandbox {

/// The step of apply() that failed.
enum class Stage : std::uint8_t {
  kDone,
  /// A mount namespace of its own.
  kMounts,
  /// A masked path; EAGAIN: it is not the file that was found when the mask was planned, so plan again.
  kMask,
  kLimits,
  kPrivileges,
  kLandlock,
  kSeccomp,
};

[[nodiscard]] std::string_view name_of(Stage stage);

struct Applied {
  Stage stage = Stage::kDone;
  /// errno of the step that failed.
  int error = 0;
};

/// Confines this process for good. Called in a forked, single-threaded child right before exec: after its descriptors
/// 0 to 2 are in place and before it enters its working folder. Masks need CAP_SYS_ADMIN in the user namespace of this
/// process, which the keeper has inside the jail of JailPlan::outer_argv.
///
/// Nothing is undone when a step fails; the child then must not exec.
[[nodiscard]] Applied apply(const CommandJail& jail);

}  // namespace lathe::sandbox
