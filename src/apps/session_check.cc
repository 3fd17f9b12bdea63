#include "lathe/apps/session_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "lathe/journal/history.h"
#include "lathe/journal/session_folders.h"
#include "lathe/storage/blob_folder.h"
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
Result<journal::CheckedStream> length_of(const journal::History& history, const std::string& session_id) {
  TRY_OK(history.check_length(session_id));
  return journal::CheckedStream{};
}

/// Its Turns are whole, and a fork of it would lack the same bytes: nothing goes on elsewhere.
std::optional<client::DamagedSession> without_blobs(const journal::SessionFolders& folders,
                                                    const storage::BlobFolder& blobs, const std::string& session_id,
                                                    std::vector<base::Sha256Hex> named) {
  std::ranges::sort(named);
  named.erase(std::ranges::unique(named).begin(), named.end());
  std::erase_if(named, [&](const base::Sha256Hex& hash) { return blobs.has(hash); });
  if (named.empty()) return std::nullopt;
  const std::string which = named.size() == 1 ? named[0] : fmt::format("{} and {} more", named[0], named.size() - 1);
  return client::DamagedSession{
      .session_id = session_id,
      .damage = fmt::format("{}: the session names blob {}, which is not there; only a backup has it", folders.blobs(),
                            which),
      .last_turn = {},
      .archived = folders.marks(session_id).archived};
}

}  // namespace

Result<client::SessionHealth> check_sessions(const config::Environment& environment, ReadStreams which) {
  TRY(const config::Paths paths, config::find_paths(environment));
  TRY(const journal::SessionFolders folders,
      journal::SessionFolders::open(paths.state_dir, storage::Disk(), runtime::Durability::kProcess));
  TRY(std::vector<std::string> sessions, folders.list());
  std::ranges::sort(sessions, std::greater());  // their ids sort by time
  TRY(const auto blobs, storage::BlobFolder::open(folders.blobs(), storage::Disk(), runtime::Durability::kProcess));
  const journal::History history(folders);
  client::SessionHealth health;
  std::uint64_t read = 0;
  for (const std::string& session : sessions) {
    const bool only_length = which == ReadStreams::kNewest && read >= kNewestBytes;
    Result<journal::CheckedStream> checked = only_length ? length_of(history, session) : history.check(session);
    if (checked.ok()) {
      read += checked->bytes_read;
      if (auto lacking = without_blobs(folders, blobs, session, std::move(checked->blobs))) {
        health.damaged.push_back(*std::move(lacking));
      } else {
        ++(only_length ? health.unread : health.whole);
      }
    } else if (checked.error().code != base::codes::kNotFound) {  // it may be removed meanwhile
      health.damaged.push_back(describe(folders, session, checked.error()));
    }
  }
  return health;
}

}  // namespace lathe::apps
