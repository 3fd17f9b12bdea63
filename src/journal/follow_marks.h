#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/storage/disk.h"

// Which streams an index may not have read to their end: one empty file per session in <state_dir>/unfollowed.
//
// A process creates `<id>` before it first appends, and removes it when it closes the stream, if an index has followed
// it to the end by then. After a crash the mark stays. Any other process that follows the stream clears it so:
//
//   1. while nobody holds the session, rename `<id>` to a name of its own, `<id>~<pid>-<n>` (still a mark);
//   2. follow the stream to its end;
//   3. if still nobody holds the session and its size is what was followed, remove the name of its own.
//
// A process that opens the session after 1 makes a new mark `<id>`; one that opened it before 1 and has closed it again
// by 3 has changed the size, or appended nothing. So a mark never goes while something is unread.

namespace lathe::journal {

/// Any thread.
class FollowMarks final {
 public:
  /// `is_held` and `size_of` look at a session: is it held by a process; how long is its stream (nothing: it is gone).
  FollowMarks(std::string folder, storage::Disk disk, std::function<bool(const std::string&)> is_held,
              std::function<std::optional<std::uint64_t>(const std::string&)> size_of);

  /// Something about the session changes that an index has to look at: it is being removed.
  [[nodiscard]] base::Result<void> note(const std::string& session_id) const;
  /// The holder of a session is about to append for the first time.
  [[nodiscard]] base::Result<void> mark(const std::string& session_id);
  /// The holder closes the session, whose stream has that size; it still has the lock.
  void closed(const std::string& session_id, std::uint64_t size);
  [[nodiscard]] base::Result<std::vector<std::string>> marked();
  /// An index has the stream up to `offset`.
  [[nodiscard]] base::Result<void> followed(const std::string& session_id, std::uint64_t offset);

 private:
  [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name; }

  const std::string folder_;
  const storage::Disk disk_;
  const std::function<bool(const std::string&)> is_held_;
  const std::function<std::optional<std::uint64_t>(const std::string&)> size_of_;
  std::mutex mutex_;
  // The rest: under mutex_.
  /// Sessions that this process holds and has marked -> how far they were followed.
  std::map<std::string, std::uint64_t> open_;
  /// Marks that this process has renamed to names of its own, by session.
  std::multimap<std::string, std::string> claimed_;
  std::uint64_t next_claim_ = 0;
};

}  // namespace lathe::journal
