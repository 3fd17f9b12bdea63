#include "lathe/engine/session_watch.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>
#include <utility>

namespace lathe::engine {

using base::Result;
using runtime::Async;
using runtime::Deadline;

namespace {

/// Other processes are looked at so often.
constexpr base::Millis kInterval{1'000};
/// Changes within this time are told together.
constexpr base::Millis kPause{100};
constexpr std::int64_t kNewest = 100;
/// All are looked at so often at least.
constexpr base::Millis kAllInterval{60'000};
/// About a millisecond's work.
constexpr std::size_t kRowsAtOnce = 200;

std::int64_t total(const protocol::SessionCounts& counts) {
  return counts.idle + counts.running + counts.parked + counts.interrupted + counts.damaged;
}

}  // namespace

SessionWatch::SessionWatch(EngineParts& parts, Shows shows, SetRight set_right)
    : parts_(parts), shows_(shows), set_right_(std::move(set_right)), due_(parts.loop), scope_(parts.loop) {}

Async<Result<void>> SessionWatch::add(std::shared_ptr<EventQueue> queue) {
  CO_TRY(const std::vector<Row> rows, co_await read(/*limit=*/0));
  if (stopped_) co_return base::Error{.code = base::codes::kUnavailable, .message = "the engine is closing"};
  // Between here and the end nothing is waited for, so that no change falls between the rows and what follows them.
  remove(queue.get());
  queue->rejoin();
  tell_changed(rows);
  tell_gone(rows);
  Watcher watcher{.queue = queue, .left = {}, .unknown = {}};
  std::vector<const Row*> newest_first;
  for (const auto& [id, row] : known_) newest_first.push_back(&row);
  std::ranges::sort(newest_first, std::greater(), [](const Row* row) { return row->session.updated_at; });
  for (const Row* row : newest_first) {
    watcher.left.push_back(row->session.session_id);
    watcher.unknown.insert(row->session.session_id);
  }
  tell_next(watcher);
  watchers_.push_back(std::move(watcher));
  queue->on_taken([this, one = queue.get()] { tell_rest(one); });
  if (!std::exchange(working_, true)) scope_.spawn(work());
  co_return Result<void>();
}

void SessionWatch::remove(const EventQueue* queue) {
  if (Watcher* const watcher = find(queue)) watcher->queue->on_taken(nullptr);
  std::erase_if(watchers_, [&](const Watcher& one) { return one.queue.get() == queue; });
  if (watchers_.empty()) look_soon();
}

SessionWatch::Watcher* SessionWatch::find(const EventQueue* queue) {
  const auto found = std::ranges::find_if(watchers_, [&](const Watcher& one) { return one.queue.get() == queue; });
  return found == watchers_.end() ? nullptr : &*found;
}

/// The oldest of what is left, as they are by now.
void SessionWatch::tell_next(Watcher& watcher) {
  for (std::size_t told = 0; told < kRowsAtOnce && !watcher.left.empty(); watcher.left.pop_back()) {
    if (watcher.unknown.erase(watcher.left.back()) == 0) continue;
    const auto known = known_.find(watcher.left.back());
    if (known == known_.end()) continue;
    ++told;
    watcher.queue->push({.event = std::make_shared<const protocol::Event>(event_of(known->second)), .line = nullptr});
  }
}

void SessionWatch::tell_rest(const EventQueue* queue) {
  Watcher* const watcher = find(queue);
  // One that lags starts over.
  if (watcher != nullptr && !queue->lags() && queue->waiting() < kRowsAtOnce) tell_next(*watcher);
}

void SessionWatch::look_soon() {
  if (working_) due_.notify();
}

void SessionWatch::look_at_all() {
  all_due_ = working_;
  look_soon();
}

Async<void> SessionWatch::stop(bool handed_over) {
  stopped_ = true;
  const auto event = std::make_shared<const protocol::Event>(
      protocol::Event{.session = {},
                      .seq = std::nullopt,
                      .id = {},
                      .by = {},
                      .ts = parts_.loop.unix_now(),
                      .msg = protocol::ShutdownComplete{.handed_over = handed_over}});
  for (Watcher& watcher : watchers_) watcher.queue->push({.event = event, .line = nullptr});
  watchers_.clear();
  return scope_.stop();
}

Async<void> SessionWatch::work() {
  while (!watchers_.empty()) {
    (void)co_await due_.wait(scope_.token(), Deadline::after(parts_.loop, kInterval));
    if (!(co_await parts_.loop.sleep(kPause, scope_.token())).ok()) break;
    if (!watchers_.empty()) co_await look();
  }
  working_ = false;
  known_.clear();
  expected_ = 0;
}

Async<void> SessionWatch::look() {
  const bool overdue = parts_.loop.mono_now() - all_looked_at_ >= kAllInterval;
  if (std::exchange(all_due_, false) || overdue) co_return co_await look_at_everything();
  auto rows = co_await read(kNewest);
  // An index that cannot be read now may be at the next look.
  if (!rows.ok()) co_return;
  const bool maybe_more = tell_changed(*rows) && std::ssize(*rows) == kNewest;
  if (maybe_more || !co_await count_fits()) co_await look_at_everything();
}

Async<void> SessionWatch::look_at_everything() {
  all_looked_at_ = parts_.loop.mono_now();
  // Before the rows: what comes between is new once more at the next look.
  const auto counts = co_await parts_.index.counts();
  const auto rows = co_await read(/*limit=*/0);
  if (!rows.ok()) co_return;
  tell_changed(*rows);
  tell_gone(*rows);
  if (counts.ok()) expected_ = total(*counts);
}

Async<bool> SessionWatch::count_fits() {
  const auto counts = co_await parts_.index.counts();
  co_return !counts.ok() || total(*counts) == expected_;
}

Async<Result<std::vector<SessionWatch::Row>>> SessionWatch::read(std::int64_t limit) {
  protocol::SessionList query{.limit = limit, .archived = shows_ == Shows::kAll};
  CO_TRY(protocol::SessionListReply list, co_await parts_.index.list(std::move(query)));
  CO_TRY(const protocol::ApprovalListReply open, co_await parts_.index.open_questions());
  std::map<std::string, std::vector<std::string>> questions;
  for (const protocol::OpenQuestion& question : open.questions) {
    questions[question.session_id].push_back(question.id);
  }
  std::vector<Row> rows;
  rows.reserve(list.sessions.size());
  for (protocol::SessionInfo& session : list.sessions) {
    set_right_(session);
    std::vector<std::string> waits = questions[session.session_id];
    rows.push_back({.session = std::move(session), .open_questions = std::move(waits)});
  }
  co_return rows;
}

bool SessionWatch::tell_changed(const std::vector<Row>& rows) {
  bool all = true;
  // Newest first as they come, and told the other way round.
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    const auto [known, is_new] = known_.try_emplace(row->session.session_id, *row);
    const bool changed = is_new || known->second != *row;
    all &= changed;
    expected_ += is_new ? 1 : 0;
    if (!changed) continue;
    known->second = *row;
    tell(*row);
  }
  return all;
}

void SessionWatch::tell_gone(const std::vector<Row>& rows) {
  std::set<std::string_view> there;
  for (const Row& row : rows) there.insert(row.session.session_id);
  for (auto known = known_.begin(); known != known_.end();) {
    if (there.contains(known->first)) {
      ++known;
      continue;
    }
    known->second.gone = true;
    tell(known->second);
    known = known_.erase(known);
  }
}

void SessionWatch::tell(const Row& row) {
  const auto event = std::make_shared<const protocol::Event>(event_of(row));
  for (Watcher& watcher : watchers_) {
    if (!watcher.unknown.contains(row.session.session_id)) watcher.queue->push({.event = event, .line = nullptr});
  }
}

protocol::Event SessionWatch::event_of(Row row) const {
  std::string session = row.session.session_id;
  return {.session = std::move(session),
          .seq = std::nullopt,
          .id = {},
          .by = {},
          .ts = parts_.loop.unix_now(),
          .msg = std::move(row)};
}

}  // namespace lathe::engine
