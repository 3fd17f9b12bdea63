#include "lathe/runtime/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "lathe/runtime/async_mutex.h"
#include "lathe/runtime/pool.h"

namespace lathe::runtime {
namespace {

Async<std::vector<int>> drain(std::shared_ptr<CrossChannel<int>> channel) {
  std::vector<int> got;
  while (true) {
    auto batch = co_await channel->receive_all(CancelToken(), Deadline::never());
    if (!batch.ok() || batch->empty()) co_return got;
    for (const int item : *batch) got.push_back(item);
  }
}

TEST(CrossChannel, DeliversEverythingInOrderAcrossThreads) {
  Loop loop;
  auto channel = std::make_shared<CrossChannel<int>>(loop, 8);
  std::atomic<int> room{0};
  channel->set_on_room([&] { ++room; });
  std::thread sender([channel] {
    for (int i = 0; i < 10'000; ++i) (void)channel->push(i);
    channel->close();
  });
  const std::vector<int> got = loop.block_on(drain(channel));
  sender.join();
  ASSERT_EQ(got.size(), 10'000U);
  EXPECT_TRUE(std::ranges::is_sorted(got));
}

TEST(CrossChannel, SaysWhenItIsFull) {
  Loop loop;
  auto channel = std::make_shared<CrossChannel<int>>(loop, 2);
  EXPECT_EQ(channel->push(1), CrossChannel<int>::Room::kRoom);
  EXPECT_EQ(channel->push(2), CrossChannel<int>::Room::kFull);
  bool called = false;
  channel->set_on_room([&] { called = true; });
  channel->close();
  EXPECT_EQ(loop.block_on(drain(channel)).size(), 2U);
  EXPECT_TRUE(called);
}

Async<std::size_t> use_pool(Pool* pool) {
  std::size_t sum = 0;
  std::vector<Async<std::size_t>> jobs;
  for (std::size_t i = 0; i < 50; ++i) jobs.push_back(pool->run([i] { return i; }));
  for (const std::size_t value : co_await when_all(std::move(jobs))) sum += value;
  co_return sum;
}

TEST(Pool, RunsEveryJobOffTheLoop) {
  Loop loop;
  Pool pool(loop, "test-pool", 3);
  EXPECT_EQ(loop.block_on(use_pool(&pool)), 1225U);
}

Async<int> hold_in_turn(Loop* loop, AsyncMutex* mutex, std::vector<int>* order, int name) {
  const AsyncMutex::Holder held = co_await mutex->lock();
  order->push_back(name);
  (void)co_await loop->sleep(std::chrono::milliseconds(5), CancelToken());
  order->push_back(-name);
  co_return name;
}

TEST(AsyncMutex, LetsOneThroughAfterTheOther) {
  Loop loop(TimeMode::kVirtual);
  AsyncMutex mutex(loop);
  std::vector<int> order;
  std::vector<Async<int>> holders;
  for (int name = 1; name <= 3; ++name) holders.push_back(hold_in_turn(&loop, &mutex, &order, name));
  (void)loop.block_on(when_all(std::move(holders)));
  EXPECT_EQ(order, (std::vector<int>{1, -1, 2, -2, 3, -3}));
}

}  // namespace
}  // namespace lathe::runtime
