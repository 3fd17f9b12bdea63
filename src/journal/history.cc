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

Error no_parent(const std::string& session_id, const std::string& parent) {
  return broken_fork(session_id, fmt::format("is forked from {}, which does not exist", parent));
}

/// Adds the hashes that members named `blob` and `…_blob` of the record hold. In a text of the record such a member
/// would have its quotes escaped.
void add_blobs(std::string_view line, std::vector<base::Sha256Hex>& blobs) {
  constexpr std::string_view kMember = "blob\":\"";
  for (std::size_t at = line.find(kMember); at != std::string_view::npos; at = line.find(kMember, at)) {
    at += kMember.size();
    blobs.emplace_back(line.substr(at, line.find('"', at) - at));
  }
}

}  // namespace

Result<LoadedSession> History::load(const std::string& session_id) const {
  return fold_up_to(session_id, kLatest, {}, AtDamage::kFail);
}

Result<LoadedSession> History::load_whole_part(const std::string& session_id) const {
  return fold_up_to(session_id, kLatest, {}, AtDamage::kStop);
}

Result<SessionState> History::state_at(const std::string& session_id, std::int64_t seq) const {
  TRY(LoadedSession loaded, fold_up_to(session_id, seq, {}, AtDamage::kFail));
  return std::move(loaded.state);
}

Result<SessionState> History::origin(const std::string& session_id) const {
  TRY_OK(folders_.check(session_id));
  TRY(const StreamReader stream, open_stream(session_id));
  TRY(const First first, first_of(session_id, stream));
  if (!first.fork) return SessionState{.session_id = session_id};
  TRY(LoadedSession parent, load_parent(*first.fork, kLatest, {session_id}, AtDamage::kFail));
  return std::move(parent.state);
}

Result<LoadedSession> History::fold_up_to(const std::string& session_id, std::int64_t limit, Chain chain,
                                          AtDamage at_damage) const {
  TRY_OK(folders_.check(session_id));
  if (std::ranges::find(chain, session_id) != chain.end()) return broken_fork(session_id, "is forked from itself");
  chain.push_back(session_id);
  const StreamPlace recorded = recorded_of(folders_, session_id);
  LoadedSession loaded;
  const auto stream = open_stream(session_id);
  if (!stream.ok()) {
    if (at_damage == AtDamage::kFail || stream.error().code != base::codes::kCorrupt) return stream.error();
    loaded.state.session_id = session_id;
    loaded.damage = stream.error();
    return loaded;
  }
  TRY_OK(start_from_snapshot(loaded, session_id, limit, *stream));
  Result<void> folded;
  if (loaded.offset == 0) {
    loaded.state = SessionState{.session_id = session_id};
    folded = start_from_parent(loaded, session_id, limit, *stream, chain, at_damage);
  }
  if (folded.ok()) folded = fold_stream(loaded, session_id, limit, *stream, chain, recorded);
  if (!folded.ok()) {
    if (at_damage == AtDamage::kFail || folded.error().code != base::codes::kCorrupt) return std::move(folded).error();
    loaded.damage = std::move(folded).error();
  }
  loaded.stream_bytes_read = stream->bytes_read();
  return loaded;
}

Result<void> History::start_from_parent(LoadedSession& loaded, const std::string& session_id, std::int64_t limit,
                                        const StreamReader& stream, const Chain& chain, AtDamage at_damage) const {
  TRY(const First first, first_of(session_id, stream));
  if (!first.fork) return {};
  TRY(LoadedSession parent, load_parent(*first.fork, limit, chain, at_damage));
  loaded.state = std::move(parent.state);
  if (parent.damage) return *std::move(parent.damage);
  return {};
}

Result<void> History::fold_stream(LoadedSession& loaded, const std::string& session_id, std::int64_t limit,
                                  const StreamReader& stream, const Chain& chain, const StreamPlace& recorded) const {
  while (loaded.state.last_seq < limit) {
    TRY(const StreamPage page, stream.read(loaded.offset, kAnyNumber, kPageBytes));
    if (page.lines.empty()) {
      if (loaded.offset == 0 && !folders_.never_begun(session_id)) return no_records(folders_, session_id);
      return check_end(recorded, folders_.journal(session_id), {loaded.offset, loaded.state.last_seq});
    }
    for (const std::string& line : page.lines) {
      if (loaded.state.last_seq >= limit) break;
      TRY_OK(fold_line(loaded, session_id, line, chain));
    }
  }
  return {};
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

Result<LoadedSession> History::load_parent(const ForkedFrom& fork, std::int64_t limit, Chain chain,
                                           AtDamage at_damage) const {
  const std::string child = chain.back();
  auto parent = fold_up_to(fork.session_id, std::min(limit, fork.seq), std::move(chain), at_damage);
  if (!parent.ok()) {
    if (parent.error().code != base::codes::kNotFound) return std::move(parent).error();
    return no_parent(child, fork.session_id);
  }
  if (!parent->damage && limit >= fork.seq && parent->state.last_seq != fork.seq) {
    return broken_fork(child, fmt::format("is forked from record {} of {}, which ends at {}", fork.seq, fork.session_id,
                                          parent->state.last_seq));
  }
  return parent;
}

Result<History::First> History::first_of(const std::string& session_id, const StreamReader& stream) const {
  TRY(const StreamPage page, stream.read(0, 1, 1));
  if (page.lines.empty()) return First{};
  TRY(const Event event,
      protocol::decode_record(page.lines.front()).within("session " + session_id + ", first record"));
  const auto* fork = std::get_if<ForkedFrom>(&event.msg);
  return First{.session = event.session, .fork = fork == nullptr ? std::nullopt : std::optional(*fork)};
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
    TRY(const LoadedSession then,
        fold_up_to(session_id, std::get<protocol::RolledBack>(event->msg).to_seq, before, AtDamage::kFail));
    fold_rollback(loaded.state, *event, then.state, loaded.calls);
  } else {
    fold(loaded.state, *event, loaded.calls);
  }
  loaded.offset += line.size() + 1;
  loaded.last_crc = crc_of(line);
  return {};
}

