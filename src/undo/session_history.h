#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lathe/globs/secret_files.h"
#include "lathe/ports/blob_store.h"
#include "lathe/ports/jailed_program.h"
#include "lathe/ports/workspace_history.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/pool.h"
#include "lathe/storage/disk.h"
#include "lathe/undo/change_log.h"
#include "lathe/undo/read_set.h"
#include "lathe/undo/restore.h"
#include "lathe/undo/tree_walk.h"

// What is kept where, below the session's folder:
//
//   undo/changes.ndjson   every path that a Task or an undo changed, with what it was and what it became
//   (change_log.h);
//                         what file tools changed outside of the working folder has the root "/"
//   undo/tree             the workspace before the command that runs, or after the last one (tree.h)
//   undo/seen             what the model has read (read_set.h)
//
// and bytes in the blob store, unless they are in an object of the repository that we keep as well. In the cache folder
// lie, by the hash of the root, the newest tree of any session (what a new one begins with, so that it reads only what
// changed since) and, as `….git`, those objects (private_objects.h says what they stand). A tree is believed as far as
// the bytes that it speaks of are still there; the other files are taken anew.
//
//   file tool   blobs, then records, then the write
//   command     tree and command_begin, then the command, then records and command_end
//
// While jobs go on in the background there is no command_end, and what changes is theirs. One without end is closed by
// the next process that opens the log: what differs from the tree then is the command's doing. Restoring keeps what it
// replaces as blobs and is recorded as well: all steps before the first, then those that could not be done and an end.
// One without end is settled by the next process: a step whose file is as it was before did not happen.

namespace lathe::undo {

struct HistoryOptions {
  /// Of this session; made when it is missing.
  std::string folder;
  std::string cache_folder;
  /// Absolute working folder.
  std::string root;
  /// A folder of ours that may lie in the workspace; absolute.
  std::string left_out;
  globs::SecretFiles secrets;
  /// What no copy may hold; asked on any thread.
  std::function<std::vector<std::string>()> keys;
  storage::Disk disk;
  runtime::Durability durability = runtime::Durability::kProcess;
  /// Reads what the repository has.
  ports::RunJailed run_git;
};

/// ports::WorkspaceHistory of one session in one working folder. What it is given outlives it. Nothing is read or made
/// before the first use.
class SessionHistory final : public ports::WorkspaceHistory {
 public:
  SessionHistory(runtime::Pool& pool, ports::BlobStore& blobs, HistoryOptions options);

  void mark(std::int64_t seq) override { at_.store(seq); }
  void jobs_live(bool live) override { jobs_live_.store(live); }
  base::Result<void> will_write(const std::vector<ports::FileWrite>& writes) override;
  runtime::Async<base::Result<ports::SnapshotSummary>> before_command() override;
  runtime::Async<base::Result<void>> after_command() override;
  runtime::Async<base::Result<ports::RestoreReport>> restore(std::int64_t seq, ports::RestoreMode mode) override;
  ports::ReadSet& reads() override;

 private:
  // Blocking, under mutex_.
  base::Result<void> open();
  base::Result<ports::SnapshotSummary> snapshot();
  /// What changed since the command began is its doing; it ends unless jobs go on.
  base::Result<void> take_changes();
  /// Walks the workspace from the newest tree on and keeps the new one in memory.
  base::Result<std::vector<TreeChange>> sweep();
  base::Result<void> keep_tree();
  /// Of a tree that an earlier process kept: what of it is no longer there.
  void find_lost_bytes();
  base::Result<std::vector<ChangeRecord>> records_of(const ports::FileWrite& write);
  base::Result<RestorePlan> plan(std::int64_t seq);
  /// A path as people are told it: from the working folder on, or absolute.
  [[nodiscard]] std::string shown(const std::string& root, const std::string& path) const;
  base::Result<ports::RestoreReport> carry_out_all(const RestorePlan& plan);
  /// Ends an undo: the steps that did not happen, and a record that changes nothing, of the path of its `last`.
  base::Result<void> settle(std::vector<ChangeRecord> not_done, const ChangeRecord& last);
  /// An undo without end: what still is as it was did not happen.
  base::Result<void> settle_what_died();

  runtime::Async<base::Result<void>> fetch_from_git(const RestorePlan* plan);
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] std::string cache_file() const;
  [[nodiscard]] std::string objects_folder() const { return cache_file() + ".git"; }

  runtime::Pool& pool_;
  ports::BlobStore& blobs_;
  HistoryOptions options_;
  WalkOptions walk_options_;
  std::atomic<std::int64_t> at_{0};
  std::atomic<bool> jobs_live_{false};
  std::once_flag reads_opened_;
  std::unique_ptr<FileReadSet> reads_;

  std::mutex mutex_;
  // Under mutex_.
  std::optional<ChangeLog> log_;
  Tree tree_;
  /// The tree differs from the file.
  bool tree_is_new_ = false;
};

}  // namespace lathe::undo
