#pragma once

#include <sys/types.h>

namespace lathe::keeper {

/// What a supervisor tells the keeper over their socket, one packet each.
struct Report {
  enum class Kind : int { kStarted, kExit, kFailed };
  /// Which step failed before anything ran.
  enum class Stage : int { kSpec, kFork, kCwd, kStdio, kExec };
  Kind kind = Kind::kStarted;
  Stage stage = Stage::kSpec;
  /// kStarted.
  pid_t pid = -1;
  /// kFailed.
  int error = 0;
  /// kExit.
  int code = 0;
  int signal = 0;
  int survivors = 0;
};

/// Descriptors of one run, as the client passed them.
struct RunFds {
  int in = -1;
  int out = -1;
  int err = -1;
  /// The memory file with folder, arguments and environment.
  int spec = -1;
};

/// The life of a supervisor, in a process of its own: starts the command as its child, waits until the command ends or
/// `control` says end (any packet) or closes (the keeper died), kills the whole tree, reports, and exits.
[[noreturn]] void supervise(int control, RunFds fds, unsigned file_mode_mask);

}  // namespace lathe::keeper
