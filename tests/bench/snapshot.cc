#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/check.h"
#include "lathe/journal/blob_store.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/storage/blob_folder.h"
#include "lathe/undo/session_history.h"

//   lathe_bench_snapshot ROOT STATE_DIR    snapshots the workspace again and again; prints the milliseconds of the
//   first,
//                                          the median of the others with nothing changed, and of the first of a new
//                                          session, which reads what the one before it kept

namespace {

constexpr int kTimes = 9;

struct Session {
  Session(lathe::runtime::Loop& loop, lathe::runtime::Pool& pool, lathe::journal::FolderBlobStore& blobs,
          const std::string& root, const std::string& state, const std::string& name)
      : loop_(loop),
        history_(pool, blobs,
                 lathe::undo::HistoryOptions{.folder = state + "/" + name,
                                             .cache_folder = state + "/cache",
                                             .root = root,
                                             .left_out = state,
                                             .secrets = {},
                                             .disk = lathe::storage::Disk(),
                                             .run_git = {}}) {}

  double snapshot() {
    const auto start = std::chrono::steady_clock::now();
    const auto taken = loop_.block_on(history_.before_command());
    CHECK(taken.ok());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    CHECK(loop_.block_on(history_.after_command()).ok());
    return took.count();
  }

 private:
  lathe::runtime::Loop& loop_;
  lathe::undo::SessionHistory history_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 1;
  const std::string root = words[1];
  const std::string state = words[2];
  lathe::runtime::Loop loop;
  lathe::runtime::Pool pool(loop, "fs", 4);
  auto folder =
      lathe::storage::BlobFolder::open(state + "/blobs", lathe::storage::Disk(), lathe::runtime::Durability::kProcess);
  CHECK(folder.ok());
  lathe::journal::FolderBlobStore blobs(*std::move(folder));
  Session session(loop, pool, blobs, root, state, "one");
  const double first = session.snapshot();
  std::vector<double> again;
  for (int i = 0; i < kTimes; ++i) again.push_back(session.snapshot());
  std::ranges::sort(again);
  const double fresh = Session(loop, pool, blobs, root, state, "two").snapshot();
  fmt::print("{:.1f} {:.1f} {:.1f}\n", first, again[again.size() / 2], fresh);
  return 0;
}
