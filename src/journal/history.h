#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/hash.h"
#include "lathe/base/result.h"
#include "lathe/journal/open_calls.h"
#include "lathe/journal/recorded.h"
#include "lathe/journal/session_folders.h"
#include "lathe/ports/session_state.h"
#include "lathe/ports/session_store.h"
#include "lathe/protocol/frames.h"
#include "lathe/storage/stream_reader.h"

// Reads what sessions were: the newest sound snapshot and the records after it; for a fork, its parent's state first.
// Takes no lock, writes nothing. Blocks; any thread.
//
// A stream that ends before what it is known to have had (recorded.h) is damaged there. Damage in a stream ends what
// can be read of it, and whoever needs more is told `corrupt` with the place. What stands before is whole: it can be
// read, and forked from.

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
  /// What ended the fold before the stream's end; only where a part of a session is asked for.
  std::optional<base::Error> damage;
};

/// What reading a session's own stream whole found.
struct CheckedStream {
  std::uint64_t bytes_read = 0;
  /// Blobs that its records name, some more than once.
  std::vector<base::Sha256Hex> blobs;
};

class History final {
 public:
  explicit History(const SessionFolders& folders) : folders_(folders) {}

  /// The session as it is now. Errors: `invalid`, `not_found`, `corrupt` with the place, `unsupported` with the record.
  [[nodiscard]] base::Result<LoadedSession> load(const std::string& session_id) const;
  /// The same up to the first damage, whose session it may be a parent of.
  [[nodiscard]] base::Result<LoadedSession> load_whole_part(const std::string& session_id) const;
  /// The session as it was at record `seq`, which may be one of its parents'.
  [[nodiscard]] base::Result<ports::SessionState> state_at(const std::string& session_id, std::int64_t seq) const;
  /// What the session's first record continues: nothing, or its parent at the point of the fork.
  [[nodiscard]] base::Result<ports::SessionState> origin(const std::string& session_id) const;
  /// Records after `since`, its parents' first, at most `limit`, and no more once they have about `bytes`.
  [[nodiscard]] base::Result<ports::RecordPage> read(const std::string& session_id, std::int64_t since,
                                                     std::size_t limit,
                                                     std::size_t bytes = std::numeric_limits<std::size_t>::max()) const;
  /// Reads the session's own stream whole, and sees that its parent is there. `corrupt` with the place.
  [[nodiscard]] base::Result<CheckedStream> check(const std::string& session_id) const;
  /// `corrupt` when the stream is not there, or shorter than it was. Reads nothing of it.
  [[nodiscard]] base::Result<void> check_length(const std::string& session_id) const;
  /// The session's own stream; `corrupt` when it is not there any more.
  [[nodiscard]] base::Result<storage::StreamReader> open_stream(const std::string& session_id) const;

 private:
  /// The sessions whose history is being put together, the one asked for first. A fork of itself would be here twice.
  using Chain = std::vector<std::string>;
  enum class AtDamage { kFail, kStop };
  /// What the first record of a stream says: whose it is ("": there is none), and what it is forked from.
  struct First {
    std::string session;
    std::optional<protocol::ForkedFrom> fork;
  };
  /// A stream of a session's history, and the last record of it that belongs there.
  struct Part {
    storage::StreamReader stream;
    std::string path;
    std::int64_t up_to;
    StreamPlace recorded;
  };

  base::Result<LoadedSession> fold_up_to(const std::string& session_id, std::int64_t limit, Chain chain,
                                         AtDamage at_damage) const;
  base::Result<void> start_from_parent(LoadedSession& loaded, const std::string& session_id, std::int64_t limit,
                                       const storage::StreamReader& stream, const Chain& chain,
                                       AtDamage at_damage) const;
  base::Result<void> fold_stream(LoadedSession& loaded, const std::string& session_id, std::int64_t limit,
                                 const storage::StreamReader& stream, const Chain& chain,
                                 const StreamPlace& recorded) const;
  base::Result<void> start_from_snapshot(LoadedSession& loaded, const std::string& session_id, std::int64_t limit,
                                         const storage::StreamReader& stream) const;
  base::Result<LoadedSession> load_parent(const protocol::ForkedFrom& fork, std::int64_t limit, Chain chain,
                                          AtDamage at_damage) const;
  base::Result<First> first_of(const std::string& session_id, const storage::StreamReader& stream) const;
  /// The session's own stream first, then its parents', as far back as `since` needs.
  base::Result<std::vector<Part>> parts_of(const std::string& session_id, std::int64_t since) const;
  base::Result<void> fold_line(LoadedSession& loaded, const std::string& session_id, const std::string& line,
                               const Chain& chain) const;

  const SessionFolders& folders_;
};

}  // namespace lathe::journal
