#include "lathe/journal/journal_store.h"

#include <fmt/format.h>

#include <utility>

#include "lathe/journal/blob_store.h"
#include "lathe/journal/follow_marks.h"
#include "lathe/journal/history.h"
#include "lathe/journal/journal_stream.h"
#include "lathe/journal/recorded.h"
#include "lathe/journal/session_folders.h"
#include "lathe/journal/stream_source.h"

namespace lathe::journal {

using base::Error;
using base::Result;
using ports::SessionStream;
using runtime::Async;
using storage::Disk;
using storage::StreamReader;
using storage::StreamWriter;

struct JournalStore::Parts {
  Parts(runtime::Loop& loop, runtime::Pool& fs, SessionFolders f, storage::BlobFolder blob_folder,
        const JournalOptions& options)
      : folders(std::move(f)),
        marks(
            folders.marks(), folders.disk(), [this](const std::string& id) { return folders.held(id); },
            [this](const std::string& id) { return folders.stream_bytes(id); }),
        source(folders, marks),
        blobs(std::move(blob_folder)),
        context{.loop = loop, .fs = fs, .folders = folders, .marks = marks, .on_warning = options.on_warning} {}

  void warn(const std::string& text) const {
    if (context.on_warning) context.on_warning(text);
  }

  const SessionFolders folders;
  FollowMarks marks;
  StreamSource source;
  FolderBlobStore blobs;
  StreamContext context;
};

namespace {

/// An empty session of that id, held.
Result<HeldSession> make_session(const SessionFolders& folders, const std::string& session_id) {
  TRY_OK(folders.create(session_id));
  const auto fill = [&]() -> Result<HeldSession> {
    TRY(storage::FileLock lock, folders.lock(session_id));
    const std::string path = folders.journal(session_id);
    TRY(StreamWriter writer, StreamWriter::open(path, folders.disk(), folders.durability()));
    TRY_OK(folders.disk().sync_folder(folders.folder(session_id), "session.sync_folder", folders.durability()));
    TRY(const StreamReader stream, StreamReader::open(path));
    TRY(Drafts drafts, Drafts::load(folders.drafts(session_id), stream, folders.disk()));
    LoadedSession loaded;
    loaded.state.session_id = session_id;
    return HeldSession{std::move(lock), std::move(writer), std::move(loaded), std::move(drafts)};
  };
  auto held = fill();
  if (!held.ok()) folders.discard(session_id);
  return held;
}

/// Nothing about the session changes but through whoever has it.
Result<storage::FileLock> lock_session(const SessionFolders& folders, const std::string& session_id) {
  Result<storage::FileLock> lock = folders.lock(session_id);
  if (lock.ok() || lock.error().code != base::codes::kLocked) return lock;
  Error error = std::move(lock).error();
  const auto whole = History(folders).load_whole_part(session_id);
  const bool may_fork = whole.ok() && !whole->state.bookmarks.empty();
  error.hint =
      may_fork ? "wait for it, end it, or work beside it in a fork: lathe session fork " + session_id
               : std::string("wait for it, or end it; it is in its first Turn, before which there is nothing to fork");
  return error;
}

/// The damage of a session with what can still be done about it.
Error stays_closed(const std::string& session_id, const LoadedSession& whole) {
  Error error = whole.damage->within(fmt::format("session {} is damaged", session_id));
  const auto turn = whole.state.bookmarks.last();
  error.hint = turn ? fmt::format(
                          "lathe session fork {} --at {} goes on from its last whole Turn; a backup of the file"
                          " has the rest",
                          session_id, turn->response_id)
                    : "no Turn before the damage is whole to go on from; bring the file back from a backup";
  return error;
}

/// Whether the stream can be opened; looks only, so that a damaged one stays as it is. A torn tail is no damage.
Result<void> check_before_opening(const SessionFolders& folders, const std::string& session_id) {
  TRY(LoadedSession whole, History(folders).load_whole_part(session_id));
  if (!whole.damage && whole.offset == 0) whole.damage = no_records(folders, session_id);
  if (!whole.damage) return {};
  if (whole.offset > 0) {
    const std::string path = folders.journal(session_id);
    const StreamPlace recorded = recorded_of(folders, session_id);
    TRY(const std::uint64_t tail, StreamWriter::tail_of(path));
    const bool torn_tail = whole.offset == tail;
    if (torn_tail && check_end(recorded, path, {whole.offset, whole.state.last_seq}).ok()) return {};
  }
  return stays_closed(session_id, whole);
}

/// The lock first: from then on nothing about the session changes but through us.
Result<HeldSession> hold_session(const SessionFolders& folders, const std::string& session_id) {
  TRY_OK(folders.check(session_id));
  TRY(storage::FileLock lock, lock_session(folders, session_id));
  const std::string path = folders.journal(session_id);
  auto first_look = History(folders).load(session_id);
  if (!first_look.ok() || first_look->offset == 0) TRY_OK(check_before_opening(folders, session_id));
  TRY(StreamWriter writer, StreamWriter::open(path, folders.disk(), folders.durability()));
  // Once more where a torn tail was in the way.
  if (!first_look.ok()) first_look = History(folders).load(session_id);
  TRY(LoadedSession loaded, std::move(first_look));
  for (const std::string& bad : loaded.bad_snapshots) TRY_OK(folders.disk().remove_file(bad, "snapshot.remove"));
  if (writer.torn()) {
    loaded.warnings.push_back(
        fmt::format("session {}: a record that a crash had torn was cut off; its {} bytes are in {}", session_id,
                    writer.torn()->bytes, writer.torn()->kept_in));
  }
  TRY(const StreamReader stream, StreamReader::open(path));
  TRY(Drafts drafts, Drafts::load(folders.drafts(session_id), stream, folders.disk()));
  return HeldSession{std::move(lock), std::move(writer), std::move(loaded), std::move(drafts)};
}

/// A session that holds nothing yet and starts from the parent's state at `seq`. The parent is told first, so that it
/// is not removed under its child.
Result<HeldSession> make_fork(const SessionFolders& folders, const std::string& parent, std::int64_t seq,
                              const std::string& child) {
  TRY(ports::SessionState state, History(folders).state_at(parent, seq));
  if (seq < 1 || state.last_seq != seq) {
    return Error{.code = base::codes::kNotFound, .message = fmt::format("session {} has no record {}", parent, seq)};
  }
  TRY_OK(folders.note_fork(parent, child));
  TRY(HeldSession held, make_session(folders, child));
  if (auto there = folders.check(parent); !there.ok()) {
    folders.discard(child);
    return std::move(there).error();
  }
  held.loaded.state = std::move(state);
  return held;
}

}  // namespace

JournalStore::JournalStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
JournalStore::~JournalStore() = default;

Result<std::unique_ptr<JournalStore>> JournalStore::create(runtime::Loop& loop, runtime::Pool& fs,
                                                           JournalOptions options) {
  const Disk disk(options.faults, options.sync_times);
  TRY(SessionFolders folders, SessionFolders::open(options.state_dir, disk, options.durability));
  TRY(storage::BlobFolder blobs, storage::BlobFolder::open(folders.blobs(), disk, options.durability));
  auto parts = std::make_unique<Parts>(loop, fs, std::move(folders), std::move(blobs), options);
  return std::unique_ptr<JournalStore>(new JournalStore(std::move(parts)));
}

Async<Result<std::unique_ptr<SessionStream>>> JournalStore::create(std::string session_id) {
  auto held =
      co_await parts_->context.fs.run([this, &session_id] { return make_session(parts_->folders, session_id); });
  if (!held.ok()) co_return std::move(held).error();
  co_return std::make_unique<JournalStream>(parts_->context, session_id, *std::move(held));
}

Async<Result<std::unique_ptr<SessionStream>>> JournalStore::open(std::string session_id) {
  auto held =
      co_await parts_->context.fs.run([this, &session_id] { return hold_session(parts_->folders, session_id); });
  if (!held.ok()) co_return std::move(held).error();
  for (const std::string& warning : held->loaded.warnings) parts_->warn(warning);
  co_return std::make_unique<JournalStream>(parts_->context, session_id, *std::move(held));
}

Async<Result<std::unique_ptr<SessionStream>>> JournalStore::fork(std::string parent, std::int64_t seq,
                                                                 std::string response_id, std::string new_session_id) {
  auto held = co_await parts_->context.fs.run([&] { return make_fork(parts_->folders, parent, seq, new_session_id); });
  if (!held.ok()) co_return std::move(held).error();
  auto stream = std::make_unique<JournalStream>(parts_->context, new_session_id, *std::move(held));
  protocol::Event first;
  first.ts = parts_->context.loop.unix_now();
  first.msg = protocol::ForkedFrom{.session_id = parent, .seq = seq, .response_id = std::move(response_id)};
  auto appended = co_await stream->append(std::move(first));
  if (!appended.ok()) {
    co_await stream->close();
    stream.reset();
    parts_->folders.discard(new_session_id);
    co_return std::move(appended).error();
  }
  co_return std::unique_ptr<SessionStream>(std::move(stream));
}

Async<Result<ports::SessionState>> JournalStore::peek(std::string session_id) {
  auto loaded =
      co_await parts_->context.fs.run([this, &session_id] { return History(parts_->folders).load(session_id); });
  if (!loaded.ok()) co_return std::move(loaded).error();
  co_return std::move(loaded->state);
}

Async<Result<ports::WholePart>> JournalStore::peek_whole(std::string session_id) {
  auto loaded = co_await parts_->context.fs.run(
      [this, &session_id] { return History(parts_->folders).load_whole_part(session_id); });
  if (!loaded.ok()) co_return std::move(loaded).error();
  co_return ports::WholePart{.state = std::move(loaded->state), .damage = std::move(loaded->damage)};
}

Async<Result<ports::RecordPage>> JournalStore::read(std::string session_id, std::int64_t since, std::size_t limit) {
  auto page = co_await parts_->context.fs.run([&] { return History(parts_->folders).read(session_id, since, limit); });
  co_return page;
}

Async<Result<void>> JournalStore::check_free(std::string session_id) {
  auto checked = co_await parts_->context.fs.run([this, &session_id]() -> Result<void> {
    TRY_OK(parts_->folders.check(session_id));
    if (!parts_->folders.held(session_id)) return {};
    // Only the attempt to take it tells who has it.
    TRY(const storage::FileLock lock, lock_session(parts_->folders, session_id));
    return {};
  });
  co_return checked;
}

Async<Result<void>> JournalStore::remove(std::string session_id) {
  auto removed = co_await parts_->context.fs.run([this, &session_id]() -> Result<void> {
    TRY_OK(parts_->folders.check(session_id));
    TRY(const storage::FileLock lock, lock_session(parts_->folders, session_id));
    TRY_OK(parts_->marks.note(session_id));
    return parts_->folders.remove(session_id);
  });
  co_return removed;
}

bool JournalStore::held(const std::string& session_id) const { return parts_->folders.held(session_id); }
ports::SessionPlace JournalStore::place(const std::string& session_id) const {
  return {.folder = parts_->folders.folder(session_id), .journal = parts_->folders.journal(session_id)};
}

ports::SessionSource& JournalStore::source() { return parts_->source; }
ports::BlobStore& JournalStore::blobs() { return parts_->blobs; }

}  // namespace lathe::journal
