#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/session_marks.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/disk.h"
#include "lathe/storage/file_lock.h"

namespace lathe::journal {

/// Where everything of a session lies (the picture is in journal_store.h), and how its folder comes and goes. An id is
/// checked to be a UUID before it becomes part of a path. Blocks; any thread.
class SessionFolders final {
 public:
  /// Creates what is missing below `state_dir` and ends removals that a crash cut short. `unsupported` on a network
  /// file system.
  [[nodiscard]] static base::Result<SessionFolders> open(std::string state_dir, storage::Disk disk,
                                                         runtime::Durability durability);

  [[nodiscard]] std::string folder(const std::string& session_id) const { return sessions_ + "/" + session_id; }
  [[nodiscard]] std::string journal(const std::string& session_id) const {
    return folder(session_id) + "/journal.ndjson";
  }
  /// How long the stream was (recorded.h).
  [[nodiscard]] std::string recorded(const std::string& session_id) const { return folder(session_id) + "/recorded"; }
  [[nodiscard]] std::string drafts(const std::string& session_id) const { return folder(session_id) + "/draft.ndjson"; }
  [[nodiscard]] std::string marks() const { return state_dir_ + "/unfollowed"; }
  [[nodiscard]] std::string blobs() const { return state_dir_ + "/blobs"; }
  [[nodiscard]] const storage::Disk& disk() const { return disk_; }
  [[nodiscard]] runtime::Durability durability() const { return durability_; }

  /// `invalid` when it is no session id, `not_found` when there is no such session. One that lost its stream is there
  /// as long as its folder holds anything else of it.
  [[nodiscard]] base::Result<void> check(const std::string& session_id) const;
  /// Every session that has a folder.
  [[nodiscard]] base::Result<std::vector<std::string>> list() const;
  /// A new folder. `exists` when there is one.
  [[nodiscard]] base::Result<void> create(const std::string& session_id) const;
  /// The one lock of a session; `locked` names session and process.
  [[nodiscard]] base::Result<storage::FileLock> lock(const std::string& session_id) const;
  [[nodiscard]] bool held(const std::string& session_id) const;
  /// Length of the stream's file; nothing when the session is gone.
  [[nodiscard]] std::optional<std::uint64_t> stream_bytes(const std::string& session_id) const;

  /// Of a session whose stream has no whole record: nothing was ever recorded, because it is just being made or its
  /// process died before its first record. Else the stream lost what it had.
  [[nodiscard]] bool never_begun(const std::string& session_id) const;

  /// ports::SessionSource says what these do.
  [[nodiscard]] ports::SessionMarks marks(const std::string& session_id) const;
  [[nodiscard]] base::Result<void> set_archived(const std::string& session_id, bool archived) const;
  [[nodiscard]] base::Result<void> set_tag(const std::string& session_id, const std::string& tag, bool there) const;
  [[nodiscard]] base::Result<void> set_read(const std::string& session_id, std::int64_t read_seq) const;

  /// Notes in the parent that `child` is about to be forked from it; a note without a child means nothing.
  [[nodiscard]] base::Result<void> note_fork(const std::string& parent, const std::string& child) const;
  /// Deletes the session; the caller holds its lock. `exists` while sessions forked from it exist.
  [[nodiscard]] base::Result<void> remove(const std::string& session_id) const;
  /// Deletes a session that never got its first record.
  void discard(const std::string& session_id) const;

 private:
  SessionFolders(std::string state_dir, storage::Disk disk, runtime::Durability durability);
  [[nodiscard]] std::string lock_path(const std::string& session_id) const { return folder(session_id) + "/lock"; }
  /// Anything but the stream and the lock, which a session has before its first record.
  [[nodiscard]] bool keeps_more(const std::string& session_id) const;
  /// A folder within the session's own that may be there already.
  [[nodiscard]] base::Result<void> make_own_folder(const std::string& path, std::string_view operation) const;
  /// A session forked from the one whose folder this is.
  [[nodiscard]] std::optional<std::string> live_fork(const std::string& folder) const;
  [[nodiscard]] base::Result<void> end_removals() const;

  std::string state_dir_;
  std::string sessions_;
  std::string trash_;
  storage::Disk disk_;
  runtime::Durability durability_;
};

}  // namespace lathe::journal
