#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/hash.h"
#include "lathe/base/result.h"
#include "lathe/runtime/async.h"

namespace lathe::ports {

/// A file that is about to be written; an absent side means that there is no such file. Views of the caller's bytes.
struct FileWrite {
  /// Absolute.
  std::string path;
  std::optional<std::string_view> before = std::nullopt;
  std::optional<std::string_view> after = std::nullopt;
};

/// What a snapshot of the workspace holds.
struct SnapshotSummary {
  std::int64_t files = 0;
  /// What undo cannot bring back: ignored, too large, secret. Folders end with "/"; cut, which the last one says.
  std::vector<std::string> not_covered;
};

/// What a restoration did, or would do. Paths are relative to the working folder, or absolute outside of
/// it.
struct RestoreReport {
  std::vector<std::string> restored;
  std::vector<std::string> removed;
  /// Changed since by someone else; left alone.
  std::vector<std::string> conflicts;
  std::vector<std::string> not_covered;
};
enum class RestoreMode { kDryRun, kRestore };

/// Files that the model has read in this session, by content hash: what it has not seen it may not overwrite blindly.
/// Kept across restarts. Any thread.
class ReadSet {
 public:
  virtual ~ReadSet() = default;
  virtual void saw(const std::string& absolute_path, const base::Sha256Hex& content) = 0;
  [[nodiscard]] virtual std::optional<base::Sha256Hex> last_seen(const std::string& absolute_path) const = 0;
};

/// What the files of a session's working folder were before its Tasks changed them. What is needed to bring a file back
/// is durable before the change happens. One writer at a time: file tools and commands do not overlap.
class WorkspaceHistory {
 public:
  virtual ~WorkspaceHistory() = default;

  /// Changes from now on happen after the session's record `seq`. Loop thread.
  virtual void mark(std::int64_t seq) = 0;
  /// Whether commands go on in the background from now on; what changes meanwhile is theirs. Loop thread.
  virtual void jobs_live(bool live) = 0;
  /// Keeps what the files are. On an error nothing may be written. Blocks; pool thread.
  [[nodiscard]] virtual base::Result<void> will_write(const std::vector<FileWrite>& writes) = 0;
  /// Snapshots the workspace. On an error no command may run.
  virtual runtime::Async<base::Result<SnapshotSummary>> before_command() = 0;
  /// Takes what changed since before_command() for the command's doing.
  virtual runtime::Async<base::Result<void>> after_command() = 0;

  /// Brings files back to what they were at the session's record `seq`, whatever Tasks changed after it. Each file is
  /// replaced in one step; one that someone else has changed since is a conflict and stays.
  virtual runtime::Async<base::Result<RestoreReport>> restore(std::int64_t seq, RestoreMode mode) = 0;

  [[nodiscard]] virtual ReadSet& reads() = 0;
};

}  // namespace lathe::ports
