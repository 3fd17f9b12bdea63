#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/session_marks.h"
#include "lathe/ports/session_state.h"

namespace lathe::ports {

/// Records of one session's own stream from a byte offset on.
struct SourcePage {
  /// Lines without newline, seals checked.
  std::vector<std::string> lines;
  /// Where the next page starts.
  std::uint64_t next_offset = 0;
};

/// The streams of a data root as an index follows them. Blocks; safe from any thread; takes no session's lock.
///
/// A stream is *unfollowed* from before a process first appends to it until an index has taken in all of it and the
/// process has closed it. Only unfollowed streams are looked at when a list is asked for, so ten thousand finished
/// sessions cost nothing.
class SessionSource {
 public:
  virtual ~SessionSource() = default;
  /// Every session that has a folder.
  [[nodiscard]] virtual base::Result<std::vector<std::string>> sessions() const = 0;
  /// Sessions whose stream may hold more than an index knows, or may be gone.
  [[nodiscard]] virtual base::Result<std::vector<std::string>> unfollowed() = 0;
  /// An index has the stream up to `offset` (or, for a session that is gone, has dropped it). From then on the session
  /// is known to have had that much, whoever looks at it.
  [[nodiscard]] virtual base::Result<void> followed(const std::string& session_id, std::uint64_t offset) = 0;
  /// `corrupt` when the stream is shorter than an index has read it, which is known of the session from then on.
  [[nodiscard]] virtual base::Result<void> check_had(const std::string& session_id, std::uint64_t bytes) = 0;
  /// Length of the stream's file; nothing when there is none. Cheap.
  [[nodiscard]] virtual std::optional<std::uint64_t> stream_bytes(const std::string& session_id) const = 0;
  /// About `max_bytes` of whole records of the session's own stream from `offset` on; none at its end. A torn last
  /// line is not there yet. Errors: `not_found`; `corrupt` with the place, which is the end where more was recorded;
  /// `invalid` when no record starts at `offset`: the stream is not the one that was read before, or lost its end,
  /// which check_had() tells apart.
  [[nodiscard]] virtual base::Result<SourcePage> read_own(const std::string& session_id, std::uint64_t offset,
                                                          std::size_t max_bytes) const = 0;
  /// Reads the session's own stream from its start to its end: `corrupt` with the place where that cannot be done. A
  /// session that was never begun, or is just being made, is sound.
  [[nodiscard]] virtual base::Result<void> check(const std::string& session_id) const = 0;
  /// What the session's own first record continues: an empty state, or that of its parent where it was forked.
  [[nodiscard]] virtual base::Result<SessionState> origin(const std::string& session_id) const = 0;
  /// What cannot be read of them counts as not there.
  [[nodiscard]] virtual SessionMarks marks(const std::string& session_id) const = 0;
  [[nodiscard]] virtual base::Result<void> set_archived(const std::string& session_id, bool archived) = 0;
  /// Gives the session the tag, or takes it away. `invalid` when it is none (check_tag).
  [[nodiscard]] virtual base::Result<void> set_tag(const std::string& session_id, const std::string& tag,
                                                   bool there) = 0;
  [[nodiscard]] virtual base::Result<void> set_read(const std::string& session_id, std::int64_t read_seq) = 0;
  /// Whether a live process holds the session.
  [[nodiscard]] virtual bool held(const std::string& session_id) const = 0;
};

}  // namespace lathe::ports
