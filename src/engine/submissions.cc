#include <algorithm>
#include <utility>

#include "lathe/engine/live_session.h"

// The part of LiveSession that takes ops: one after the other, inputs that wait for the end of a Task after it.

namespace lathe::engine {

using base::Error;
using base::Result;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr std::size_t kMaxQueuedInputs = 100;

/// Whether it works where the stream takes no records.
bool needs_no_record(const protocol::Op& op) {
  return std::holds_alternative<protocol::TerminalInput>(op) || std::holds_alternative<protocol::TerminalResize>(op) ||
         std::holds_alternative<protocol::Shutdown>(op);
}

}  // namespace

std::optional<std::int64_t> LiveSession::acknowledged_seq(const std::string& by) const {
  const auto& known = state().acknowledged;
  const auto found = known.find(by);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

Async<Result<protocol::Ack>> LiveSession::submit(protocol::Op op, std::string op_id, std::string client,
                                                 std::string who) {
  const std::string by = client + "/" + op_id;
  // This may go before the answer is looked at.
  const std::string session = state().session_id;
  if (const auto seq = acknowledged_seq(by)) {
    co_return protocol::Ack{.id = op_id, .seq = *seq, .session = session};
  }
  auto done = std::make_shared<runtime::OneShot<Result<std::int64_t>>>(parts_.loop);
  if (closing_) co_return closing_error();
  const bool room = ops_.size() < kMaxWaitingOps;
  Pending pending{.op = std::move(op), .op_id = op_id, .by = by, .done = done};
  pending.who = who.empty() ? client : std::move(who);
  if (!room || !ops_.try_send(std::move(pending))) {
    co_return Error{.code = base::codes::kUnavailable,
                    .message = "too many ops wait at this session",
                    .hint = "try again",
                    .retryable = true};
  }
  CO_TRY(Result<std::int64_t> seq, co_await done->wait(CancelToken(), Deadline::never()));
  if (!seq.ok()) co_return std::move(seq).error();
  co_return protocol::Ack{.id = op_id, .seq = *seq, .session = session};
}

Async<runtime::AsyncMutex::Holder> LiveSession::alone() {
  runtime::AsyncMutex::Holder held = co_await changing_.lock();
  while (running_ && running_->ending) (void)co_await task_ended_.wait(CancelToken(), Deadline::never());
  co_return held;
}

Async<void> LiveSession::work() {
  while (true) {
    auto received = co_await ops_.receive(CancelToken(), Deadline::never());
    CHECK(received.ok());
    if (!*received) break;
    handling_ = true;
    co_await take(**std::move(received));
    handling_ = false;
  }
}

Async<void> LiveSession::take(Pending pending) {
  const runtime::AsyncMutex::Holder held = co_await alone();
  // What it needs may wait for who closes the session.
  if (closing_ && !std::holds_alternative<protocol::Shutdown>(pending.op)) {
    pending.settle(closing_error());
    co_return;
  }
  // Sent again while the first one waited: it starts nothing, and is answered like the first.
  if (const auto seq = acknowledged_seq(pending.by)) {
    pending.settle(*seq);
    co_return;
  }
  if (const auto first = std::ranges::find(queued_, pending.by, &Pending::by); first != queued_.end()) {
    first->repeats.push_back(pending.done);
    co_return;
  }
  const Result<void> whole = co_await record_kept_end();
  const bool can_be_handled = whole.ok() || needs_no_record(pending.op);
  const auto* input = std::get_if<protocol::UserInput>(&pending.op);
  const bool queue = input != nullptr && input->if_busy == protocol::IfBusy::kQueue && state().task && can_be_handled;
  // One that was about to start when another took its place keeps its turn, and its place in a queue that filled up.
  if (queue && (pending.was_queued || queued_.size() < kMaxQueuedInputs)) {
    if (pending.was_queued) {
      queued_.push_front(std::move(pending));
    } else {
      queued_.push_back(std::move(pending));
    }
    co_return;
  }
  if (queue) {
    pending.settle(Error{.code = base::codes::kLimit, .message = "too many inputs are queued already"});
    co_return;
  }
  Result<std::int64_t> result = 0;
  try {
    result = can_be_handled ? co_await handle(pending) : whole.error();
  } catch (const base::RequestBug& bug) {
    result = Error{.code = base::codes::kInternal, .message = bug.what()};
  }
  pending.settle(result);
  // No Task runs whose end would start the next one.
  if (pending.was_queued && !result.ok()) start_queued();
}

Error LiveSession::closing_error() const {
  if (const Result<void> takes_work = check_takes_work(); !takes_work.ok()) return takes_work.error();
  return {
      .code = base::codes::kUnavailable, .message = "the session is closing", .hint = "try again", .retryable = true};
}

void LiveSession::refuse_queued() {
  for (const Pending& pending : std::exchange(queued_, {})) pending.settle(closing_error());
}

void LiveSession::start_queued() {
  // Where no end of a Task can be recorded, what waits for it is told so.
  const bool waits_on = state().task && !kept_end_;
  if (queued_.empty() || closing_ || hands_over_ || waits_on) return;
  Pending next = std::move(queued_.front());
  queued_.pop_front();
  next.was_queued = true;
  // Through the worker, so that ops stay in order; it is not busy now, or this input goes behind what it does.
  CHECK(ops_.try_send(std::move(next)));
}

}  // namespace lathe::engine
