#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/protocol/items.h"
#include "lathe/runtime/async.h"

namespace lathe::client {

/// A command to run as a session's commands are, without a session.
struct SandboxRun {
  std::vector<std::string> argv;
  /// Absolute; the folder that it may write to.
  std::string cwd;
  protocol::SandboxMode mode = protocol::SandboxMode::kWorkspaceWrite;
  /// Exactly this level of confinement; empty: the strongest that the machine gives.
  std::string level = {};
  /// With one or more, the network is open for these hosts.
  std::vector<std::string> allow_hosts = {};
};

/// Something that a confined command must not get done, tried from inside.
struct SandboxCheck {
  std::string id;
  /// Which guarantee it belongs to, and what was tried.
  std::string guarantee;
  std::string text;
  /// The level has to refuse it.
  bool required = false;
  bool refused = false;
  /// How it was refused, or what came of it.
  std::string detail;
};

struct SandboxReport {
  std::string level;
  /// The strongest level of this machine.
  std::string best_level;
  std::int64_t landlock_abi = 0;
  std::vector<SandboxCheck> checks;
};

/// Something that commands left in a workspace and that is not to be trusted outside of a sandbox.
struct TaintNote {
  /// Unix milliseconds.
  std::int64_t at = 0;
  std::string text;
};

/// Confinement outside of any session; touches no data root but to keep what a command left behind. apps/ supplies it.
class Sandbox {
 public:
  virtual ~Sandbox() = default;
  /// Runs it with our own standard descriptors and gives its exit code, or 128 + signal.
  virtual runtime::Async<base::Result<int>> run(SandboxRun what) = 0;
  /// Tries every probe at that level; empty: the strongest.
  virtual runtime::Async<base::Result<SandboxReport>> test(std::string level) = 0;
  /// What was found in the workspace and not cleared since; `cwd` is absolute, without links.
  virtual runtime::Async<base::Result<std::vector<TaintNote>>> tainted(std::string cwd) = 0;
  /// A person has looked at it.
  virtual runtime::Async<base::Result<void>> clear_taint(std::string cwd) = 0;
};

}  // namespace lathe::client
