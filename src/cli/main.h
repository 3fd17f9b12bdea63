#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/client/daemon_control.h"
#include "lathe/client/sandbox.h"
#include "lathe/client/session_health.h"
#include "lathe/client/transport.h"
#include "lathe/config/config.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::cli {

/// Exit codes (ARCHITECTURE 9).
enum ExitCode : int {
  kDone = 0,
  /// Usage, or something named does not exist.
  kUsage = 1,
  /// The Task failed, or a budget other than time is spent.
  kTaskFailed = 2,
  kTimedOut = 3,
  /// Ended by a denial, parked for a person, or cancelled from elsewhere.
  kStopped = 4,
  /// Lathe, a provider or an agent failed.
  kBroken = 5,
  kInterrupted = 130,
};

/// What the command line is given by the program around it. Outlives run().
struct Frontend {
  runtime::Loop& loop;
  /// Makes the connection to an engine; called at most once per command, and never for `--version`, help,
  /// `completions`, `man`, `schema` and `config`.
  std::function<runtime::Async<base::Result<std::unique_ptr<client::Transport>>>(client::OpenOptions)> open;
  /// Whether the data root can be used: there or creatable, writable, not on a network file system. For `doctor`.
  std::function<base::Result<void>()> check_data_root;
  /// The collector of spans that is configured and takes them; nothing where none is configured.
  std::function<runtime::Async<base::Result<std::optional<std::string>>>()> check_collector;
  /// Whether the daemon that takes clients at this TCP address serves its metrics to who may read them, and to nobody
  /// else. For `doctor`.
  std::function<runtime::Async<base::Result<void>>(std::string address)> check_metrics = {};
  /// Whether the streams of sessions are whole. For `doctor`.
  std::function<base::Result<client::SessionHealth>(client::ReadStreams)> check_sessions;
  /// Confinement without a session, for `sandbox`.
  std::function<base::Result<std::unique_ptr<client::Sandbox>>()> open_sandbox;
  /// Speaks frames on in_fd and out_fd, for `proto`; done when whoever is there has gone.
  std::function<runtime::Async<base::Result<ExitCode>>()> serve_stdio;
  /// For `daemon`; not owned.
  client::DaemonControl* daemon = nullptr;
  config::Environment environment;
  std::string version;
  int in_fd = 0;
  int out_fd = 1;
  int err_fd = 2;
  /// Where a person is asked when stdin and stdout belong to something else.
  std::string tty_path = "/dev/tty";
  /// Ends the process at once with that code (second Ctrl-C).
  std::function<void(int)> leave_now;
};

/// Runs one command line (without the program's name) to its end and gives the exit code. Blocks the calling thread,
/// which becomes the loop's.
[[nodiscard]] int run(const std::vector<std::string>& args, Frontend& frontend);

}  // namespace lathe::cli
