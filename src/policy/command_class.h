#pragma once

#include <string_view>

#include "lathe/syntax/shell.h"

// What is known of a simple command without any rule. Advice: known-safe matters only where everything else asks, and
// the kernel contains what is mistaken for harmless.

namespace lathe::policy {

enum class CommandClass {
  /// Reads and prints, whatever its arguments are, as far as they were looked at.
  kSafe,
  kOrdinary,
  /// Destroys what it is pointed at without asking (rm -f, mkfs, dd to a device, …).
  kDangerous,
};

[[nodiscard]] CommandClass classify(const syntax::SimpleCommand& command);

/// A variable that changes what programs do (PATH, LD_PRELOAD, GIT_SSH, …), or one of which that is not known.
[[nodiscard]] bool changes_programs(const syntax::Assignment& set);
/// It writes to a file other than /dev/null through a redirection.
[[nodiscard]] bool writes_by_redirection(const syntax::SimpleCommand& command);
/// A redirection may read from a connection that the shell makes (/dev/tcp/HOST/PORT).
[[nodiscard]] bool may_connect(const syntax::SimpleCommand& command);
/// The program is named alone, or by its path in a folder of the system, and the script defines no function of that
/// name.
[[nodiscard]] bool is_system_program(const syntax::SimpleCommand& command);

}  // namespace lathe::policy
