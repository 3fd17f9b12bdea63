#include "lathe/engine/event_feed.h"

#include <gtest/gtest.h>

#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

namespace lathe::engine {
namespace {

using base::Result;
using protocol::Event;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

/// Appends at once, and comes back from it when it is told to.
class SlowStream final : public ports::SessionStream {
 public:
  explicit SlowStream(runtime::Loop& loop) : comes_back(loop), loop_(loop) { state_.session_id = "s"; }
  [[nodiscard]] const ports::SessionState& state() const override { return state_; }
  Async<Result<ports::AppendedRecord>> append(Event event) override {
    event.seq = ++state_.last_seq;
    auto line = std::make_shared<const std::string>(protocol::encode_event(event));
    const ports::AppendedRecord record{
        .seq = state_.last_seq, .event = std::make_shared<const Event>(std::move(event)), .line = std::move(line)};
    records_.push_back(record);
    if (slow) (void)co_await comes_back.wait(CancelToken(), Deadline::never());
    co_return record;
  }
  Result<void> keep_draft(ports::RecoveredDraft) override { return {}; }
  [[nodiscard]] std::vector<ports::RecoveredDraft> recovered_drafts() const override { return {}; }
  Async<Result<std::vector<ports::AppendedRecord>>> read(std::int64_t since, std::size_t) override {
    std::vector<ports::AppendedRecord> after(records_.begin() + since, records_.end());
    co_await loop_.yield();
    co_return after;
  }

  bool slow = false;
  runtime::Signal comes_back;

 private:
  runtime::Loop& loop_;
  ports::SessionState state_;
  std::vector<ports::AppendedRecord> records_;
};

Event event(protocol::EventMsg msg) { return {.session = "s", .msg = std::move(msg)}; }

Async<void> record_later(EventFeed* feed, Event event) { (void)co_await feed->record(std::move(event)); }

TEST(EventFeed, WhoJoinsDuringAnAppendGetsItsRecordOnce) {
  runtime::Loop loop;
  SlowStream stream(loop);
  EventFeed feed(stream);
  ASSERT_TRUE(loop.block_on(feed.record(event(protocol::AgentMessage{.item = "i1", .text = "one"}))).ok());
  feed.show(event(protocol::AgentMessageDelta{.item = "i2", .offset = 0, .text = "tw"}));
  stream.slow = true;
  runtime::Scope scope(loop);
  scope.spawn(record_later(&feed, event(protocol::AgentMessage{.item = "i2", .text = "two"})));

  auto queue = std::make_shared<EventQueue>(loop);
  ASSERT_TRUE(loop.block_on(feed.subscribe(queue, 0)).ok());
  stream.comes_back.notify();
  loop.block_on(scope.join());
  stream.slow = false;
  ASSERT_TRUE(loop.block_on(feed.record(event(protocol::AgentMessage{.item = "i3", .text = "three"}))).ok());
  const auto got = loop.block_on(queue->next(CancelToken(), Deadline::never()));
  ASSERT_TRUE(got.ok());
  std::vector<std::string> texts;
  for (const Delivered& delivered : *got) {
    const auto* message = std::get_if<protocol::AgentMessage>(&delivered.event->msg);
    texts.push_back(message != nullptr ? message->text : "a delta");
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"one", "two", "three"}));
}

TEST(EventFeed, WhoJoinsAnItemThatIsTooLongToKeepGetsItsBeginningAndItsCompletion) {
  runtime::Loop loop;
  SlowStream stream(loop);
  EventFeed feed(stream);
  const std::string half(700'000, 'x');
  const auto delta = [&](std::int64_t offset, std::string text) {
    feed.show(event(protocol::AgentMessageDelta{.item = "i1", .offset = offset, .text = std::move(text)}));
  };
  delta(0, half);
  delta(700'000, half);
  auto queue = std::make_shared<EventQueue>(loop);
  ASSERT_TRUE(loop.block_on(feed.subscribe(queue, 0)).ok());
  delta(1'400'000, "tail");
  ASSERT_TRUE(loop.block_on(feed.record(event(protocol::AgentMessage{.item = "i1", .text = "all of it"}))).ok());
  std::vector<Delivered> got;
  while (got.size() < 2) {
    const auto more = loop.block_on(queue->next(CancelToken(), Deadline::never()));
    ASSERT_TRUE(more.ok());
    got.insert(got.end(), more->begin(), more->end());
  }
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(std::get<protocol::AgentMessageDelta>(got.front().event->msg).text, half);
  EXPECT_EQ(std::get<protocol::AgentMessage>(got.back().event->msg).text, "all of it");
}

}  // namespace
}  // namespace lathe::engine
