#pragma once

#include <sys/types.h>

#include <cstdint>

#include "lathe/keeper/program/resource_limits.h"
#include "lathe/keeper/program/spool.h"
#include "lathe/keeper/program/usage.h"
#include "lathe/keeper/protocol.h"

namespace lathe::keeper {

/// What a supervisor tells the keeper over their socket, one packet each.
struct Report {
  enum class Kind : int { kStarted, kOutput, kExit, kFailed };
  /// Which step failed before anything ran.
  enum class Stage : int { kSpec, kFork, kCwd, kStdio, kLimits, kJail, kExec };
  /// Which limit ended it.
  enum class Limit : int { kNone, kProcesses, kMemory, kDisk, kOutput };
  Kind kind = Kind::kStarted;
  Stage stage = Stage::kSpec;
  /// kStarted.
  pid_t pid = -1;
  /// kFailed.
  int error = 0;
  /// kFailed; kExit by a full disk: where that is.
  char detail[256] = {};
  /// kExit.
  int code = 0;
  int signal = 0;
  int survivors = 0;
  Limit limit = Limit::kNone;
  /// kOutput, kExit: bytes of each stream so far.
  std::uint64_t totals[protocol::kStreams] = {};
};

/// What the keeper tells a supervisor.
struct Order {
  enum class Kind : int { kEnd, kSeen };
  Kind kind = Kind::kEnd;
  /// kSeen: what the client has taken.
  std::uint64_t totals[protocol::kStreams] = {};
};

/// One run, as the keeper prepared it.
struct RunSetup {
  /// What the command gets as descriptors 0, 1 and 2; of a terminal all the same.
  int in = -1;
  int out = -1;
  int err = -1;
  bool terminal = false;
  /// Where its output comes out, without blocking: of a terminal the near end. -1: there is no such stream.
  int sources[protocol::kStreams] = {-1, -1};
  int spool = -1;
  Spool::Policy policy = Spool::Policy::kHold;
  /// The memory file with folder, arguments, environment and jail.
  int spec = -1;
  unsigned file_mode_mask = 022;
  ResourceLimits resource_limits;
  Limits limits;
  /// Where the command's process enters the kernel's groups.
  int groups[protocol::kMaxGroups] = {-1, -1};
};

/// The life of a supervisor, in a process of its own: starts the command as its child, moves its output into the spool,
/// waits until the command ends, or exceeds a limit, or `control` says end or closes (the keeper died), kills the whole
/// tree, reports, and exits.
[[noreturn]] void supervise(int control, RunSetup setup);

}  // namespace lathe::keeper
