#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::keeper {

/// A command as the keeper starts it. A name without a slash is looked up in the PATH of `env`.
struct Command {
  std::vector<std::string> argv;
  /// Absolute.
  std::string cwd;
  /// The whole environment, "NAME=value".
  std::vector<std::string> env;
  /// Absent: no limit.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  unsigned file_mode_mask = 022;
};

/// What the command gets as its descriptors 0, 1 and 2.
struct Stdio {
  base::UniqueFd in;
  base::UniqueFd out;
  base::UniqueFd err;
};

enum class Ended {
  kExited,
  /// By a cancellation.
  kKilled,
  kTimedOut,
  /// The command ended the process that watched it; what could be found of its tree was killed.
  kLost,
};

struct Exit {
  /// The exit code, or 128 + signal.
  int code = 0;
  int signal = 0;
  Ended ended = Ended::kExited;
  /// Processes that could not be ended: those of another user, or stuck in the kernel.
  int survivors = 0;
  friend bool operator==(const Exit&, const Exit&) = default;
};

/// The keeper as its one client sees it. The process is started with the first command and ends with this object's
/// stop(), or when our process dies, and with it every process it ever started.
///
/// Loop thread. stop() is awaited before the Client goes.
class Client final {
 public:
  /// `program` is the absolute path of lathe-keeper.
  Client(runtime::Loop& loop, std::string program);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Runs a command. When it is done, no process of the command's tree is alive. Cancelling ends the tree at once and
  /// gives Ended::kKilled. Errors mean that nothing ran, and name why: `not_found` the program or the folder,
  /// `permission_denied`, `limit_exceeded` (64 commands at once, or too long for the system), `unsupported` (not a
  /// format that the system executes), `unavailable` (the keeper itself cannot be started or died).
  runtime::Async<base::Result<Exit>> run(Command command, Stdio stdio, runtime::CancelToken cancel);

  /// Ends every command and the keeper.
  runtime::Async<void> stop();

  /// The keeper's process, once it was started and while it lives.
  [[nodiscard]] std::optional<pid_t> keeper_pid() const;

 private:
  struct Connection;
  struct Pending;

  base::Result<void> ensure_started();
  base::Result<void> send_run(std::uint64_t id, const Command& command, const Stdio& stdio);
  runtime::Async<void> receive(std::shared_ptr<Connection> connection);

  runtime::Loop& loop_;
  const std::string program_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t next_id_ = 1;
  bool stopped_ = false;
  runtime::Scope scope_;
};

/// Where the keeper lies beside the running program: ../libexec/lathe/lathe-keeper.
[[nodiscard]] base::Result<std::string> installed_program();

}  // namespace lathe::keeper
