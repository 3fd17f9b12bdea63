#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/output_sink.h"
#include "lathe/protocol/items.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

namespace lathe::ports {

struct CommandSpec {
  std::vector<std::string> argv;
  /// Absolute.
  std::string cwd;
  /// The whole environment, "NAME=value".
  std::vector<std::string> env;
  /// Absent: /dev/null.
  std::optional<std::string> input = std::nullopt;
  std::chrono::milliseconds timeout{120'000};
  /// The call that runs it, under which it is found again when this process dies meanwhile.
  std::string call_id = {};
  /// A person allowed this one command to run outside the session's jail.
  bool outside_jail = false;
};

struct CommandExit {
  /// kCompleted (any exit code), kTimedOut or kCancelled.
  protocol::CallStatus status = protocol::CallStatus::kCompleted;
  /// Exit code, or 128 + signal.
  int exit_code = 0;
  std::chrono::milliseconds duration{0};
  /// The jail stopped something that the command tried: the line that told of it, for the model and for the person who
  /// may allow it. Empty: as far as is known it did not.
  std::string refused = {};
  /// The same for what the jail does not show: the line that misses a path which is there outside. For the person only,
  /// as the command may not know that.
  std::string hidden = {};
  /// It took more than a command may, and was ended: of what, and how much. Empty: it did not.
  std::string exceeded = {};
};

/// Runs commands. When run() returns, no process that the command started is alive, whatever it did to get away, and
/// all that they wrote has reached `out`. Cancellation ends the tree within 100 ms. Errors: the command could not be
/// started at all (`not_found` names the program or the folder).
class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  virtual runtime::Async<base::Result<CommandExit>> run(CommandSpec spec, OutputSink& out,
                                                        runtime::CancelToken cancel) = 0;
  /// How commands are confined: "none", or the level of the jail.
  [[nodiscard]] virtual std::string_view confinement() const = 0;
};

}  // namespace lathe::ports
