#include "lathe/engine/event_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/protocol/error_codes.h"

namespace lathe::engine {

using base::Result;
using protocol::Event;
using runtime::Async;

namespace {

/// What of an item in flight is kept for those who join; a longer one is told from its completion only.
constexpr std::size_t kMaxInFlightBytes = 1U << 20;
constexpr std::size_t kPageRecords = 500;

struct DeltaParts {
  std::string key;
  std::int64_t offset = 0;
  std::string_view text;
};

std::optional<DeltaParts> parts_of(const protocol::EventMsg& msg) {
  if (const auto* message = std::get_if<protocol::AgentMessageDelta>(&msg)) {
    return DeltaParts{message->item, message->offset, message->text};
  }
  if (const auto* reasoning = std::get_if<protocol::AgentReasoningDelta>(&msg)) {
    return DeltaParts{reasoning->item, reasoning->offset, reasoning->text};
  }
  if (const auto* output = std::get_if<protocol::ExecCommandOutputDelta>(&msg)) {
    return DeltaParts{output->call_id, output->offset, output->text};
  }
  return std::nullopt;
}

/// The item that a durable event completes, or a reset starts anew.
std::string finished_item(const protocol::EventMsg& msg) {
  if (const auto* message = std::get_if<protocol::AgentMessage>(&msg)) return message->item;
  if (const auto* reasoning = std::get_if<protocol::AgentReasoning>(&msg)) return reasoning->item;
  if (const auto* command = std::get_if<protocol::ExecCommandEnd>(&msg)) return command->call_id;
  if (const auto* reset = std::get_if<protocol::ItemReset>(&msg)) return reset->item;
  return "";
}

/// A question to a person, or its answer.
bool is_about_question(const protocol::EventMsg& msg) {
  return std::holds_alternative<protocol::ExecApprovalRequest>(msg) ||
         std::holds_alternative<protocol::ApplyPatchApprovalRequest>(msg) ||
         std::holds_alternative<protocol::ApprovalRequest>(msg) ||
         std::holds_alternative<protocol::ApprovalResolved>(msg) ||
         std::holds_alternative<protocol::UserQuestion>(msg) ||
         std::holds_alternative<protocol::UserQuestionAnswered>(msg);
}

/// The last delta of an item, widened to all of its text.
Event from_start(const InFlight& item) {
  Event event = *item.last;
  std::visit(
      [&]<class M>(M& msg) {
        if constexpr (requires { msg.offset, msg.text; }) {
          msg.offset = 0;
          msg.text = item.text;
        }
      },
      event.msg);
  return event;
}

}  // namespace

const EventFeed::Claim* EventFeed::find_claim() const {
  if (claim_) return &*claim_;
  return above_ == nullptr ? nullptr : above_->find_claim();
}

bool EventFeed::may_drive(const EventQueue* queue) const {
  const Claim* claim = find_claim();
  return claim == nullptr || claim->queue == queue;
}

Result<void> EventFeed::check_may_drive(const EventQueue* queue) const {
  if (may_drive(queue)) return {};
  return base::Error{.code = protocol::error_codes::kClaimed,
                     .message = fmt::format("session {} is claimed by {}", stream_.state().session_id, claimed_by()),
                     .hint = "watch it (lathe attach), or wait until that client leaves",
                     .retryable = true};
}

Result<void> EventFeed::claim(const EventQueue* queue, std::string holder) {
  TRY_OK(check_may_drive(queue));
  claim_ = Claim{.queue = queue, .holder = std::move(holder)};
  return {};
}

void EventFeed::release(const EventQueue* queue) {
  if (claim_ && claim_->queue == queue) claim_.reset();
}

std::string EventFeed::claimed_by() const {
  const Claim* claim = find_claim();
  return claim == nullptr ? "" : claim->holder;
}

Async<Result<std::int64_t>> EventFeed::record(Event event) {
  auto slot = std::make_shared<Slot>();
  outbox_.push_back(slot);
  auto appended = co_await stream_.append(std::move(event));
  if (!appended.ok()) {
    slot->ready = true;
    slot->dropped = true;
    flush();
    co_return std::move(appended).error();
  }
  slot->delivered = {.event = appended->event, .line = appended->line};
  slot->ready = true;
  flush();
  if (on_record_) on_record_();
  co_return appended->seq;
}

void EventFeed::show(Event event) {
  auto slot = std::make_shared<Slot>();
  slot->delivered = {.event = std::make_shared<const Event>(std::move(event)), .line = nullptr};
  slot->ready = true;
  outbox_.push_back(std::move(slot));
  flush();
}

void EventFeed::flush() {
  while (!outbox_.empty() && outbox_.front()->ready) {
    const std::shared_ptr<Slot> slot = std::move(outbox_.front());
    outbox_.pop_front();
    if (slot->dropped) continue;
    const Event& event = *slot->delivered.event;
    track(slot->delivered.event);
    const std::size_t bytes = slot->delivered.line ? slot->delivered.line->size() + 1 : 0;
    for (ports::EventObserver* observer : observers_) observer->see(event, bytes);
    for (Subscriber& subscriber : subscribers_) give(subscriber, slot->delivered);
    if (above_ != nullptr && is_about_question(event.msg)) above_->pass(slot->delivered);
  }
}

void EventFeed::pass(const Delivered& delivered) {
  for (Subscriber& subscriber : subscribers_) give(subscriber, delivered);
  if (above_ != nullptr) above_->pass(delivered);
}

void EventFeed::track(const std::shared_ptr<const Event>& shown) {
  const Event& event = *shown;
  if (const auto parts = parts_of(event.msg)) {
    InFlight& item = in_flight_[parts->key];
    item.last = shown;
    const bool follows = parts->offset == static_cast<std::int64_t>(item.text.size());
    item.cut_short |= !follows || item.text.size() + parts->text.size() > kMaxInFlightBytes;
    if (!item.cut_short) item.text += parts->text;
    return;
  }
  const std::string done = finished_item(event.msg);
  if (!done.empty()) in_flight_.erase(done);
  if (std::holds_alternative<protocol::TaskComplete>(event.msg)) in_flight_.clear();
}

void EventFeed::give(Subscriber& subscriber, const Delivered& delivered) {
  const Event& event = *delivered.event;
  const bool own = event.session == stream_.state().session_id;
  if (own && event.seq && *event.seq <= subscriber.has_until) return;
  if (own && !subscriber.muted.empty()) {
    const auto delta = parts_of(event.msg);
    if (delta && subscriber.muted.contains(delta->key)) return;
    subscriber.muted.erase(finished_item(event.msg));
  }
  if (subscriber.joining) {
    subscriber.held.push_back(delivered);
  } else {
    subscriber.queue->push(delivered);
  }
}

EventFeed::Subscriber* EventFeed::find(const EventQueue* queue) {
  const auto found = std::ranges::find_if(subscribers_, [&](const Subscriber& s) { return s.queue.get() == queue; });
  return found == subscribers_.end() ? nullptr : &*found;
}

Async<Result<void>> EventFeed::subscribe(std::shared_ptr<EventQueue> queue, std::int64_t since, Audience audience) {
  const std::int64_t until = stream_.state().last_seq;
  // Whoever reads the file may have seen what is being appended.
  if (since > until + static_cast<std::int64_t>(outbox_.size())) {
    co_return base::Error{
        .code = base::codes::kInvalid,
        .message = fmt::format("the session has {} events so far, so nobody has seen {}", until, since),
        .hint = "since: 0 gives all of them, -1 only new ones"};
  }
  drop(queue.get());
  queue->rejoin();
  std::map<std::string, Event> flying;
  std::set<std::string> muted;
  for (const auto& [key, item] : in_flight_) {
    flying.emplace(key, from_start(item));
    if (item.cut_short) muted.insert(key);
  }
  subscribers_.push_back({.queue = queue,
                          .audience = audience,
                          .joining = true,
                          .has_until = since < 0 ? 0 : std::max(since, until),
                          .held = {},
                          .muted = since < 0 ? std::set<std::string>() : std::move(muted)});

  Result<void> read_past;
  std::int64_t at = since < 0 ? until : since;
  while (at < until && read_past.ok()) {
    auto page = co_await stream_.read(at, kPageRecords);
    if (!page.ok()) {
      read_past = std::move(page).error();
      break;
    }
    if (page->empty()) break;
    for (ports::AppendedRecord& record : *page) {
      at = record.seq;
      if (at > until) break;
      // Its completion may be on disk and not yet shown.
      flying.erase(finished_item(record.event->msg));
      queue->push({.event = std::move(record.event), .line = std::move(record.line)});
    }
  }
  Subscriber* subscriber = find(queue.get());
  if (subscriber == nullptr) co_return base::Error{.code = base::codes::kCancelled, .message = "unsubscribed"};
  if (!read_past.ok()) {
    unsubscribe(queue.get());
    co_return read_past;
  }
  if (since >= 0) {
    for (auto& [key, event] : flying) {
      queue->push({.event = std::make_shared<const Event>(std::move(event)), .line = nullptr});
    }
  }
  std::vector<Delivered> held = std::move(subscriber->held);
  subscriber->joining = false;
  for (Delivered& delivered : held) queue->push(std::move(delivered));
  co_return Result<void>();
}

void EventFeed::unsubscribe(const EventQueue* queue) {
  release(queue);
  drop(queue);
}

void EventFeed::drop(const EventQueue* queue) {
  std::erase_if(subscribers_, [&](const Subscriber& subscriber) { return subscriber.queue.get() == queue; });
}

}  // namespace lathe::engine
