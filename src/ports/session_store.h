#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/session_state.h"
#include "lathe/protocol/frames.h"
#include "lathe/runtime/async.h"

namespace lathe::ports {

struct AppendedRecord {
  std::int64_t seq = 0;
  /// With its seq.
  std::shared_ptr<const protocol::Event> event;  // both shared by all subscribers
  /// The record's bytes as they stand in the stream, without newline.
  std::shared_ptr<const std::string> line;
};

/// Records of a session, oldest first.
struct RecordPage {
  std::vector<std::string> records;
  /// Why no more can be read after them, `corrupt` with the place.
  std::optional<base::Error> damage;
};

/// What of a session is whole.
struct WholePart {
  /// After the last record before the damage; as it is now when nothing is damaged.
  SessionState state;
  /// `corrupt` with the place.
  std::optional<base::Error> damage;
};

/// Where a session lies, for people and other programs that look for it there.
struct SessionPlace {
  /// All of it but the bytes that records name by their hash.
  std::string folder;
  /// The stream of its own records; the parents of one that was forked have theirs.
  std::string journal;
  friend bool operator==(const SessionPlace&, const SessionPlace&) = default;
};

/// One item that was being written when its process died.
struct RecoveredDraft {
  DraftKind kind = DraftKind::kMessage;
  std::string item;
  std::string text;
  friend bool operator==(const RecoveredDraft&, const RecoveredDraft&) = default;
};

/// A session that this process holds: its lock is taken until this goes, which its owner awaits close() before. Loop
/// thread.
class SessionStream {
 public:
  virtual ~SessionStream() = default;
  [[nodiscard]] virtual const SessionState& state() const = 0;
  /// Gives the event its seq, appends its record, folds it. When it returns the record survives the death of this
  /// process (or of the machine, as configured). On an error nothing was appended and nothing folded.
  virtual runtime::Async<base::Result<AppendedRecord>> append(protocol::Event event) = 0;
  /// Keeps the text so far of an unfinished item beside the stream; empty text forgets it. A long one is written in the
  /// background, and what the disk says of it is not told.
  [[nodiscard]] virtual base::Result<void> keep_draft(RecoveredDraft draft) = 0;
  /// What an earlier process left unfinished; forgotten once its completing record is appended.
  [[nodiscard]] virtual std::vector<RecoveredDraft> recovered_drafts() const = 0;
  /// Records after `since`, oldest first: at most `limit`, and no more once they have some megabytes; none only where
  /// there are none.
  virtual runtime::Async<base::Result<std::vector<AppendedRecord>>> read(std::int64_t since, std::size_t limit) = 0;
  /// Waits for what it does in the background; by default there is nothing.
  virtual runtime::Async<void> close() { co_return; }
};

class SessionStore {
 public:
  virtual ~SessionStore() = default;
  /// A new, empty session. `exists` when there is one of that id.
  virtual runtime::Async<base::Result<std::unique_ptr<SessionStream>>> create(std::string session_id) = 0;
  /// Errors: `not_found`; `locked` with the pid that holds it; `corrupt` with the place and what can still be done, the
  /// stream left as it is.
  virtual runtime::Async<base::Result<std::unique_ptr<SessionStream>>> open(std::string session_id) = 0;
  /// A new session whose history is `parent`'s up to and with `seq`. Nothing is copied.
  virtual runtime::Async<base::Result<std::unique_ptr<SessionStream>>> fork(std::string parent, std::int64_t seq,
                                                                            std::string response_id,
                                                                            std::string new_session_id) = 0;
  /// The state without the lock; may be a moment old.
  virtual runtime::Async<base::Result<SessionState>> peek(std::string session_id) = 0;
  /// The same of a session that may be damaged.
  virtual runtime::Async<base::Result<WholePart>> peek_whole(std::string session_id) = 0;
  /// Records of the session after `since`, at most `limit`, those of its parents first, without the lock.
  virtual runtime::Async<base::Result<RecordPage>> read(std::string session_id, std::int64_t since,
                                                        std::size_t limit) = 0;
  /// `locked`, naming the process, while one holds it; `not_found`. Takes nothing.
  virtual runtime::Async<base::Result<void>> check_free(std::string session_id) = 0;
  /// `locked` while a process holds it, `exists` while sessions forked from it exist.
  virtual runtime::Async<base::Result<void>> remove(std::string session_id) = 0;
  /// Whether a live process holds it.
  [[nodiscard]] virtual bool held(const std::string& session_id) const = 0;
  /// Absolute, whether there is such a session or not. Touches no disk.
  [[nodiscard]] virtual SessionPlace place(const std::string& session_id) const = 0;
};

}  // namespace lathe::ports
