#include "lathe/runtime/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "lathe/runtime/signal.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::runtime {
namespace {

using std::chrono::milliseconds;

Async<void> sleep_for(Loop* loop, milliseconds span) { (void)co_await loop->sleep(span, CancelToken()); }

TEST(Loop, TimersFireInOrderOfTime) {
  Loop loop(TimeMode::kVirtual);
  std::vector<int> order;
  const Timer b = loop.call_after(milliseconds(20), [&] { order.push_back(2); });
  const Timer a = loop.call_after(milliseconds(10), [&] { order.push_back(1); });
  {
    const Timer dropped = loop.call_after(milliseconds(5), [&] { order.push_back(99); });
  }
  loop.block_on(sleep_for(&loop, milliseconds(50)));
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Loop, RealTimersAlsoFire) {
  Loop loop;
  const auto start = loop.mono_now();
  loop.block_on(sleep_for(&loop, milliseconds(3)));
  EXPECT_GE(loop.mono_now() - start, milliseconds(3));
}

Async<base::Result<void>> wait_for(OneShot<int>* shot) {
  CO_TRY_OK(co_await shot->wait(CancelToken(), Deadline::never()));
  co_return base::Result<void>();
}

TEST(Loop, PostsFromOtherThreads) {
  Loop loop;
  OneShot<int> shot(loop);
  std::thread poster([&] { loop.post([&] { shot.set(7); }); });
  EXPECT_TRUE(loop.block_on(wait_for(&shot)).ok());
  poster.join();
}

TEST(Loop, CallsBackOnSignals) {
  Loop loop;
  OneShot<int> shot(loop);
  const Timer watch = loop.on_signal(SIGUSR1, [&] { shot.set(1); });
  ::kill(::getpid(), SIGUSR1);
  EXPECT_TRUE(loop.block_on(wait_for(&shot)).ok());
}

TEST(Loop, NotesWorkThatKeepsItFromEverythingElse) {
  Loop loop;
  EXPECT_EQ(loop.load().long_blocks, 0);
  OneShot<int> shot(loop);
  loop.post([&] {
    const auto end = std::chrono::steady_clock::now() + kLongBlock + milliseconds(1);
    while (std::chrono::steady_clock::now() < end) {
    }
    shot.set(1);
  });
  ASSERT_TRUE(loop.block_on(wait_for(&shot)).ok());
  EXPECT_GT(loop.load().longest_block, kLongBlock);
  EXPECT_GE(loop.load().long_blocks, 1);
}

Async<std::string> read_when_ready(Loop* loop, int fd, Deadline deadline) {
  FdWatch watch(*loop, fd);
  const auto ready = co_await watch.readable(CancelToken(), deadline);
  if (!ready.ok()) co_return ready.error().code;
  char byte = 0;
  co_return ::read(fd, &byte, 1) == 1 ? std::string(1, byte) : "eof";
}

TEST(FdWatch, WaitsForBytesAndGivesUp) {
  Loop loop;
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe.ok());
  EXPECT_EQ(loop.block_on(read_when_ready(&loop, pipe->read_end.get(), Deadline::after(loop, milliseconds(2)))),
            "timeout");
  ASSERT_EQ(::write(pipe->write_end.get(), "z", 1), 1);
  EXPECT_EQ(loop.block_on(read_when_ready(&loop, pipe->read_end.get(), Deadline::never())), "z");
}

}  // namespace
}  // namespace lathe::runtime
