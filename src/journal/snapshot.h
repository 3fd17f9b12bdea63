#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/session_state.h"
#include "lathe/storage/disk.h"
#include "lathe/storage/stream_reader.h"

namespace lathe::journal {

/// The version of what is in a snapshot. Counted up whenever fold() gives another state for the same records: older
/// snapshots are then passed over, and the state is folded anew.
inline constexpr std::int64_t kSnapshotVersion = 6;

/// The folded state at a record of a session's own stream. It only shortens the fold: one that is missing, damaged or
/// not of this stream is passed over. Full blocks of bookmarks stand in files of their own, turns-<crc>.txt, which are
/// written once: a long session has megabytes of them.
struct Snapshot {
  /// Byte after the record, and that record's crc: what ties the snapshot to this very stream.
  std::uint64_t offset = 0;
  std::string record_crc;
  ports::SessionState state;
};

struct SnapshotFile {
  std::int64_t seq = 0;
  std::string path;
};

/// Snapshots of a session's folder, newest first.
[[nodiscard]] std::vector<SnapshotFile> list_snapshots(const std::string& folder);
/// Errors: `corrupt`, `unsupported` (another version), `io_error`.
[[nodiscard]] base::Result<Snapshot> read_snapshot(const std::string& path);
/// `corrupt` unless the stream has, right before `offset`, the record that the snapshot was taken at.
[[nodiscard]] base::Result<void> check_snapshot(const Snapshot& snapshot, const storage::StreamReader& stream);
/// Replaces <folder>/snapshot-<seq>.json in one step, then removes all but the two newest, and the
/// blocks that this one has no use for. Gives the bytes of the snapshot.
[[nodiscard]] base::Result<std::uint64_t> write_snapshot(const std::string& folder, const Snapshot& snapshot,
                                                         const storage::Disk& disk, runtime::Durability durability);
/// The crc of a sealed record line.
[[nodiscard]] std::string_view crc_of(std::string_view line);

}  // namespace lathe::journal
