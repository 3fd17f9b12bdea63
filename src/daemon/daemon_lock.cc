#include "lathe/daemon/daemon_lock.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::daemon {

using base::Error;
using base::Json;
using base::Result;

namespace {

std::string lock_file(const std::string& state_dir) { return state_dir + "/daemon.lock"; }

std::string note_of(const DaemonRecord& record) {
  return base::dump_json(Json{{"pid", record.pid},
                              {"boot_id", record.realm.boot_id},
                              {"pid_namespace", record.realm.pid_namespace},
                              {"socket", record.socket},
                              {"version", record.version},
                              {"settings", record.settings},
                              {"started_at", record.started_at}});
}

std::optional<DaemonRecord> record_in(const std::string& note) {
  const auto json = base::parse_json(note);
  if (!json.ok() || base::json_int(*json, "pid") <= 0) return std::nullopt;
  return DaemonRecord{.pid = static_cast<pid_t>(base::json_int(*json, "pid")),
                      .realm = {.boot_id = base::json_string(*json, "boot_id"),
                                .pid_namespace = base::json_string(*json, "pid_namespace")},
                      .socket = base::json_string(*json, "socket"),
                      .version = base::json_string(*json, "version"),
                      .settings = base::json_string(*json, "settings"),
                      .started_at = base::json_int(*json, "started_at")};
}

}  // namespace

Result<Realm> this_realm() {
  TRY(const std::string boot_id, runtime::read_file("/proc/sys/kernel/random/boot_id"));
  std::array<char, 64> name{};
  const ssize_t size = ::readlink("/proc/self/ns/pid", name.data(), name.size());
  if (size < 0) return base::errno_error(errno, "/proc/self/ns/pid");
  return Realm{.boot_id = std::string(base::trim(boot_id)),
               .pid_namespace = std::string(name.data(), static_cast<std::size_t>(size))};
}

Result<DaemonLock> DaemonLock::acquire(const std::string& state_dir, const DaemonRecord& record) {
  auto lock = storage::FileLock::acquire(lock_file(state_dir), storage::LockKind::kExclusive, note_of(record));
  if (lock.ok()) return DaemonLock(*std::move(lock));
  if (lock.error().code != base::codes::kLocked) return std::move(lock).error().within("the daemon's lock");
  const auto running = find_daemon(state_dir);
  if (running.ok() && *running && !(*running)->here) {
    return Error{.code = base::codes::kLocked,
                 .message = fmt::format("a daemon of another container or PID namespace (process {} there) has {}",
                                        (*running)->record.pid, state_dir),
                 .hint = "stop it there, or work without one: --embedded"};
  }
  const pid_t pid = running.ok() && *running ? (*running)->record.pid : 0;
  return Error{.code = base::codes::kExists,
               .message = pid > 0 ? fmt::format("the daemon runs already, as process {}", pid)
                                  : "another daemon is just starting or ending",
               .hint = "lathe daemon status"};
}

Result<void> DaemonLock::say(const DaemonRecord& record) const { return lock_.leave(note_of(record)); }

Result<std::optional<RunningDaemon>> find_daemon(const std::string& state_dir) {
  const std::string file = lock_file(state_dir);
  if (!storage::is_locked(file)) return std::optional<RunningDaemon>();
  auto record = record_in(storage::note_in(file));
  if (!record) {
    return Error{.code = base::codes::kUnavailable,
                 .message = "the daemon is just starting",
                 .hint = "try again",
                 .retryable = true};
  }
  TRY(const Realm realm, this_realm());
  const bool here = record->realm == realm;
  return std::optional(RunningDaemon{.record = *std::move(record), .here = here});
}

}  // namespace lathe::daemon
