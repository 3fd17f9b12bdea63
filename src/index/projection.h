#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lathe/base/result.h"
#include "lathe/ports/session_marks.h"
#include "lathe/ports/session_state.h"
#include "lathe/protocol/frames.h"
#include "lathe/storage/sqlite.h"

namespace lathe::index {

/// Turns one session's records into rows. Lives for one transaction: reads the session's row first, writes it back
/// with store(). The same records always make the same rows.
class Projection final {
 public:
  /// `position` and `last_seq` are 0 for a session that the index does not know.
  [[nodiscard]] static base::Result<Projection> load(storage::Database& database, const std::string& session_id);
  /// Drops all rows of a session.
  [[nodiscard]] static base::Result<void> drop(storage::Database& database, const std::string& session_id);

  [[nodiscard]] std::uint64_t position() const { return static_cast<std::uint64_t>(row_.position); }
  [[nodiscard]] bool is_new() const { return row_.position == 0; }
  [[nodiscard]] bool damaged() const { return row_.damaged; }
  /// What the first record of a fork continues from, and what people put on the session.
  void begin(const ports::SessionState& origin, const ports::SessionMarks& marks);
  /// What people put on the session, as it is now.
  void take(const ports::SessionMarks& marks);
  [[nodiscard]] base::Result<void> take(const protocol::Event& event);
  /// Whether the stream cannot be read to its end. A session of which nothing could be read is known by its id alone.
  void set_damaged(bool damaged);
  /// Writes the session's row; its records up to byte `position` are in.
  [[nodiscard]] base::Result<void> store(std::uint64_t position);

 private:
  struct Row {
    std::int64_t position = 0;
    std::int64_t last_seq = 0;
    std::string title, cwd, model, backend;
    std::int64_t created_at = 0;
    std::int64_t updated_at = 0;
    std::int64_t tasks = 0;
    std::int64_t task_open = 0;
    /// The open Task compacts, and no person's words came into it: it is none of theirs.
    bool only_compacts = false;
    bool answer_counted = false;
    protocol::Usage usage;
    std::optional<std::int64_t> cost_micro_usd = 0;
    std::string forked_from;
    bool archived = false;
    /// Some answer came from a recording; those that come now do.
    bool replayed = false;
    bool replays = false;
    std::string parent_session;
    bool damaged = false;
    /// Lines, in order.
    std::string tags;
    /// Where the last Task ended, or parked, that a person may want to know of.
    std::int64_t ended_seq = 0;
    std::int64_t read_seq = 0;
    /// By call id: what is known of the open Task's calls that have no result.
    std::map<std::string, std::int64_t> open_calls;
  };
  struct Taking;
  /// Whether a Task at work waits for a person alone, so that it would be parked if its process died now.
  [[nodiscard]] bool only_waits() const;

  Projection(storage::Database& database, std::string session_id)
      : database_(&database), session_id_(std::move(session_id)) {}

  storage::Database* database_;
  std::string session_id_;
  Row row_;
};

}  // namespace lathe::index
