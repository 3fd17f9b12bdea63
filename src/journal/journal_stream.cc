#include "lathe/journal/journal_stream.h"

#include <algorithm>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/journal/fold.h"
#include "lathe/journal/recorded.h"
#include "lathe/journal/snapshot.h"
#include "lathe/protocol/record.h"
#include "lathe/protocol/text_size.h"

namespace lathe::journal {

using base::Result;
using ports::AppendedRecord;
using ports::SessionState;
using protocol::Event;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// A snapshot is taken after so many bytes of records, and not before twice its last size has come: what snapshots
/// write stays a part of what records write.
constexpr std::uint64_t kSnapshotEvery = 1U << 20;
constexpr std::uint64_t kTimesItsSize = 2;
constexpr std::size_t kGroupRecords = 256;
/// read() gives no more records at once than have about so much.
constexpr std::size_t kRecordPageBytes = 4U << 20;

/// The item that a record completes, or "".
std::string completed_item(const Event& event) {
  if (const auto* message = std::get_if<protocol::AgentMessage>(&event.msg)) return message->item;
  if (const auto* reasoning = std::get_if<protocol::AgentReasoning>(&event.msg)) return reasoning->item;
  return "";
}

}  // namespace

JournalStream::JournalStream(StreamContext& context, std::string session_id, HeldSession held)
    : context_(context),
      session_id_(std::move(session_id)),
      lock_(std::move(held.lock)),
      writer_(std::move(held.writer)),
      drafts_(std::move(held.drafts)),
      state_(std::move(held.loaded.state)),
      last_crc_(std::move(held.loaded.last_crc)),
      snapshot_offset_(held.loaded.snapshot_offset),
      snapshot_bytes_(held.loaded.snapshot_bytes),
      scope_(context.loop) {}

JournalStream::~JournalStream() {
  CHECK(!writing_);
  if (marked_ && writer_.size() > 0) note_recorded(context_.folders, session_id_, writer_.size());
  context_.marks.closed(session_id_, writer_.size());
  // Nothing was ever said to be in it.
  if (writer_.size() == 0) context_.folders.discard(session_id_);
}

Async<Result<AppendedRecord>> JournalStream::append(Event event) {
  CHECK_REQUEST(protocol::is_durable(event.msg));
  Waiting mine(context_.loop, std::move(event));
  queue_.push_back(&mine);
  if (!writing_) {
    writing_ = true;
    while (!queue_.empty()) {
      Group group = take_group();
      co_await write_group(std::move(group));
    }
    writing_ = false;
    if (snapshot_due()) {
      snapshotting_ = true;
      scope_.spawn(keep_snapshot());
    }
  }
  auto done = co_await mine.done.wait(CancelToken(), Deadline::never());
  CHECK(done.ok());
  co_return *std::move(done);
}

JournalStream::Group JournalStream::take_group() {
  const auto rolls_back = [](const Waiting* waiting) {
    return std::holds_alternative<protocol::RolledBack>(waiting->event.msg);
  };
  auto end = std::next(queue_.begin());
  if (!rolls_back(queue_.front())) {
    while (end != queue_.end() && !rolls_back(*end) &&
           std::distance(queue_.begin(), end) < std::ptrdiff_t{kGroupRecords}) {
      ++end;
    }
  }
  Group group(queue_.begin(), end);
  queue_.erase(queue_.begin(), end);
  return group;
}

Async<void> JournalStream::write_group(Group group) {
  std::optional<SessionState> then;
  Result<void> result;
  if (needs_history(state_, group.front()->event)) {
    const std::int64_t to_seq = std::get<protocol::RolledBack>(group.front()->event.msg).to_seq;
    auto past =
        co_await context_.fs.run([this, to_seq] { return History(context_.folders).state_at(session_id_, to_seq); });
    if (past.ok()) {
      then = *std::move(past);
    } else {
      result = std::move(past).error();
    }
  }
  std::vector<std::string> lines;
  if (result.ok()) result = co_await put(&group, &lines);
  for (std::size_t i = 0; i < group.size(); ++i) {
    Waiting& waiting = *group[i];
    if (!result.ok()) {
      waiting.done.set(result.error());
      continue;
    }
    take_in(waiting.event, then ? &*then : nullptr);
    last_crc_ = crc_of(lines[i]);
    const std::int64_t seq = *waiting.event.seq;
    waiting.done.set(AppendedRecord{.seq = seq,
                                    .event = std::make_shared<const Event>(std::move(waiting.event)),
                                    .line = std::make_shared<const std::string>(std::move(lines[i]))});
  }
}

