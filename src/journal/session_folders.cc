#include "lathe/journal/session_folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "lathe/base/ids.h"
#include "lathe/journal/recorded.h"
#include "lathe/storage/filesystem.h"

namespace lathe::journal {

namespace fs = std::filesystem;
using base::Error;
using base::Result;
using storage::Disk;
using storage::FileLock;

namespace {

/// Names in a folder that are session ids.
Result<std::vector<std::string>> ids_in(const std::string& folder) {
  std::vector<std::string> ids;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    std::string name = entry.path().filename();
    if (base::is_uuid(name)) ids.push_back(std::move(name));
  }
  if (failed) return base::errno_error(failed.value(), folder);
  return ids;
}

}  // namespace

SessionFolders::SessionFolders(std::string state_dir, Disk disk, runtime::Durability durability)
    : state_dir_(std::move(state_dir)),
      sessions_(state_dir_ + "/sessions"),
      trash_(state_dir_ + "/trash"),
      disk_(disk),
      durability_(durability) {}

Result<SessionFolders> SessionFolders::open(std::string state_dir, Disk disk, runtime::Durability durability) {
  SessionFolders folders(std::move(state_dir), disk, durability);
  TRY_OK(runtime::make_folders(folders.state_dir_));
  TRY_OK(storage::refuse_network_filesystem(folders.state_dir_));
  for (const std::string& folder : {folders.sessions_, folders.trash_, folders.marks()}) {
    TRY_OK(runtime::make_folders(folder));
  }
  TRY_OK(folders.end_removals());
  return folders;
}

Result<void> SessionFolders::check(const std::string& session_id) const {
  if (!base::is_uuid(session_id)) {
    return Error{.code = base::codes::kInvalid,
                 .message = "\"" + session_id.substr(0, 80) + "\" is not a session id",
                 .hint = "lathe session list shows the ids"};
  }
  if (runtime::path_exists(journal(session_id)) || keeps_more(session_id)) return {};
  return Error{.code = base::codes::kNotFound,
               .message = "there is no session " + session_id,
               .hint = "lathe session list shows those there are"};
}

Result<std::vector<std::string>> SessionFolders::list() const { return ids_in(sessions_); }

Result<void> SessionFolders::create(const std::string& session_id) const {
  if (!base::is_uuid(session_id)) return check(session_id);
  if (auto made = disk_.create_folder(folder(session_id), "session.create"); !made.ok()) {
    if (made.error().code != base::codes::kExists) return made;
    return Error{.code = base::codes::kExists, .message = "there is a session " + session_id + " already"};
  }
  return disk_.sync_folder(sessions_, "session.sync_folder", durability_);
}

Result<FileLock> SessionFolders::lock(const std::string& session_id) const {
  Result<FileLock> lock = FileLock::acquire(lock_path(session_id), storage::LockKind::kExclusive);
  if (lock.ok()) return lock;
  return lock.error().within("session " + session_id);
}

bool SessionFolders::held(const std::string& session_id) const {
  return base::is_uuid(session_id) && storage::is_locked(lock_path(session_id));
}

std::optional<std::uint64_t> SessionFolders::stream_bytes(const std::string& session_id) const {
  struct stat status{};
  if (::stat(journal(session_id).c_str(), &status) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

bool SessionFolders::keeps_more(const std::string& session_id) const {
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder(session_id), missing)) {
    if (entry.path() != journal(session_id) && entry.path() != lock_path(session_id)) return true;
  }
  return false;
}

/// Whoever began a session leaves more than these two files, or a stream that was changed after it was made. A file
/// system that does not tell when a file was made leaves it at the first.
bool SessionFolders::never_begun(const std::string& session_id) const {
  if (held(session_id)) return true;
  if (keeps_more(session_id)) return false;
  struct statx status{};
  if (::statx(AT_FDCWD, journal(session_id).c_str(), 0, STATX_SIZE | STATX_MTIME | STATX_BTIME, &status) != 0) {
    return true;
  }
  if (status.stx_size > 0 || (status.stx_mask & STATX_BTIME) == 0) return true;  // its first record was torn
  return status.stx_mtime.tv_sec == status.stx_btime.tv_sec && status.stx_mtime.tv_nsec == status.stx_btime.tv_nsec;
}

