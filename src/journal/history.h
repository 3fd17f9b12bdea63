#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/journal/open_calls.h"
#include "lathe/journal/session_folders.h"
#include "lathe/ports/session_state.h"
#include "lathe/protocol/frames.h"
#include "lathe/storage/stream_reader.h"

// Reads what sessions were: the newest sound snapshot and the records after it; for a fork, its parent's state first.
// Takes no lock, writes nothing. Blocks; any thread.

namespace lathe::journal {

/// No limit on seq.
inline constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max();

struct LoadedSession {
  ports::SessionState state;
  /// Goes with `state` while records are folded into it.
  OpenCalls calls;
  /// Byte after the last record folded, in the session's own stream, and that record's crc.
  std::uint64_t offset = 0;
  std::string last_crc;
  /// Where the snapshot that was used ends in the stream, and how large it is; 0 without one.
  std::uint64_t snapshot_offset = 0;
  std::uint64_t snapshot_bytes = 0;
  /// Snapshots that were passed over, and why.
  std::vector<std::string> bad_snapshots;
  std::vector<std::string> warnings;
  /// Bytes read of the session's own stream.
  std::uint64_t stream_bytes_read = 0;
};

class History final {
 public:
  explicit History(const SessionFolders& folders) : folders_(folders) {}

  /// The session as it is now. Errors: `invalid`, `not_found`, `corrupt` with the place, `unsupported` with the record.
  [[nodiscard]] base::Result<LoadedSession> load(const std::string& session_id) const;
  /// The session as it was at record `seq`, which may be one of its parents'.
  [[nodiscard]] base::Result<ports::SessionState> state_at(const std::string& session_id, std::int64_t seq) const;
  /// What the session's first record continues: nothing, or its parent at the point of the fork.
  [[nodiscard]] base::Result<ports::SessionState> origin(const std::string& session_id) const;
  /// Records after `since`, its parents' first, at most `limit`.
  [[nodiscard]] base::Result<std::vector<std::string>> read(const std::string& session_id, std::int64_t since,
                                                            std::size_t limit) const;

 private:
  /// The sessions whose history is being put together, the one asked for first. A fork of itself would be here twice.
  using Chain = std::vector<std::string>;

  base::Result<LoadedSession> fold_up_to(const std::string& session_id, std::int64_t limit, Chain chain) const;
  base::Result<void> start_from_snapshot(LoadedSession& loaded, const std::string& session_id, std::int64_t limit,
                                         const storage::StreamReader& stream) const;
  base::Result<ports::SessionState> parent_state(const protocol::ForkedFrom& fork, std::int64_t limit,
                                                 Chain chain) const;
  /// The fork record that a stream starts with, if it does.
  base::Result<std::optional<protocol::ForkedFrom>> fork_of(const std::string& session_id,
                                                            const storage::StreamReader& stream) const;
  base::Result<void> fold_line(LoadedSession& loaded, const std::string& session_id, const std::string& line,
                               const Chain& chain) const;

  const SessionFolders& folders_;
};

}  // namespace lathe::journal