/// Numbers the events of a group and writes them.
Async<Result<void>> JournalStream::put(Group* group, std::vector<std::string>* lines) {
  std::int64_t seq = state_.last_seq;
  for (Waiting* waiting : *group) {
    waiting->event.session = session_id_;
    waiting->event.seq = ++seq;
  }
  if (!marked_) {
    CO_TRY_OK(context_.marks.mark(session_id_));
    marked_ = true;
  }
  const bool takes_time =
      context_.folders.durability() != runtime::Durability::kProcess ||
      std::ranges::any_of(*group, [](const Waiting* waiting) { return protocol::has_long_text(waiting->event.msg); });
  if (!takes_time) co_return encode_and_append(*group, *lines);
  co_return co_await context_.fs.run([this, group, lines] { return encode_and_append(*group, *lines); });
}

Result<void> JournalStream::encode_and_append(const Group& group, std::vector<std::string>& lines) {
  std::string text;
  for (const Waiting* waiting : group) {
    lines.push_back(protocol::encode_event(waiting->event));
    text += lines.back();
    text += '\n';
  }
  return writer_.append(text, *group.back()->event.seq);
}

void JournalStream::take_in(const Event& event, const SessionState* then) {
  if (then != nullptr) {
    fold_rollback(state_, event, *then, calls_);
  } else {
    fold(state_, event, calls_);
  }
  // A failure leaves a draft that the next load finds completed.
  if (const std::string item = completed_item(event); !item.empty() && drafts_.forget(item)) (void)store_drafts();
}

bool JournalStream::snapshot_due() const {
  const std::uint64_t fresh = writer_.size() - snapshot_offset_;
  return !snapshotting_ && fresh >= std::max(kSnapshotEvery, kTimesItsSize * snapshot_bytes_);
}

Async<void> JournalStream::keep_snapshot() {
  auto snapshot =
      std::make_shared<const Snapshot>(Snapshot{.offset = writer_.size(), .record_crc = last_crc_, .state = state_});
  auto written = co_await context_.fs.run([this, snapshot] {
    return write_snapshot(context_.folders.folder(session_id_), *snapshot, context_.folders.disk(),
                          context_.folders.durability());
  });
  snapshotting_ = false;
  snapshot_offset_ = snapshot->offset;
  if (written.ok()) {
    snapshot_bytes_ = *written;
  } else if (context_.on_warning) {
    context_.on_warning(written.error().within("session " + session_id_ + ": no snapshot").text());
  }
}

Result<void> JournalStream::keep_draft(ports::RecoveredDraft draft) {
  if (!drafts_.keep(std::move(draft))) return {};
  return store_drafts();
}

Result<void> JournalStream::store_drafts() {
  if (storing_drafts_) {
    drafts_changed_ = true;
    return {};
  }
  if (drafts_.text_bytes() <= protocol::kLongTextBytes) return drafts_.store(state_.last_seq);
  storing_drafts_ = true;
  scope_.spawn(store_drafts_aside());
  return {};
}

/// Until what is on disk is what there is. A draft that cannot be kept costs nothing now: the item's own record will
/// meet the same disk and say so.
Async<void> JournalStream::store_drafts_aside() {
  do {
    drafts_changed_ = false;
    const std::int64_t last_seq = state_.last_seq;
    (void)co_await context_.fs.run([drafts = drafts_, last_seq] { return drafts.store(last_seq); });
  } while (drafts_changed_);
  storing_drafts_ = false;
}

Async<Result<std::vector<AppendedRecord>>> JournalStream::read(std::int64_t since, std::size_t limit) {
  co_return co_await context_.fs.run([this, since, limit]() -> Result<std::vector<AppendedRecord>> {
    TRY(ports::RecordPage page, History(context_.folders).read(session_id_, since, limit, kRecordPageBytes));
    if (page.damage) return *std::move(page.damage);
    std::vector<AppendedRecord> records;
    records.reserve(page.records.size());
    for (std::string& line : page.records) {
      TRY(Event event, protocol::decode_record(line));
      const std::int64_t seq = event.seq.value_or(0);
      records.push_back({.seq = seq,
                         .event = std::make_shared<const Event>(std::move(event)),
                         .line = std::make_shared<const std::string>(std::move(line))});
    }
    return records;
  });
}

}  // namespace lathe::journal