ports::SessionMarks SessionFolders::marks(const std::string& session_id) const {
  if (!base::is_uuid(session_id)) return {};
  const std::string here = folder(session_id);
  ports::SessionMarks marks{.archived = runtime::path_exists(here + "/archived"),
                            .read_seq = static_cast<std::int64_t>(noted_number(here + "/read"))};
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(here + "/tags", missing)) {
    std::string tag = entry.path().filename();
    if (ports::check_tag(tag).ok()) marks.tags.push_back(std::move(tag));
  }
  std::ranges::sort(marks.tags);
  return marks;
}

Result<void> SessionFolders::set_archived(const std::string& session_id, bool archived) const {
  TRY_OK(check(session_id));
  const std::string path = folder(session_id) + "/archived";
  return archived ? disk_.create_file(path, "archive.create") : disk_.remove_file(path, "archive.remove");
}

/// Each a file of its own, so that what two processes change at once is all there.
Result<void> SessionFolders::set_tag(const std::string& session_id, const std::string& tag, bool there) const {
  TRY_OK(check(session_id));
  TRY_OK(ports::check_tag(tag));
  const std::string tags = folder(session_id) + "/tags";
  if (!there) return disk_.remove_file(tags + "/" + tag, "tag.remove");
  TRY_OK(make_own_folder(tags, "tag.create_folder"));
  return disk_.create_file(tags + "/" + tag, "tag.create");
}

/// A look that is lost with the power is made once more.
Result<void> SessionFolders::set_read(const std::string& session_id, std::int64_t read_seq) const {
  TRY_OK(check(session_id));
  return disk_.replace_file(folder(session_id) + "/read", fmt::format("{}\n", read_seq), "read",
                            runtime::Durability::kProcess);
}

Result<void> SessionFolders::make_own_folder(const std::string& path, std::string_view operation) const {
  auto made = disk_.create_folder(path, operation);
  return !made.ok() && made.error().code == base::codes::kExists ? Result<void>() : made;
}

Result<void> SessionFolders::note_fork(const std::string& parent, const std::string& child) const {
  const std::string forks = folder(parent) + "/forks";
  TRY_OK(make_own_folder(forks, "fork.create_folder"));
  return disk_.create_file(forks + "/" + child, "fork.note");
}

std::optional<std::string> SessionFolders::live_fork(const std::string& folder_of_parent) const {
  const auto children = ids_in(folder_of_parent + "/forks");
  if (!children.ok()) return std::nullopt;
  for (const std::string& child : *children) {
    if (runtime::path_exists(folder(child))) return child;
  }
  return std::nullopt;
}

/// The folder is moved out of the way in one step and looked at once more, because a fork may have been noted in
/// between; only then its files go.
Result<void> SessionFolders::remove(const std::string& session_id) const {
  const auto refused = [&](const std::string& child) {
    return Error{.code = base::codes::kExists,
                 .message = fmt::format("session {} cannot go: session {} is forked from it", session_id, child),
                 .hint = "remove that one first: lathe session rm " + child};
  };
  const std::string here = folder(session_id);
  const std::string moved = trash_ + "/" + session_id;
  if (const auto child = live_fork(here)) return refused(*child);
  TRY_OK(disk_.rename(here, moved, "session.remove"));
  if (const auto child = live_fork(moved)) {
    TRY_OK(disk_.rename(moved, here, "session.bring_back"));
    return refused(*child);
  }
  std::error_code failed;
  fs::remove_all(moved, failed);
  if (failed) return base::errno_error(failed.value(), moved);
  return {};
}

void SessionFolders::discard(const std::string& session_id) const {
  std::error_code ignored;
  fs::remove_all(folder(session_id), ignored);
}

Result<void> SessionFolders::end_removals() const {
  TRY(const std::vector<std::string> ids, ids_in(trash_));
  for (const std::string& id : ids) {
    const std::string moved = trash_ + "/" + id;
    if (live_fork(moved)) {
      TRY_OK(disk_.rename(moved, folder(id), "session.bring_back"));
      continue;
    }
    std::error_code ignored;  // another process may be at it
    fs::remove_all(moved, ignored);
  }
  return {};
}

}  // namespace lathe::journal
