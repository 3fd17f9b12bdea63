#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/session_source.h"
#include "lathe/protocol/calls.h"
#include "lathe/storage/sqlite.h"

// The index's file and how it is kept true to the streams.
//
//   missing, damaged, foreign  --renew--> empty, "incomplete"  --follow every stream--> complete
//   complete  --a query comes--> follow the unfollowed streams --> answer
//
// Each stream has a position in the index, taken on in the same transaction as the rows made from it, so any number of
// processes may follow one stream: the second finds nothing left to do. A file that was made in an earlier boot may
// have lost its last transactions with the power; it counts as incomplete until every stream was looked at once.
// Nothing here takes a session's lock. A stream that cannot be read to its end is told of when that is found; its row
// says so from then on, and keeps what was known of it.

namespace lathe::index {

class Projection;

/// One pool thread at a time; blocks.
class IndexFile final {
 public:
  IndexFile(ports::SessionSource& source, std::string state_dir, storage::Disk disk)
      : source_(source), state_dir_(std::move(state_dir)), disk_(disk) {}
  ~IndexFile();
  IndexFile(const IndexFile&) = delete;
  IndexFile& operator=(const IndexFile&) = delete;

  /// Runs `query` on a database that has all that the streams have. A file that turns out to be damaged is made anew,
  /// once; one that cannot be written then either is done without.
  template <class Query>
  auto answer(Query query) -> decltype(query(std::declval<storage::Database&>())) {
    Mended mended;
    while (true) {
      if (auto ready = catch_up(); !ready.ok()) {
        if (mend(ready.error(), mended)) continue;
        return std::move(ready).error();
      }
      auto result = query(*database_);
      if (result.ok() || !mend(result.error(), mended)) return result;
    }
  }

  /// Notes in the rows that a list begins with whose stream is shorter than what was read of it, or gone; inside a
  /// query.
  [[nodiscard]] base::Result<void> look_at_newest();
  /// Takes in what one stream has.
  [[nodiscard]] base::Result<void> follow(const std::string& session_id);
  /// Makes the file anew from every stream.
  [[nodiscard]] base::Result<protocol::IndexRebuildReply> rebuild();
  [[nodiscard]] base::Result<void> archive(const std::string& session_id, bool archived);
  [[nodiscard]] base::Result<protocol::SessionTagReply> tag(const protocol::SessionTag& call);
  [[nodiscard]] base::Result<void> mark_read(const protocol::SessionMarkRead& call,
                                             std::optional<std::int64_t> last_seq);
  /// Notes in the session's row whether its whole stream can be read.
  [[nodiscard]] base::Result<void> check(const std::string& session_id);
  [[nodiscard]] base::Result<void> forget(const std::string& session_id);
  [[nodiscard]] bool held(const std::string& session_id) const { return source_.held(session_id); }
  /// What there was to tell since the last call.
  [[nodiscard]] std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  /// What was done in one answer() about errors; each thing helps once.
  struct Mended {
    bool reopened = false;
    bool renewed = false;
  };
  /// Whether what failed with the error is worth another try.
  bool mend(const base::Error& error, Mended& mended);
  [[nodiscard]] const std::string& folder() const { return memory_dir_.empty() ? state_dir_ : memory_dir_; }
  [[nodiscard]] std::string path() const { return folder() + "/index.db"; }
  [[nodiscard]] std::string lock_path() const { return folder() + "/index.lock"; }

  /// Where the state folder takes nothing more, goes on with a file in memory, made from a copy or from the streams: a
  /// disk that takes nothing more still gives what it has.
  bool move_to_memory(const base::Error& why);
  /// The stream is in the index up to there; a file in memory does not count.
  base::Result<void> followed(const std::string& session_id, std::uint64_t position);
  base::Result<void> open();
  base::Result<void> catch_up();
  /// Follows every stream, drops sessions that are gone, then counts as complete.
  base::Result<protocol::IndexRebuildReply> fill();
  base::Result<void> renew();
  /// Removes what is at the path; a folder, which we never made, is moved aside.
  base::Result<void> clear(const std::string& path);
  /// Another process made the file anew since it was opened here.
  [[nodiscard]] bool was_replaced() const { return database_ && !database_->is_current(); }
  bool renew_if_damaged(const base::Error& error);
  /// What came of following a stream. An Error instead is one of the index itself.
  struct Followed {
    std::int64_t records = 0;
    bool at_end = true;
    /// Why the stream cannot be read any further, and whether that is news.
    std::optional<base::Error> problem = std::nullopt;
    bool is_news = true;
  };
  base::Result<Followed> follow_stream(const std::string& session_id);
  base::Result<Followed> follow_page(const std::string& session_id);
  /// What can be told without the write lock: that there is nothing new, or damage.
  base::Result<std::optional<Followed>> look(const std::string& session_id);
  /// Takes a page in, up to the first record that cannot be; the row says up to where.
  base::Result<Followed> take_in(Projection& projection, ports::SourcePage page, const std::string& session_id);
  /// Notes damage in the row, in a transaction that is open.
  base::Result<Followed> note_damage(Projection& projection, const std::string& session_id, base::Error damage);
  /// What a query for session ids gives.
  base::Result<std::vector<std::string>> ids(const char* sql);
  base::Result<bool> complete();
  base::Result<void> set_complete(bool complete);
  /// One session's row. No other stream is looked at, as at the end of a Task nobody waits for that.
  base::Result<protocol::SessionInfo> info(const std::string& session_id);
  /// Writes what is beside the session's stream into its row.
  base::Result<void> take_marks(storage::Database& database, const std::string& session_id);

  ports::SessionSource& source_;
  const std::string state_dir_;
  const storage::Disk disk_;
  std::optional<storage::Database> database_;
  /// A folder in memory that stands for state_dir_; removed in the end.
  std::string memory_dir_;
  std::vector<std::string> warnings_;
};

}  // namespace lathe::index