Result<std::vector<History::Part>> History::parts_of(const std::string& session_id, std::int64_t since) const {
  std::vector<Part> parts;
  Chain chain;
  std::string at = session_id;
  std::int64_t up_to = kLatest;
  while (true) {
    if (auto there = folders_.check(at); !there.ok()) {
      return chain.empty() ? std::move(there).error() : no_parent(chain.back(), at);
    }
    if (std::ranges::find(chain, at) != chain.end()) return broken_fork(at, "is forked from itself");
    chain.push_back(at);
    const StreamPlace recorded = recorded_of(folders_, at);
    TRY(StreamReader stream, open_stream(at));
    TRY(const First first, first_of(at, stream));
    if (first.session.empty() && !folders_.never_begun(at)) return no_records(folders_, at);
    parts.push_back({std::move(stream), folders_.journal(at), up_to, recorded});
    if (!first.fork || first.fork->seq <= since) return parts;
    up_to = std::min(up_to, first.fork->seq);
    at = first.fork->session_id;
  }
}

Result<ports::RecordPage> History::read(const std::string& session_id, std::int64_t since, std::size_t limit,
                                        std::size_t bytes) const {
  TRY(const std::vector<Part> parts, parts_of(session_id, since));
  ports::RecordPage page;
  std::size_t taken_bytes = 0;
  const auto is_full = [&] { return page.records.size() >= limit || taken_bytes >= bytes; };
  std::int64_t due = std::max<std::int64_t>(since, 0) + 1;
  const auto take = [&](const Part& part) -> Result<void> {
    TRY(std::uint64_t offset, part.stream.offset_after(since));
    while (due <= part.up_to && !is_full()) {
      TRY(StreamPage lines, part.stream.read(offset, limit - page.records.size(), kPageBytes));
      if (lines.lines.empty()) return check_end(part.recorded, part.path, {offset, due - 1});
      for (std::string& line : lines.lines) {
        if (due > part.up_to) return {};
        const std::int64_t seq = storage::record_seq(line).value_or(0);
        if (seq != due) {
          return storage::damage_error(part.path, offset, fmt::format("record {} where {} was due", seq, due));
        }
        ++due;
        offset += line.size() + 1;
        taken_bytes += line.size();
        page.records.push_back(std::move(line));
      }
    }
    return {};
  };
  for (const Part& part : std::views::reverse(parts)) {
    if (is_full()) break;
    Result<void> taken = take(part);
    if (taken.ok()) continue;
    if (taken.error().code != base::codes::kCorrupt) return std::move(taken).error();
    page.damage = std::move(taken).error();
    break;
  }
  return page;
}

Result<StreamReader> History::open_stream(const std::string& session_id) const {
  auto stream = StreamReader::open(folders_.journal(session_id));
  const bool lost = !stream.ok() && !folders_.stream_bytes(session_id) && folders_.check(session_id).ok();
  if (lost) return no_records(folders_, session_id);
  return stream;
}

Result<void> History::check_length(const std::string& session_id) const {
  TRY_OK(folders_.check(session_id));
  StreamPlace recorded = recorded_of(folders_, session_id);
  recorded.seq = 0;  // the stream would have to be read
  const auto bytes = folders_.stream_bytes(session_id);
  if (!bytes) return no_records(folders_, session_id);
  return check_end(recorded, folders_.journal(session_id), {.bytes = *bytes, .seq = 0});
}

Result<CheckedStream> History::check(const std::string& session_id) const {
  TRY_OK(folders_.check(session_id));
  const std::string path = folders_.journal(session_id);
  const StreamPlace recorded = recorded_of(folders_, session_id);
  TRY(const StreamReader stream, open_stream(session_id));
  TRY(const First first, first_of(session_id, stream));
  if (first.session.empty()) {
    if (folders_.never_begun(session_id)) return CheckedStream{};
    return no_records(folders_, session_id);
  }
  if (first.session != session_id) return storage::damage_error(path, 0, "a record of session " + first.session);
  if (first.fork && !folders_.check(first.fork->session_id).ok()) return no_parent(session_id, first.fork->session_id);
  std::int64_t due = first.fork ? first.fork->seq + 1 : 1;
  std::uint64_t offset = 0;
  CheckedStream checked;
  while (true) {
    TRY(const StreamPage page, stream.read(offset, kAnyNumber, kPageBytes));
    if (page.lines.empty()) {
      TRY_OK(check_end(recorded, path, {offset, due - 1}));
      checked.bytes_read = stream.bytes_read();
      return checked;
    }
    for (const std::string& line : page.lines) {
      const std::int64_t seq = storage::record_seq(line).value_or(0);
      if (seq != due) return storage::damage_error(path, offset, fmt::format("record {} where {} was due", seq, due));
      ++due;
      offset += line.size() + 1;
      add_blobs(line, checked.blobs);
    }
  }
}

}  // namespace lathe::journal
