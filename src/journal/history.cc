#include "lathe/journal/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <system_error>
#include <utility>

#include "lathe/journal/fold.h"
#include "lathe/journal/snapshot.h"
#include "lathe/protocol/record.h"

namespace lathe::journal {

using base::Error;
using base::Result;
using ports::SessionState;
using protocol::Event;
using protocol::ForkedFrom;
using storage::StreamPage;
using storage::StreamReader;

namespace {

constexpr std::size_t kPageBytes = 4U << 20;
constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

Error broken_fork(const std::string& session_id, std::string_view what) {
  return {.code = base::codes::kCorrupt, .message = fmt::format("session {}: {}", session_id, what)};
}

}  // namespace

Result<LoadedSession> History::load(const std::string& session_id) const { return fold_up_to(session_id, kLatest, {}); }

Result<SessionState> History::state_at(const std::string& session_id, std::int64_t seq) const {
  TRY(LoadedSession loaded, fold_up_to(session_id, seq, {}));
  return std::move(loaded.state);
}

Result<SessionState> History::origin(const std::string& session_id) const {
  TRY_OK(folders_.check(session_id));
  TRY(const StreamReader stream, StreamReader::open(folders_.journal(session_id)));
  TRY(const auto fork, fork_of(session_id, stream));
  if (!fork) return SessionState{.session_id = session_id};
  return parent_state(*fork, kLatest, {session_id});
}

Result<LoadedSession> History::fold_up_to(const std::string& session_id, std::int64_t limit, Chain chain) const {
  TRY_OK(folders_.check(session_id));
  if (std::ranges::find(chain, session_id) != chain.end()) return broken_fork(session_id, "is forked from itself");
  chain.push_back(session_id);
  TRY(const StreamReader stream, StreamReader::open(folders_.journal(session_id)));
  LoadedSession loaded;
  TRY_OK(start_from_snapshot(loaded, session_id, limit, stream));
  if (loaded.offset == 0) {
    loaded.state = SessionState{.session_id = session_id};
    TRY(const auto fork, fork_of(session_id, stream));
    if (fork) {
      TRY(loaded.state, parent_state(*fork, limit, chain));
    }
  }
  while (loaded.state.last_seq < limit) {
    TRY(const StreamPage page, stream.read(loaded.offset, kAnyNumber, kPageBytes));
    if (page.lines.empty()) break;
    for (const std::string& line : page.lines) {
      if (loaded.state.last_seq >= limit) break;
      TRY_OK(fold_line(loaded, session_id, line, chain));
    }
  }
  loaded.stream_bytes_read = stream.bytes_read();
  return loaded;
}

Result<void> History::start_from_snapshot(LoadedSession& loaded, const std::string& session_id, std::int64_t limit,
                                          const StreamReader& stream) const {
  for (const SnapshotFile& file : list_snapshots(folders_.folder(session_id))) {
    if (file.seq > limit) continue;
    auto snapshot = read_snapshot(file.path);
    auto usable = snapshot.ok() ? check_snapshot(*snapshot, stream) : Result<void>(snapshot.error());
    if (!usable.ok()) {
      loaded.bad_snapshots.push_back(file.path);
      loaded.warnings.push_back(usable.error().within("a snapshot was passed over").message);
      continue;
    }
    loaded.state = std::move(snapshot->state);
    loaded.offset = loaded.snapshot_offset = snapshot->offset;
    loaded.last_crc = std::move(snapshot->record_crc);
    std::error_code ignored;
    loaded.snapshot_bytes = std::filesystem::file_size(file.path, ignored);
    break;
  }
  return {};
}

Result<SessionState> History::parent_state(const ForkedFrom& fork, std::int64_t limit, Chain chain) const {
  const std::string child = chain.back();
  auto parent = fold_up_to(fork.session_id, std::min(limit, fork.seq), std::move(chain));
  if (!parent.ok()) {
    if (parent.error().code != base::codes::kNotFound) return std::move(parent).error();
    return broken_fork(child, fmt::format("is forked from {}, which does not exist", fork.session_id));
  }
  if (limit >= fork.seq && parent->state.last_seq != fork.seq) {
    return broken_fork(child, fmt::format("is forked from record {} of {}, which ends at {}", fork.seq, fork.session_id,
                                          parent->state.last_seq));
  }
  return std::move(parent->state);
}

Result<std::optional<ForkedFrom>> History::fork_of(const std::string& session_id, const StreamReader& stream) const {
  TRY(const StreamPage page, stream.read(0, 1, 1));
  if (page.lines.empty()) return std::optional<ForkedFrom>();
  TRY(const Event event,
      protocol::decode_record(page.lines.front()).within("session " + session_id + ", first record"));
  const auto* fork = std::get_if<ForkedFrom>(&event.msg);
  return fork == nullptr ? std::optional<ForkedFrom>() : std::optional(*fork);
}

Result<void> History::fold_line(LoadedSession& loaded, const std::string& session_id, const std::string& line,
                                const Chain& chain) const {
  const auto place = [&] { return fmt::format("session {}, record at byte {}", session_id, loaded.offset); };
  auto event = protocol::decode_record(line);
  if (!event.ok()) return event.error().within(place());
  const std::int64_t expected = loaded.state.last_seq + 1;
  if (event->seq != expected || event->session != session_id) {
    return storage::damage_error(
        folders_.journal(session_id), loaded.offset,
        fmt::format("record {} of {} where {} was due", event->seq.value_or(0), event->session, expected));
  }
  if (needs_history(loaded.state, *event)) {
    const Chain before(chain.begin(), chain.end() - 1);
    TRY(const LoadedSession then, fold_up_to(session_id, std::get<protocol::RolledBack>(event->msg).to_seq, before));
    fold_rollback(loaded.state, *event, then.state, loaded.calls);
  } else {
    fold(loaded.state, *event, loaded.calls);
  }
  loaded.offset += line.size() + 1;
  loaded.last_crc = crc_of(line);
  return {};
}

Result<std::vector<std::string>> History::read(const std::string& session_id, std::int64_t since,
                                               std::size_t limit) const {
  struct Part {
    StreamReader stream;
    std::int64_t up_to;
  };
  std::vector<Part> parts;  // the session's own first, then its parents'
  Chain chain;
  std::string at = session_id;
  std::int64_t up_to = kLatest;
  while (true) {
    TRY_OK(folders_.check(at));
    if (std::ranges::find(chain, at) != chain.end()) return broken_fork(at, "is forked from itself");
    chain.push_back(at);
    TRY(StreamReader stream, StreamReader::open(folders_.journal(at)));
    TRY(const auto fork, fork_of(at, stream));
    parts.push_back({std::move(stream), up_to});
    if (!fork || fork->seq <= since) break;
    up_to = std::min(up_to, fork->seq);
    at = fork->session_id;
  }
  std::vector<std::string> records;
  for (const Part& part : std::views::reverse(parts)) {
    TRY(std::uint64_t offset, part.stream.offset_after(since));
    bool more = true;
    while (more && records.size() < limit) {
      TRY(StreamPage page, part.stream.read(offset, limit - records.size(), kPageBytes));
      more = !page.lines.empty();
      offset = page.next_offset;
      for (std::string& line : page.lines) {
        more = storage::record_seq(line).value_or(0) <= part.up_to;
        if (!more) break;
        records.push_back(std::move(line));
      }
    }
  }
  return records;
}

}  // namespace lathe::journal
