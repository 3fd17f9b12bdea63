#include "lathe/engine/session_watch.h"

#include <algorithm>
#include <set>
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

}  // namespace

SessionWatch::SessionWatch(EngineParts& parts, Shows shows)
    : parts_(parts), shows_(shows), due_(parts.loop), scope_(parts.loop) {}

Async<Result<void>> SessionWatch::add(std::shared_ptr<EventQueue> queue) {
  CO_TRY(const std::vector<Row> rows, co_await read(/*limit=*/0));
  if (stopped_) co_return base::Error{.code = base::codes::kUnavailable, .message = "the engine is closing"};
  // Between here and the end nothing is waited for, so that no change falls between the rows and what follows them.
  remove(queue.get());
  queue->rejoin();
  tell_changed(rows);
  tell_gone(rows);
  std::vector<const Row*> oldest_first;
  for (const auto& [id, row] : known_) oldest_first.push_back(&row);
  std::ranges::sort(oldest_first, {}, [](const Row* row) { return row->session.updated_at; });
  for (const Row* row : oldest_first) {
    queue->push({.event = std::make_shared<const protocol::Event>(event_of(*row)), .line = nullptr});
  }
  watchers_.push_back(std::move(queue));
  if (!std::exchange(working_, true)) scope_.spawn(work());
  co_return Result<void>();
}

void SessionWatch::remove(const EventQueue* queue) {
  std::erase_if(watchers_, [&](const std::shared_ptr<EventQueue>& one) { return one.get() == queue; });
  if (watchers_.empty()) look_soon();
}

void SessionWatch::look_soon() {
  if (working_) due_.notify();
}

void SessionWatch::look_at_all() {
  all_due_ = working_;
  look_soon();
}

Async<void> SessionWatch::stop() {
  stopped_ = true;
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
}

Async<void> SessionWatch::look() {
  const bool all = std::exchange(all_due_, false);
  auto rows = co_await read(all ? 0 : kNewest);
  // An index that cannot be read now may be at the next look.
  if (!rows.ok()) co_return;
  const bool maybe_more = tell_changed(*rows) && !all && std::ssize(*rows) == kNewest;
  if (all) tell_gone(*rows);
  if (!maybe_more) co_return;
  rows = co_await read(/*limit=*/0);
  if (rows.ok()) tell_changed(*rows);
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
    if (!changed) continue;
    known->second = *row;
    tell(*row);
  }
  return all;
}

void SessionWatch::tell_gone(const std::vector<Row>& rows) {
  std::set<std::string> there;
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
  for (const std::shared_ptr<EventQueue>& watcher : watchers_) watcher->push({.event = event, .line = nullptr});
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
