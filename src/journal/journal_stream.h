#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/journal/drafts.h"
#include "lathe/journal/follow_marks.h"
#include "lathe/journal/history.h"
#include "lathe/journal/open_calls.h"
#include "lathe/journal/session_folders.h"
#include "lathe/ports/session_store.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"
#include "lathe/storage/stream_writer.h"

// One session that this process holds. Appends go in groups: whoever comes first while nobody writes takes everything
// that waits, writes it in one go, folds it, and tells the others. With durability `process` a group is one write(2) on
// the loop (so it is nearly always one record); with `power` it is one write and one fdatasync on the pool, shared by
// all that came meanwhile. A group that holds a long text becomes lines, and is written, on the pool in any case:
// groups come one after the other, so the order stays.
//
// Snapshots are written beside: an append only takes the state as it is, and goes on. One is written at a time. So are
// long drafts, the newest one after the one that is being written.
//
// A rollback that needs the past is a group of its own: the past is read first, so that nothing is written that could
// not be folded.

namespace lathe::journal {

/// What a stream is made of; put together on the pool.
struct HeldSession {
  storage::FileLock lock;
  storage::StreamWriter writer;
  LoadedSession loaded;
  Drafts drafts;
};

/// What all streams of a store share; outlives them.
struct StreamContext {
  runtime::Loop& loop;
  runtime::Pool& fs;
  const SessionFolders& folders;
  FollowMarks& marks;
  std::function<void(const std::string&)> on_warning;
};

class JournalStream final : public ports::SessionStream {
 public:
  JournalStream(StreamContext& context, std::string session_id, HeldSession held);
  /// Gives up the session's lock; a session that never got a record goes with it. No append may be under way, nor
  /// anything that close() waits for.
  ~JournalStream() override;

  [[nodiscard]] const ports::SessionState& state() const override { return state_; }
  runtime::Async<base::Result<ports::AppendedRecord>> append(protocol::Event event) override;
  [[nodiscard]] base::Result<void> keep_draft(ports::RecoveredDraft draft) override;
  [[nodiscard]] std::vector<ports::RecoveredDraft> recovered_drafts() const override { return drafts_.recovered(); }
  runtime::Async<base::Result<std::vector<ports::AppendedRecord>>> read(std::int64_t since, std::size_t limit) override;
  runtime::Async<void> close() override { return scope_.join(); }

 private:
  struct Waiting {
    Waiting(runtime::Loop& loop, protocol::Event e) : event(std::move(e)), done(loop) {}
    protocol::Event event;
    runtime::OneShot<base::Result<ports::AppendedRecord>> done;
  };
  using Group = std::vector<Waiting*>;

  /// The next group: everything up to a rollback, or a rollback alone.
  Group take_group();
  runtime::Async<void> write_group(Group group);
  runtime::Async<base::Result<void>> put(Group* group, std::vector<std::string>* lines);
  /// Makes lines of the events and writes them; on whatever thread.
  base::Result<void> encode_and_append(const Group& group, std::vector<std::string>& lines);
  void take_in(const protocol::Event& event, const ports::SessionState* then);
  [[nodiscard]] bool snapshot_due() const;
  runtime::Async<void> keep_snapshot();
  base::Result<void> store_drafts();
  runtime::Async<void> store_drafts_aside();

  StreamContext& context_;
  const std::string session_id_;
  storage::FileLock lock_;
  storage::StreamWriter writer_;
  Drafts drafts_;
  ports::SessionState state_;
  /// Goes with state_.
  OpenCalls calls_;
  std::string last_crc_;
  std::uint64_t snapshot_offset_;
  std::uint64_t snapshot_bytes_;
  std::deque<Waiting*> queue_;
  bool marked_ = false;
  bool writing_ = false;
  bool snapshotting_ = false;
  /// Drafts are being written on the pool, and have changed since that began.
  bool storing_drafts_ = false;
  bool drafts_changed_ = false;
  /// What is written beside the appends.
  runtime::Scope scope_;
};

}  // namespace lathe::journal
