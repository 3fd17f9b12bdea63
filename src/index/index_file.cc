#include "lathe/index/index_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/index/projection.h"
#include "lathe/index/queries.h"
#include "lathe/index/schema.h"
#include "lathe/protocol/record.h"
#include "lathe/runtime/files.h"

namespace lathe::index {

using base::Error;
using base::Result;
using storage::Database;
using storage::Query;
using storage::Transaction;

namespace {

constexpr std::size_t kPageBytes = 1U << 20;
/// The log is moved into the database once it is so long.
constexpr std::uint64_t kLogBytes = 4U << 20;
/// Ten thousand would take longer than the list itself; nobody reads further on a screen.
constexpr std::int64_t kNewest = 200;
constexpr base::Millis kPatience{5'000};
/// So much of a text can be found. Every query waits for what is taken in before it, and a text of 10 MB would take
/// seconds.
constexpr std::size_t kSearchedBytes = 256U << 10;

/// Of the index's file, which may be gone once it is made anew.
bool is_damage(const Error& error) {
  return error.code == base::codes::kCorrupt || error.code == base::codes::kUnsupported ||
         error.code == base::codes::kIo;
}

/// Changes with every boot; empty where the kernel does not tell.
std::string boot_id() {
  const auto text = runtime::read_file("/proc/sys/kernel/random/boot_id", 1'024);
  return text.ok() ? std::string(base::trim(*text)) : "";
}

/// With the beginning of texts that are longer than what is searched.
Result<protocol::Event> read_record(const std::string& line) {
  if (line.size() > kSearchedBytes) {
    auto brief = protocol::decode_record(base::without_long_strings(line, kSearchedBytes, kSearchedBytes));
    if (brief.ok()) return brief;
  }
  return protocol::decode_record(line);
}

}  // namespace

Result<void> IndexFile::open() {
  if (database_ && database_->is_current()) return {};
  database_.reset();
  TRY_OK(runtime::make_folders(folder()));
  TRY(Database database, Database::open(path(), lock_path(), memory_dir_.empty() ? disk_ : storage::Disk()));
  TRY_OK(storage::migrate(database, schema()));
  database_ = std::move(database);
  return {};
}

IndexFile::~IndexFile() {
  std::error_code ignored;
  if (!memory_dir_.empty()) std::filesystem::remove_all(memory_dir_, ignored);
}

bool IndexFile::mend(const Error& error, Mended& mended) {
  if (!mended.reopened && was_replaced()) {
    mended.reopened = true;
    return true;
  }
  if (!mended.renewed) {
    mended.renewed = is_damage(error);
    if (renew_if_damaged(error)) return true;
  }
  if (!move_to_memory(error)) return false;
  mended.renewed = false;  // the copy may be damaged
  return true;
}

bool IndexFile::move_to_memory(const Error& why) {
  if (!memory_dir_.empty()) return false;
  if (why.code != base::codes::kNoSpace && why.code != base::codes::kPermission && !is_damage(why)) return false;
  std::string folder = "/dev/shm/lathe-index-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return false;
  // What there is saves reading every stream; without it, or with half of it, they are read.
  std::error_code missing;
  for (const char* name : {"/index.db", "/index.db-wal"}) {
    std::filesystem::copy_file(state_dir_ + name, folder + name, missing);
  }
  database_.reset();
  memory_dir_ = folder;
  warnings_.push_back(fmt::format("{}; lists are made in memory", why.text()));
  return true;
}

Result<void> IndexFile::followed(const std::string& session_id, std::uint64_t position) {
  return memory_dir_.empty() ? source_.followed(session_id, position) : Result<void>();
}

Result<bool> IndexFile::complete() {
  TRY(Query query, database_->query("SELECT value FROM facts WHERE name = 'complete_in_boot'"));
  TRY(const bool known, query.next());
  return known && query.text(0) == boot_id();
}

Result<void> IndexFile::set_complete(bool complete) {
  TRY(Transaction transaction, Transaction::begin(*database_));
  if (complete) {
    TRY_OK(database_->run("INSERT OR REPLACE INTO facts VALUES ('complete_in_boot', ?1)", boot_id()));
  } else {
    TRY_OK(database_->run("DELETE FROM facts WHERE name = 'complete_in_boot'"));
  }
  return transaction.commit();
}

Result<void> IndexFile::catch_up() {
  TRY_OK(open());
  TRY(const bool filled, complete());
  if (!filled) {
    TRY(const protocol::IndexRebuildReply reply, fill());
    warnings_.insert(warnings_.end(), reply.problems.begin(), reply.problems.end());
  }
  TRY(std::vector<std::string> sessions, source_.unfollowed());
  TRY(const std::vector<std::string> damaged, ids("SELECT session_id FROM sessions WHERE damaged"));
  sessions.insert(sessions.end(), damaged.begin(), damaged.end());  // they may be mended
  for (const std::string& session : sessions) {
    TRY(const Followed followed, follow_stream(session));
    // One stream that cannot be read must not hide all others.
    if (followed.problem && followed.is_news) warnings_.push_back(followed.problem->text());
  }
  if (database_->log_bytes() > kLogBytes) TRY_OK(database_->checkpoint());
  return {};
}

/// Only what was written to is looked at otherwise. Their sizes tell cheaply of those whose end, or file, is missing.
Result<void> IndexFile::look_at_newest() {
  struct Known {
    std::string session_id;
    std::uint64_t bytes;
  };
  std::vector<Known> newest;
  {
    TRY(Query query, database_->query("SELECT session_id, position FROM sessions WHERE NOT damaged"
                                      " ORDER BY updated_at DESC, session_id DESC LIMIT ?1",
                                      kNewest));
    while (true) {
      TRY(const bool more, query.next());
      if (!more) break;
      newest.push_back({query.text(0), static_cast<std::uint64_t>(query.integer(1))});
    }
  }
  for (const Known& known : newest) {
    const auto bytes = source_.stream_bytes(known.session_id);
    if (bytes && *bytes >= known.bytes) continue;
    TRY(const Followed followed, follow_stream(known.session_id));
    if (followed.problem && followed.is_news) warnings_.push_back(followed.problem->text());
  }
  return {};
}

Result<protocol::IndexRebuildReply> IndexFile::fill() {
  protocol::IndexRebuildReply reply;
  TRY(const std::vector<std::string> sessions, source_.sessions());
  for (const std::string& session : sessions) {
    TRY(const Followed followed, follow_stream(session));
    reply.records += followed.records;
    reply.sessions += followed.records > 0 ? 1 : 0;
    if (followed.problem) reply.problems.push_back(followed.problem->message);
  }
  const std::set<std::string> there(sessions.begin(), sessions.end());
  TRY(const std::vector<std::string> known, ids("SELECT session_id FROM sessions"));
  for (const std::string& session : known) {
    if (!there.contains(session)) TRY_OK(forget(session));
  }
  TRY_OK(set_complete(true));
  return reply;
}

Result<std::vector<std::string>> IndexFile::ids(const char* sql) {
  TRY(Query query, database_->query(sql));
  std::vector<std::string> found;
  while (true) {
    TRY(const bool more, query.next());
    if (!more) return found;
    found.push_back(query.text(0));
  }
}

Result<void> IndexFile::renew() {
  database_.reset();
  TRY(const storage::FileLock alone, storage::FileLock::wait(lock_path(), storage::LockKind::kExclusive, kPatience));
  for (const char* suffix : {"", "-wal", "-shm"}) TRY_OK(clear(path() + suffix));
  return {};
}

Result<void> IndexFile::clear(const std::string& path) {
  std::error_code missing;
  if (!std::filesystem::is_directory(path, missing)) return disk_.remove_file(path, "index.remove");
  std::string aside = path + ".aside";
  for (int i = 2; runtime::path_exists(aside); ++i) aside = fmt::format("{}.aside-{}", path, i);
  TRY_OK(disk_.rename(path, aside, "index.aside"));
  warnings_.push_back(fmt::format("{} was a folder; it is {} now", path, aside));
  return {};
}

bool IndexFile::renew_if_damaged(const Error& error) {
  if (!is_damage(error)) return false;
  warnings_.push_back(fmt::format("{}; it is made anew from the streams", error.message));
  const auto renewed = renew();
  if (!renewed.ok()) warnings_.push_back(renewed.error().text());
  return renewed.ok();
}

Result<IndexFile::Followed> IndexFile::follow_stream(const std::string& session_id) {
  Followed all;
  do {
    TRY(Followed page, follow_page(session_id));
    all.records += page.records;
    all.at_end = page.at_end;
    all.problem = std::move(page.problem);
    all.is_news = page.is_news;
  } while (!all.at_end);
  return all;
}

Result<std::optional<IndexFile::Followed>> IndexFile::look(const std::string& session_id) {
  using Told = std::optional<Followed>;
  TRY(const Projection known, Projection::load(*database_, session_id));
  const auto next = source_.read_own(session_id, known.position(), 1);
  if (!next.ok() && next.error().code == base::codes::kNotFound) {
    TRY_OK(forget(session_id));
    return Told(Followed{});
  }
  Result<void> sound;
  if (next.ok() && next->lines.empty()) {
    // Of a stream of which nothing is in here, everything may be lost.
    if (known.is_new()) sound = source_.check(session_id);
    if (sound.ok()) {
      TRY_OK(followed(session_id, known.position()));
      return Told(Followed{});
    }
  } else if (!next.ok() && next.error().code == base::codes::kInvalid) {
    sound = source_.check_had(session_id, known.position());
  } else if (!next.ok()) {
    sound = next.error();
  }
  if (sound.ok() || sound.error().code != base::codes::kCorrupt) return Told();
  if (known.damaged()) return Told(Followed{.problem = std::move(sound).error(), .is_news = false});
  TRY(Transaction transaction, Transaction::begin(*database_));
  TRY(Projection projection, Projection::load(*database_, session_id));
  TRY(Followed noted, note_damage(projection, session_id, std::move(sound).error()));
  TRY_OK(transaction.commit());
  return Told(std::move(noted));
}

Result<IndexFile::Followed> IndexFile::note_damage(Projection& projection, const std::string& session_id,
                                                   Error damage) {
  Followed noted{.problem = std::move(damage), .is_news = !projection.damaged()};
  if (projection.is_new()) projection.begin(ports::SessionState{}, source_.marks(session_id));
  projection.set_damaged(true);
  TRY_OK(projection.store(projection.position()));
  return noted;
}

/// What is read here was looked at before, but is read anew inside the transaction, so that two processes do not both
/// take the same records in.
Result<IndexFile::Followed> IndexFile::follow_page(const std::string& session_id) {
  TRY(std::optional<Followed> told, look(session_id));
  if (told) return *std::move(told);
  TRY(Transaction transaction, Transaction::begin(*database_));
  TRY(Projection projection, Projection::load(*database_, session_id));
  auto page = source_.read_own(session_id, projection.position(), kPageBytes);
  Followed done{.at_end = false};
  if (page.ok()) {
    if (page->lines.empty()) return done;  // another process was faster
    TRY(done, take_in(projection, *std::move(page), session_id));
  } else if (page.error().code == base::codes::kInvalid) {
    const Result<void> had = source_.check_had(session_id, projection.position());
    if (had.ok()) {
      TRY_OK(Projection::drop(*database_, session_id));  // another stream lies there: from its start, then
    } else {
      TRY(done, note_damage(projection, session_id, had.error()));
    }
  } else {
    return Followed{.problem = std::move(page).error()};
  }
  TRY_OK(transaction.commit());
  return done;
}

Result<IndexFile::Followed> IndexFile::take_in(Projection& projection, ports::SourcePage page,
                                               const std::string& session_id) {
  if (projection.is_new()) {
    auto origin = source_.origin(session_id);
    if (!origin.ok() && origin.error().code == base::codes::kCorrupt) {
      return note_damage(projection, session_id, std::move(origin).error());
    }
    if (!origin.ok()) return Followed{.problem = std::move(origin).error()};
    projection.begin(*origin, source_.marks(session_id));
  } else {
    projection.take(source_.marks(session_id));
    if (projection.damaged()) projection.set_damaged(!source_.check(session_id).ok());  // it may be mended
  }
  Followed taken{.at_end = false};
  std::uint64_t position = projection.position();
  for (const std::string& line : page.lines) {
    auto event = read_record(line);
    if (!event.ok()) {
      taken.problem = event.error().within("session " + session_id);
      taken.at_end = true;
      break;
    }
    TRY_OK(projection.take(*event));
    position += line.size() + 1;
    ++taken.records;
  }
  if (taken.records > 0) TRY_OK(projection.store(position));
  return taken;
}

Result<void> IndexFile::follow(const std::string& session_id) {
  if (auto ready = open(); !ready.ok()) {
    // The next query mends the file; the mark of the stream makes it follow.
    if (!renew_if_damaged(ready.error())) return ready;
    TRY_OK(open());
  }
  auto followed = follow_stream(session_id);
  if (!followed.ok() && was_replaced()) {
    TRY_OK(open());
    followed = follow_stream(session_id);
  }
  if (!followed.ok()) return std::move(followed).error();
  if (followed->problem) return *followed->problem;
  if (database_->log_bytes() > kLogBytes) return database_->checkpoint();
  return {};
}

Result<protocol::IndexRebuildReply> IndexFile::rebuild() {
  TRY_OK(renew());
  TRY_OK(open());
  return fill();
}

Result<void> IndexFile::archive(const std::string& session_id, bool archived) {
  TRY_OK(source_.set_archived(session_id, archived));
  return answer([&](Database& database) { return take_marks(database, session_id); });
}

Result<protocol::SessionTagReply> IndexFile::tag(const protocol::SessionTag& call) {
  TRY_OK(info(call.session));
  const std::vector<std::string> before = source_.marks(call.session).tags;
  std::set<std::string> after(before.begin(), before.end());
  for (const std::string& tag : call.add) {
    TRY_OK(ports::check_tag(tag));
    after.insert(tag);
  }
  for (const std::string& tag : call.remove) after.erase(tag);
  if (after.size() > ports::kMostTags) {
    return Error{.code = base::codes::kLimit,
                 .message = fmt::format("session {} would have {} tags; {} is the most", call.session, after.size(),
                                        ports::kMostTags),
                 .hint = "take others away first"};
  }
  for (const std::string& tag : call.add) {
    if (after.contains(tag)) TRY_OK(source_.set_tag(call.session, tag, /*there=*/true));
  }
  for (const std::string& tag : call.remove) TRY_OK(source_.set_tag(call.session, tag, /*there=*/false));
  TRY_OK(take_marks(*database_, call.session));
  return protocol::SessionTagReply{.tags = source_.marks(call.session).tags};
}

Result<void> IndexFile::mark_read(const protocol::SessionMarkRead& call, std::optional<std::int64_t> last_seq) {
  // Whoever opens it takes the mark in with the records that come with it.
  const bool stays_closed = !database_ && last_seq && !call.unread;
  if (!stays_closed) {
    TRY(const protocol::SessionInfo session, info(call.session));
    last_seq = session.last_seq;
  }
  const std::int64_t before = source_.marks(call.session).read_seq;
  // What comes later is not looked at, whatever number a client gives.
  const std::int64_t looked_at = call.seq > 0 ? std::min(call.seq, *last_seq) : *last_seq;
  const std::int64_t after = call.unread ? 0 : std::max(before, looked_at);
  if (after == before) return {};
  TRY_OK(source_.set_read(call.session, after));
  if (stays_closed) return {};
  return take_marks(*database_, call.session);
}

Result<protocol::SessionInfo> IndexFile::info(const std::string& session_id) {
  const Result<void> followed = follow(session_id);
  // Of a damaged session the row says what there is.
  if (!followed.ok() && followed.error().code != base::codes::kCorrupt) return followed.error();
  return get_session(*database_, session_id, [this](const std::string& id) { return held(id); });
}

Result<void> IndexFile::take_marks(Database& database, const std::string& session_id) {
  TRY(Transaction transaction, Transaction::begin(database));
  const ports::SessionMarks marks = source_.marks(session_id);
  TRY_OK(database.run("UPDATE sessions SET archived = ?2, tags = ?3, read_seq = ?4 WHERE session_id = ?1", session_id,
                      marks.archived ? 1 : 0, base::join(marks.tags, "\n"), marks.read_seq));
  return transaction.commit();
}

Result<void> IndexFile::check(const std::string& session_id) {
  const Result<void> sound = source_.check(session_id);
  if (!sound.ok() && sound.error().code != base::codes::kCorrupt) return sound;
  return answer([&](Database& database) -> Result<void> {
    TRY(Transaction transaction, Transaction::begin(database));
    TRY_OK(database.run("UPDATE sessions SET damaged = ?2 WHERE session_id = ?1", session_id, sound.ok() ? 0 : 1));
    return transaction.commit();
  });
}

Result<void> IndexFile::forget(const std::string& session_id) {
  TRY_OK(open());
  {
    TRY(Transaction transaction, Transaction::begin(*database_));
    TRY_OK(Projection::drop(*database_, session_id));
    TRY_OK(transaction.commit());
  }
  return followed(session_id, 0);
}

}  // namespace lathe::index
