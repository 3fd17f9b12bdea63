#include "lathe/engine/event_queue.h"

#include <gtest/gtest.h>

namespace lathe::engine {
namespace {

using protocol::AgentMessage;
using protocol::AgentMessageDelta;
using protocol::Event;

Event passing(protocol::EventMsg msg) {
  return {.session = "s", .seq = std::nullopt, .id = "1", .by = {}, .ts = 1, .msg = std::move(msg)};
}
Event durable(std::int64_t seq, protocol::EventMsg msg) {
  return {.session = "s", .seq = seq, .id = "1", .by = {}, .ts = 1, .msg = std::move(msg)};
}
void push(EventQueue& queue, const Event& event) {
  queue.push({.event = std::make_shared<const Event>(event),
              .line = event.seq ? std::make_shared<const std::string>(protocol::encode_event(event)) : nullptr});
}
std::vector<protocol::EventMsg> take(runtime::Loop& loop, EventQueue& queue) {
  auto got = loop.block_on(queue.next(runtime::CancelToken(), runtime::Deadline::never()));
  std::vector<protocol::EventMsg> out;
  for (const Delivered& delivered : *got) out.push_back(delivered.event->msg);
  return out;
}

TEST(EventQueue, MergesDeltasThatFollowEachOther) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop);
  push(queue, passing(AgentMessageDelta{"i", 0, "ab"}));
  push(queue, passing(AgentMessageDelta{"i", 2, "cd"}));
  push(queue, passing(AgentMessageDelta{"j", 0, "x"}));
  EXPECT_EQ(take(loop, queue),
            (std::vector<protocol::EventMsg>{AgentMessageDelta{"i", 0, "abcd"}, AgentMessageDelta{"j", 0, "x"}}));
}

TEST(EventQueue, WhoHasMoreIsToldWheneverSomeWasTaken) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop);
  std::int64_t seq = 1;
  const auto next = [&] { push(queue, durable(seq, AgentMessage{"i" + std::to_string(seq), "text"})); };
  queue.on_taken([&] {
    if (++seq <= 3) next();
  });
  const auto began = loop.mono_now();
  next();
  for (const char* item : {"i1", "i2", "i3"}) {
    EXPECT_EQ(take(loop, queue), std::vector<protocol::EventMsg>{(AgentMessage{item, "text"})});
  }
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_EQ(loop.mono_now(), began) << "nothing waited for a timer";
}

TEST(EventQueue, DeltasWaitForTheFrameAndOthersDoNot) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop);
  push(queue, passing(AgentMessageDelta{"i", 0, "a"}));
  (void)take(loop, queue);
  const auto first = loop.mono_now();
  push(queue, passing(AgentMessageDelta{"i", 1, "b"}));
  (void)take(loop, queue);
  EXPECT_EQ(loop.mono_now() - first, std::chrono::milliseconds(20));
  push(queue, durable(1, AgentMessage{"i", "ab"}));
  (void)take(loop, queue);
  EXPECT_EQ(loop.mono_now() - first, std::chrono::milliseconds(20));
}

TEST(EventQueue, TheFirstWordsOfAnItemDoNotWaitForTheFrame) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop);
  push(queue, durable(1, protocol::Warning{.code = "", .message = "just before"}));
  (void)take(loop, queue);
  const auto before = loop.mono_now();
  push(queue, passing(AgentMessageDelta{"i", 0, "first"}));
  (void)take(loop, queue);
  EXPECT_EQ(loop.mono_now(), before);
  push(queue, passing(AgentMessageDelta{"i", 5, " later"}));
  (void)take(loop, queue);
  EXPECT_EQ(loop.mono_now() - before, std::chrono::milliseconds(20));
}

