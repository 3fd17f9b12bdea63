#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/storage/file_lock.h"

// One daemon per data root, found by a lock in it. The lock goes with its process, so one whose owner died is free to
// take. Who holds it is written in it, with the boot and the PID namespace of the holder: containers that share a home
// folder share the lock too, but neither pids nor, as a rule, run folders. Such a daemon is recognised and left alone.
//
//   no lock held            no daemon
//   held, from here         it runs: its pid and its socket mean something to us
//   held, from elsewhere    it runs in another container or namespace: never signalled, never connected to

namespace lathe::daemon {

/// Where processes know each other by pid.
struct Realm {
  std::string boot_id;
  /// As /proc/self/ns/pid names it.
  std::string pid_namespace;
  friend bool operator==(const Realm&, const Realm&) = default;
};
[[nodiscard]] base::Result<Realm> this_realm();

/// What a daemon says of itself in its lock.
struct DaemonRecord {
  pid_t pid = 0;
  Realm realm;
  std::string socket;
  std::string version;
  /// What it is set to, as a short text to compare with.
  std::string settings = {};
  base::UnixMillis started_at = 0;
  friend bool operator==(const DaemonRecord&, const DaemonRecord&) = default;
};

/// Held as long as the daemon lives.
class DaemonLock final {
 public:
  /// At once or not at all. `exists` when a daemon of this data root runs here, `locked` when one runs elsewhere.
  [[nodiscard]] static base::Result<DaemonLock> acquire(const std::string& state_dir, const DaemonRecord& record);
  /// From now on it says this of itself.
  [[nodiscard]] base::Result<void> say(const DaemonRecord& record) const;

 private:
  explicit DaemonLock(storage::FileLock lock) : lock_(std::move(lock)) {}
  storage::FileLock lock_;
};

struct RunningDaemon {
  DaemonRecord record;
  /// It runs in our realm.
  bool here = false;
};
/// The daemon of the data root; nothing when none runs. `unavailable` while one is only just starting.
[[nodiscard]] base::Result<std::optional<RunningDaemon>> find_daemon(const std::string& state_dir);

}  // namespace lathe::daemon
