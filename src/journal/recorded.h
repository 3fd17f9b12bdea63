#pragma once

#include <cstdint>
#include <string>

#include "lathe/base/result.h"
#include "lathe/journal/session_folders.h"

// How far a session is known to have come, whatever its stream has now. A stream only grows: one that is shorter than
// it was has lost its end, at whatever byte it ends now, and one that is not there has lost everything. What tells is
// kept beside the stream:
//
//   recorded             its length, noted when its holder closes it, or when an index has read it to its end
//   snapshot-<seq>.json  was written after record <seq>
//
// Both may be old; they are bounds from below. Whoever compares looks at them first and at the stream afterwards, so
// that what another process appends meanwhile is not taken for missing.

namespace lathe::journal {

/// A place in a session's own stream: a byte, and the seq of the record before it.
struct StreamPlace {
  std::uint64_t bytes = 0;
  std::int64_t seq = 0;
};

/// The number that such a note holds; 0 where there is none, or one that lost power while it was written.
[[nodiscard]] std::uint64_t noted_number(const std::string& path);
/// What the stream of a session had at least.
[[nodiscard]] StreamPlace recorded_of(const SessionFolders& folders, const std::string& session_id);
/// Notes that it has so many bytes of records. A note that cannot be written only leaves an older one.
void note_recorded(const SessionFolders& folders, const std::string& session_id, std::uint64_t bytes);
/// `corrupt` when whole records end before what was recorded does.
[[nodiscard]] base::Result<void> check_end(const StreamPlace& recorded, const std::string& path,
                                           const StreamPlace& end);
/// A stream that lost everything it had.
[[nodiscard]] base::Error no_records(const SessionFolders& folders, const std::string& session_id);

}  // namespace lathe::journal
