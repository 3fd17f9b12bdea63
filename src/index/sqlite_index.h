#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "lathe/ports/session_index.h"
#include "lathe/ports/session_source.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::storage {
class FaultPoint;
}

namespace lathe::index {

class IndexFile;

struct IndexOptions {
  /// The index is <state_dir>/index.db with its -wal and -shm, and index.lock beside it.
  std::string state_dir;
  /// Tests fail or kill commits here. Outlives the index.
  storage::FaultPoint* faults = nullptr;
  /// The project that a folder belongs to, for sums of what was used; on the pool. Empty: each folder is one.
  std::function<std::string(const std::string& folder)> project_of = nullptr;
  /// Told on the loop when the index had to be made anew, or a stream could not be followed.
  std::function<void(const std::string&)> on_warning = nullptr;
};

/// ports::SessionIndex over SQLite. Loop thread; all work runs on the pool, one piece at a time. Nothing is opened
/// before the first query. Several processes may have the same index open. A missing, damaged or foreign index file is
/// made anew from the streams. `source` outlives the index.
class SqliteIndex final : public ports::SessionIndex {
 public:
  static base::Result<std::unique_ptr<SqliteIndex>> create(runtime::Loop& loop, runtime::Pool& pool,
                                                           ports::SessionSource& source, IndexOptions options);
  ~SqliteIndex() override;

  runtime::Async<base::Result<protocol::SessionListReply>> list(protocol::SessionList query) override;
  runtime::Async<base::Result<std::vector<std::string>>> find(std::string prefix) override;
  runtime::Async<base::Result<protocol::SessionInfo>> get(std::string session_id) override;
  runtime::Async<base::Result<std::vector<protocol::SessionInfo>>> get_all(
      std::vector<std::string> session_ids) override;
  runtime::Async<base::Result<protocol::SessionSearchReply>> search(protocol::SessionSearch query) override;
  runtime::Async<base::Result<protocol::ApprovalListReply>> open_questions() override;
  runtime::Async<base::Result<std::optional<ports::SettledQuestion>>> settled_question(std::string id) override;
  runtime::Async<base::Result<protocol::SessionCounts>> counts() override;
  runtime::Async<base::Result<protocol::UsageReply>> usage(protocol::UsageCall query) override;
  runtime::Async<base::Result<void>> archive(std::string session_id, bool archived) override;
  runtime::Async<base::Result<protocol::SessionTagReply>> tag(protocol::SessionTag call) override;
  runtime::Async<base::Result<void>> mark_read(protocol::SessionMarkRead call,
                                               std::optional<std::int64_t> last_seq) override;
  runtime::Async<base::Result<void>> check(std::string session_id) override;
  runtime::Async<base::Result<void>> forget(std::string session_id) override;
  runtime::Async<base::Result<protocol::IndexRebuildReply>> rebuild() override;
  runtime::Async<base::Result<void>> follow(std::string session_id) override;

 private:
  SqliteIndex(runtime::Pool& pool, std::unique_ptr<IndexFile> file, IndexOptions options);
  /// Runs `job` on the pool, one at a time, and tells its warnings.
  template <class Job>
  auto on_pool(Job job) -> runtime::Async<std::invoke_result_t<Job, IndexFile&>>;

  runtime::Pool& pool_;
  const IndexOptions options_;
  std::mutex mutex_;
  std::unique_ptr<IndexFile> file_;  // under mutex_
};

}  // namespace lathe::index
