#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lathe/ports/blob_store.h"
#include "lathe/ports/session_source.h"
#include "lathe/ports/session_store.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

// Sessions as streams below one data root:
//
//   <state_dir>/sessions/<session id>/journal.ndjson       the records; the truth
//                                     lock                 held by the one process that appends; holds its pid
//                                     snapshot-<seq>.json  the folded state at a record; shortens the fold
//                                     recorded             how long the stream was (recorded.h)
//                                     draft.ndjson         text of unfinished items
//                                     undo/                what its files were (room undo)
//                                     archived             there when the session is archived
//                                     tags/<tag>           there when it has the tag
//                                     read                 the last record that a person has looked at
//                                     forks/<session id>   sessions forked from this one
//                                     torn-<offset>-…      a torn last record that was cut off
//   <state_dir>/unfollowed/<session id>                    streams that an index may not have read to their end
//   <state_dir>/trash/                                     sessions that are being removed
//   <state_dir>/blobs/                                     large output and images, by content
//
// seq: a new session starts with 1. A fork goes on counting where it left its parent: its first record,
// forked_from{session_id, seq: n}, has seq n + 1. So seq rises over the whole history of a session, its parents'
// part first, and read(since) means the same everywhere.

namespace lathe::storage {
class FaultPoint;
class SyncTimes;
}  // namespace lathe::storage

namespace lathe::journal {

struct JournalOptions {
  /// Created when missing; refused on a network file system.
  std::string state_dir;
  runtime::Durability durability = runtime::Durability::kProcess;
  /// Tests fail or kill durable operations here. Outlives the store; may be called from pool threads.
  storage::FaultPoint* faults = nullptr;
  /// Told how long the disk takes; the same holds for it.
  storage::SyncTimes* sync_times = nullptr;
  /// Told on the loop about what was repaired: a torn record cut off, a damaged snapshot passed over.
  std::function<void(const std::string&)> on_warning = nullptr;
};

/// ports::SessionStore over files. Loop thread; files are read on the pool, and an append of durability `process` is
/// one write(2) on the loop. Outlives its streams and the index that reads its source().
class JournalStore final : public ports::SessionStore {
 public:
  static base::Result<std::unique_ptr<JournalStore>> create(runtime::Loop& loop, runtime::Pool& fs,
                                                            JournalOptions options);
  ~JournalStore() override;

  runtime::Async<base::Result<std::unique_ptr<ports::SessionStream>>> create(std::string session_id) override;
  runtime::Async<base::Result<std::unique_ptr<ports::SessionStream>>> open(std::string session_id) override;
  runtime::Async<base::Result<std::unique_ptr<ports::SessionStream>>> fork(std::string parent, std::int64_t seq,
                                                                           std::string response_id,
                                                                           std::string new_session_id) override;
  runtime::Async<base::Result<ports::SessionState>> peek(std::string session_id) override;
  runtime::Async<base::Result<ports::WholePart>> peek_whole(std::string session_id) override;
  runtime::Async<base::Result<ports::RecordPage>> read(std::string session_id, std::int64_t since,
                                                       std::size_t limit) override;
  runtime::Async<base::Result<void>> check_free(std::string session_id) override;
  runtime::Async<base::Result<void>> remove(std::string session_id) override;
  [[nodiscard]] bool held(const std::string& session_id) const override;
  /// Others keep what goes with a session in folders of their own there.
  [[nodiscard]] ports::SessionPlace place(const std::string& session_id) const override;

  /// What an index follows.
  [[nodiscard]] ports::SessionSource& source();
  /// <state_dir>/blobs.
  [[nodiscard]] ports::BlobStore& blobs();

 private:
  struct Parts;
  explicit JournalStore(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace lathe::journal
