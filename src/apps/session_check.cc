#include "lathe/apps/session_check.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "lathe/journal/history.h"
#include "lathe/journal/session_folders.h"
#include "lathe/storage/disk.h"

namespace lathe::apps {

using base::Result;
using client::ReadStreams;

namespace {

/// About half a second's reading.
constexpr std::uint64_t kNewestBytes = 256U << 20;

client::DamagedSession describe(const journal::SessionFolders& folders, const std::string& session_id,
                                const base::Error& damage) {
  client::DamagedSession damaged{.session_id = session_id,
                                 .damage = damage.text(),
                                 .last_turn = {},
                                 .archived = folders.marks(session_id).archived};
  const auto whole = journal::History(folders).load_whole_part(session_id);
  const auto turn = whole.ok() ? whole->state.bookmarks.last() : std::nullopt;
  if (turn) damaged.last_turn = turn->response_id;
  return damaged;
}

/// Past the bound only its length tells of a stream. Nothing was read of it.
Result<std::uint64_t> length_of(const journal::SessionFolders& folders, const std::string& session_id) {
  TRY_OK(journal::History(folders).check_length(session_id));
  return std::uint64_t{0};
}

}  // namespace

Result<client::SessionHealth> check_sessions(const config::Environment& environment, ReadStreams which) {
  TRY(const config::Paths paths, config::find_paths(environment));
  TRY(const journal::SessionFolders folders,
      journal::SessionFolders::open(paths.state_dir, storage::Disk(), runtime::Durability::kProcess));
  TRY(std::vector<std::string> sessions, folders.list());
  std::ranges::sort(sessions, std::greater());  // their ids sort by time
  const journal::History history(folders);
  client::SessionHealth health;
  std::uint64_t read = 0;
  for (const std::string& session : sessions) {
    const bool only_length = which == ReadStreams::kNewest && read >= kNewestBytes;
    const Result<std::uint64_t> checked = only_length ? length_of(folders, session) : history.check(session);
    if (checked.ok()) {
      read += *checked;
      ++(only_length ? health.unread : health.whole);
    } else if (checked.error().code != base::codes::kNotFound) {  // it may be removed meanwhile
      health.damaged.push_back(describe(folders, session, checked.error()));
    }
  }
  return health;
}

}  // namespace lathe::apps
