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
bool merge_text(D& last, const D& next) {
  const bool follows = next.offset == last.offset + static_cast<std::int64_t>(last.text.size());
  if (!follows || last.text.size() + next.text.size() > kMaxMergedBytes) return false;
  last.text += next.text;
  return true;
}

bool merge(protocol::EventMsg& last, const protocol::EventMsg& next) {
  if (last.index() != next.index()) return false;
  if (auto* message = std::get_if<AgentMessageDelta>(&last)) {
    const auto& more = std::get<AgentMessageDelta>(next);
    return message->item == more.item && merge_text(*message, more);
  }
  if (auto* reasoning = std::get_if<AgentReasoningDelta>(&last)) {
    const auto& more = std::get<AgentReasoningDelta>(next);
    return reasoning->item == more.item && merge_text(*reasoning, more);
  }
  if (auto* output = std::get_if<ExecCommandOutputDelta>(&last)) {
    const auto& more = std::get<ExecCommandOutputDelta>(next);
    return output->call_id == more.call_id && output->stream == more.stream && merge_text(*output, more);
  }
  return false;
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

}  // namespace

bool EventQueue::merge_into_last(const Event& event) {
  if (pending_.empty() || pending_.back().line != nullptr) return false;
  Event& last = pending_.back().event;
  return last.session == event.session && merge(last.msg, event.msg);
}

bool EventQueue::replace_row(const Event& event) {
  if (!std::holds_alternative<SessionChanged>(event.msg)) return false;
  const auto end =
      pending_.rend() - pending_.rbegin() > kRowsLookedAt ? pending_.rbegin() + kRowsLookedAt : pending_.rend();
  const auto older = std::find_if(pending_.rbegin(), end, [&](const Delivered& waiting) {
    return waiting.event.session == event.session && std::holds_alternative<SessionChanged>(waiting.event.msg);
  });
  if (older == end) return false;
  older->event = event;
  return true;
}

void EventQueue::push(const Event& event, std::shared_ptr<const std::string> line) {
  if (closed_ || lagging_ || replace_row(event)) return;
  const std::size_t bytes = line ? line->size() : text_bytes(event.msg);
  // One event is always taken, whatever its size: a subscriber that starts over gets on.
  if (!pending_.empty() && bytes_ + bytes > limits_.max_bytes) {
    overflow(event);
    ready_.notify();
    return;
  }
  bytes_ += bytes;
  const bool delta = is_delta(event.msg);
  if (!delta || !merge_into_last(event)) {
    bytes_ += kEventOverhead;
    pending_.push_back({event, std::move(line)});
  }
  if (!delta) urgent_ = true;
  ready_.notify();
}

void EventQueue::overflow(const Event& dropped) {
  std::int64_t last_seq = last_seq_;
  for (const Delivered& waiting : pending_) last_seq = std::max(last_seq, waiting.event.seq.value_or(0));
  lagging_ = true;
  urgent_ = true;
  Event lagged{
      .session = dropped.session, .seq = std::nullopt, .id = dropped.id, .by = {}, .ts = dropped.ts, .msg = {}};
  lagged.msg = protocol::Lagged{.last_seq = last_seq};
  pending_.push_back({std::move(lagged), nullptr});
}

void EventQueue::close() {
  closed_ = true;
  urgent_ = true;
  ready_.notify();
}

runtime::Async<base::Result<std::vector<Delivered>>> EventQueue::next(runtime::CancelToken cancel,
                                                                      runtime::Deadline deadline) {
  while (pending_.empty()) {
    if (closed_) co_return base::Error{.code = base::codes::kUnavailable, .message = "the engine has closed"};
    CO_TRY_OK(co_await ready_.wait(cancel, deadline));
  }
  // Only deltas: let more of them gather until the frame is over.
  const base::MonoTime frame_end = last_delivery_ + limits_.frame;
  while (!urgent_ && loop_.mono_now() < frame_end) {
    const auto waited = co_await ready_.wait(cancel, deadline.sooner(runtime::Deadline::at(frame_end)));
    if (waited.ok() || (waited.error().code == base::codes::kTimeout && loop_.mono_now() >= frame_end)) continue;
    co_return waited.error();
  }
  std::vector<Delivered> out;
  out.reserve(pending_.size());
  for (Delivered& delivered : pending_) {
    if (delivered.event.seq) last_seq_ = *delivered.event.seq;
    if (!delivered.line) {
      delivered.line = std::make_shared<const std::string>(protocol::encode_event(delivered.event));
    }
    out.push_back(std::move(delivered));
  }
  pending_.clear();
  bytes_ = 0;
  urgent_ = closed_;
  last_delivery_ = loop_.mono_now();
  co_return out;
}

}  // namespace lathe::engine