TEST(EventQueue, WhatIsMergedForOneIsNotForOthers) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue one(loop);
  EventQueue other(loop);
  const Delivered first{.event = std::make_shared<const Event>(passing(AgentMessageDelta{"i", 0, "ab"})),
                        .line = nullptr};
  one.push(first);
  other.push(first);
  push(one, passing(AgentMessageDelta{"i", 2, "cd"}));
  EXPECT_EQ(take(loop, one), (std::vector<protocol::EventMsg>{AgentMessageDelta{"i", 0, "abcd"}}));
  EXPECT_EQ(take(loop, other), (std::vector<protocol::EventMsg>{AgentMessageDelta{"i", 0, "ab"}}));
}

TEST(EventQueue, HandsOnALotInPartsAndKeepsTheOrder) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop, {.hand_out_bytes = 3'000});
  for (int i = 1; i <= 5; ++i) push(queue, durable(i, AgentMessage{"i", std::string(1'000, 'x')}));
  const auto begun = loop.mono_now();
  std::vector<std::size_t> sizes;
  std::vector<std::int64_t> seqs;
  while (seqs.size() < 5) {
    const auto got = loop.block_on(queue.next(runtime::CancelToken(), runtime::Deadline::never()));
    sizes.push_back(got->size());
    for (const Delivered& delivered : *got) seqs.push_back(*delivered.event->seq);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2, 1}));
  EXPECT_EQ(seqs, (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(loop.mono_now(), begun) << "the rest is due already";
  EXPECT_EQ(queue.waiting_bytes(), 0U);
}

TEST(EventQueue, NeverMergesAcrossADurableEvent) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop);
  push(queue, passing(AgentMessageDelta{"i", 0, "a"}));
  push(queue, durable(1, AgentMessage{"h", "x"}));
  push(queue, passing(AgentMessageDelta{"i", 1, "b"}));
  EXPECT_EQ(take(loop, queue).size(), 3U);
}

TEST(EventQueue, TellsThatItLaggedAndWaitsForARejoin) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop, {.max_bytes = 2000, .frame = std::chrono::milliseconds(20)});
  push(queue, durable(1, AgentMessage{"i", "x"}));
  (void)take(loop, queue);
  for (int i = 2; i < 40; ++i) push(queue, durable(i, AgentMessage{"i", std::string(100, 'x')}));
  const std::vector<protocol::EventMsg> got = take(loop, queue);
  ASSERT_GT(got.size(), 2U);
  ASSERT_LT(got.size(), 10U);
  const auto whole = static_cast<std::int64_t>(got.size()) - 1;
  EXPECT_EQ(got.back(), protocol::EventMsg(protocol::Lagged{.last_seq = whole + 1})) << "after what it still got";
  queue.rejoin();
  push(queue, durable(40, AgentMessage{"i", "y"}));
  EXPECT_EQ(take(loop, queue).size(), 1U);
}

TEST(EventQueue, AnEventLargerThanTheBoundGetsThrough) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop, {.max_bytes = 2000, .frame = std::chrono::milliseconds(20)});
  push(queue, durable(1, AgentMessage{"i", std::string(5000, 'x')}));
  push(queue, durable(2, AgentMessage{"j", std::string(5000, 'y')}));
  EXPECT_EQ(take(loop, queue).back(), protocol::EventMsg(protocol::Lagged{.last_seq = 1}));
  queue.rejoin();
  push(queue, durable(2, AgentMessage{"j", std::string(5000, 'y')}));
  EXPECT_EQ(take(loop, queue).size(), 1U);
}

TEST(EventQueue, LinesAreTheBytesOfTheEvents) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  EventQueue queue(loop);
  const Event event = durable(7, AgentMessage{"i", "x"});
  push(queue, event);
  push(queue, passing(AgentMessageDelta{"i", 0, "a"}));
  const auto got = loop.block_on(queue.next(runtime::CancelToken(), runtime::Deadline::never()));
  EXPECT_EQ(*(*got)[0].line, protocol::encode_event(event));
  EXPECT_EQ(protocol::decode_event(*(*got)[1].line)->msg, protocol::EventMsg(AgentMessageDelta{"i", 0, "a"}));
}

}  // namespace
}  // namespace lathe::engine
