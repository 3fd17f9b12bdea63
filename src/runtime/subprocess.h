#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

// Our own helpers (the keeper, an editor, a command that prints a key). What a model asks for never runs through here:
// that goes to a ports::CommandRunner.

namespace lathe::runtime {

struct ExitStatus {
  /// The exit code, or 128 + the signal that ended it.
  int code = 0;
  int signal = 0;
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

struct SpawnOptions {
  std::vector<std::string> argv;
  /// Absent: ours.
  std::optional<std::vector<std::string>> env = std::nullopt;
  /// Empty: ours.
  std::string cwd = {};
  /// (descriptor of ours, number in the child); all other descriptors are closed in the child, 0 to 2 that are not
  /// named here are /dev/null.
  std::vector<std::pair<int, int>> fds = {};
  bool new_session = false;
  /// What a terminal sends to all that runs on it (SIGINT, SIGQUIT) is ignored where it is ignored here; every other
  /// signal does in the child what it does by default.
  bool inherits_interrupts = false;
};

/// A child that was started. It must be waited for; nothing ends it when this goes.
class Child final {
 public:
  Child(pid_t pid, base::UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Sends a signal through the pidfd, so never to a stranger that got the same number.
  void signal(int number) const;
  /// Reaps it. On cancellation the child goes on and may be waited for again.
  Async<base::Result<ExitStatus>> wait(Loop& loop, CancelToken cancel, Deadline deadline);

 private:
  pid_t pid_;
  base::UniqueFd pidfd_;
};

/// Starts a program (looked up in PATH when its name has no slash). `not_found` names the program.
[[nodiscard]] base::Result<Child> spawn(const SpawnOptions& options);

struct CommandOutput {
  ExitStatus status;
  std::string out;
  std::string err;
};
struct CommandOptions {
  SpawnOptions spawn;
  std::string input = {};
  Deadline deadline = Deadline::never();
  /// Each of stdout and stderr; more is dropped.
  std::size_t max_output_bytes = 1U << 20;
};
/// Runs a program to its end and collects what it prints; killed on cancellation or at the deadline.
Async<base::Result<CommandOutput>> run_command(Loop& loop, CommandOptions options, CancelToken cancel);

/// Both ends with O_CLOEXEC.
struct Pipe {
  base::UniqueFd read_end;
  base::UniqueFd write_end;
};
[[nodiscard]] base::Result<Pipe> make_pipe();
[[nodiscard]] base::Result<void> set_nonblocking(int fd);

}  // namespace lathe::runtime
