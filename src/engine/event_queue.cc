#include "lathe/engine/event_queue.h"

#include <algorithm>

namespace lathe::engine {

using protocol::AgentMessageDelta;
using protocol::AgentReasoningDelta;
using protocol::Event;
using protocol::ExecCommandOutputDelta;
using protocol::SessionChanged;

namespace {

constexpr std::size_t kEventOverhead = 200;
/// One merged delta grows to this; the next one starts another event.
constexpr std::size_t kMaxMergedBytes = 256U << 10;

template <class D>
bool goes_on(const D& last, const D& next) {
  return next.offset == last.offset + static_cast<std::int64_t>(last.text.size()) &&
         last.text.size() + next.text.size() <= kMaxMergedBytes;
}

/// Whether `next` is the text that comes right after that of `last`.
bool goes_on(const protocol::EventMsg& last, const protocol::EventMsg& next) {
  if (last.index() != next.index()) return false;
  if (const auto* message = std::get_if<AgentMessageDelta>(&last)) {
    const auto& more = std::get<AgentMessageDelta>(next);
    return message->item == more.item && goes_on(*message, more);
  }
  if (const auto* reasoning = std::get_if<AgentReasoningDelta>(&last)) {
    const auto& more = std::get<AgentReasoningDelta>(next);
    return reasoning->item == more.item && goes_on(*reasoning, more);
  }
  if (const auto* output = std::get_if<ExecCommandOutputDelta>(&last)) {
    const auto& more = std::get<ExecCommandOutputDelta>(next);
    return output->call_id == more.call_id && output->stream == more.stream && goes_on(*output, more);
  }
  return false;
}

/// Adds the text of a delta to that of another one of its type.
void append_text(protocol::EventMsg& last, const protocol::EventMsg& next) {
  std::visit(
      [&]<class M>(M& delta) {
        if constexpr (requires { delta.offset, delta.text; }) delta.text += std::get<M>(next).text;
      },
      last);
}

/// An older row of the same session is looked for among so many that wait.
constexpr std::ptrdiff_t kRowsLookedAt = 256;
/// Of a session's row, beside its texts.
constexpr std::size_t kRowBytes = 400;

std::size_t text_bytes(const protocol::EventMsg& msg) {
  if (const auto* row = std::get_if<SessionChanged>(&msg)) {
    return kRowBytes + row->session.title.size() + row->session.cwd.size();
  }
  if (const auto* message = std::get_if<AgentMessageDelta>(&msg)) return message->text.size();
  if (const auto* reasoning = std::get_if<AgentReasoningDelta>(&msg)) return reasoning->text.size();
  if (const auto* output = std::get_if<ExecCommandOutputDelta>(&msg)) return output->text.size();
  return 0;
}

bool is_delta(const protocol::EventMsg& msg) {
  return std::holds_alternative<AgentMessageDelta>(msg) || std::holds_alternative<AgentReasoningDelta>(msg) ||
         std::holds_alternative<ExecCommandOutputDelta>(msg);
}

/// A delta with which its item begins: what a person has waited for.
bool begins_item(const protocol::EventMsg& msg) {
  return is_delta(msg) && std::visit(
                              []<class M>(const M& delta) {
                                if constexpr (requires { delta.offset; }) return delta.offset == 0;
                                return false;
                              },
                              msg);
}

}  // namespace

bool EventQueue::merge_into_last(const Event& event) {
  if (pending_.empty() || pending_.back().delivered.line != nullptr) return false;
  Waiting& last = pending_.back();
  const Event& before = *last.delivered.event;
  if (before.session != event.session || !goes_on(before.msg, event.msg)) return false;
  if (!last.merged) {
    last.merged = std::make_shared<Event>(before);
    last.delivered.event = last.merged;
  }
  append_text(last.merged->msg, event.msg);
  return true;
}

bool EventQueue::replace_row(const Delivered& delivered) {
  if (!std::holds_alternative<SessionChanged>(delivered.event->msg)) return false;
  const auto end =
      pending_.rend() - pending_.rbegin() > kRowsLookedAt ? pending_.rbegin() + kRowsLookedAt : pending_.rend();
  const auto older = std::find_if(pending_.rbegin(), end, [&](const Waiting& waiting) {
    const Event& event = *waiting.delivered.event;
    return event.session == delivered.event->session && std::holds_alternative<SessionChanged>(event.msg);
  });
  if (older == end) return false;
  older->delivered = delivered;
  return true;
}

void EventQueue::push(Delivered delivered) {
  if (closed_ || lagging_ || replace_row(delivered)) return;
  const Event& event = *delivered.event;
  if (bytes_ > limits_.max_bytes) {
    overflow(event);
    ready_.notify();
    return;
  }
  const std::size_t bytes = delivered.line ? delivered.line->size() : text_bytes(event.msg);
  bytes_ += bytes;
  const bool delta = is_delta(event.msg);
  if (!delta || begins_item(event.msg)) urgent_ = true;
  if (delta && merge_into_last(event)) {
    pending_.back().bytes += bytes;
  } else {
    bytes_ += kEventOverhead;
    pending_.push_back({.delivered = std::move(delivered), .bytes = bytes + kEventOverhead});
  }
  ready_.notify();
}

void EventQueue::overflow(const Event& dropped) {
  std::int64_t last_seq = last_seq_;
  for (const Waiting& waiting : pending_) last_seq = std::max(last_seq, waiting.delivered.event->seq.value_or(0));
  lagging_ = true;
  urgent_ = true;
  Event lagged{
      .session = dropped.session, .seq = std::nullopt, .id = dropped.id, .by = {}, .ts = dropped.ts, .msg = {}};
  lagged.msg = protocol::Lagged{.last_seq = last_seq};
  pending_.push_back({.delivered = {.event = std::make_shared<const Event>(std::move(lagged)), .line = nullptr}});
}

void EventQueue::close() {
  closed_ = true;
  urgent_ = true;
  ready_.notify();
}

std::vector<Delivered> EventQueue::take() {
  std::vector<Delivered> out;
  std::size_t taken = 0;
  while (!pending_.empty() && (out.empty() || taken + pending_.front().bytes <= limits_.hand_out_bytes)) {
    Waiting waiting = std::move(pending_.front());
    pending_.pop_front();
    taken += waiting.bytes;
    Delivered& delivered = waiting.delivered;
    if (delivered.event->seq) last_seq_ = *delivered.event->seq;
    if (!delivered.line) {
      delivered.line = std::make_shared<const std::string>(protocol::encode_event(*delivered.event));
    }
    out.push_back(std::move(delivered));
  }
  bytes_ -= taken;
  return out;
}

runtime::Async<base::Result<std::vector<Delivered>>> EventQueue::next(runtime::CancelToken cancel,
                                                                      runtime::Deadline deadline) {
  if (rest_due_) co_await loop_.yield();
  while (pending_.empty()) {
    if (closed_) co_return base::Error{.code = base::codes::kUnavailable, .message = "the engine has closed"};
    CO_TRY_OK(co_await ready_.wait(cancel, deadline));
  }
  // Only deltas: let more of them gather until the frame is over.
  const base::MonoTime frame_end = last_delivery_ + limits_.frame;
  while (!urgent_ && !rest_due_ && loop_.mono_now() < frame_end) {
    const auto waited = co_await ready_.wait(cancel, deadline.sooner(runtime::Deadline::at(frame_end)));
    if (waited.ok() || (waited.error().code == base::codes::kTimeout && loop_.mono_now() >= frame_end)) continue;
    co_return waited.error();
  }
  std::vector<Delivered> out = take();
  urgent_ = closed_;
  if (on_taken_) on_taken_();
  rest_due_ = !pending_.empty();
  last_delivery_ = loop_.mono_now();
  co_return out;
}

}  // namespace lathe::engine
