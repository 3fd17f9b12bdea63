#include "lathe/runtime/async.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"
#include "lathe/runtime/signal.h"

namespace lathe::runtime {
namespace {

using std::chrono::milliseconds;

Async<int> number(Loop* loop, int value, milliseconds wait) {
  (void)co_await loop->sleep(wait, CancelToken());
  co_return value;
}

TEST(Async, WhenAllKeepsOrderAndOverlaps) {
  Loop loop(TimeMode::kVirtual);
  const auto start = loop.mono_now();
  std::vector<Async<int>> children;
  children.push_back(number(&loop, 1, milliseconds(30)));
  children.push_back(number(&loop, 2, milliseconds(10)));
  children.push_back(number(&loop, 3, milliseconds(0)));
  EXPECT_EQ(loop.block_on(when_all(std::move(children))), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(loop.mono_now() - start, milliseconds(30));
}

Async<int> thrower() {
  throw base::RequestBug("broken");
  co_return 0;
}
Async<int> outer() { co_return co_await thrower() + 1; }

TEST(Async, ExceptionsPassThroughAwait) {
  Loop loop;
  EXPECT_THROW(loop.block_on(outer()), base::RequestBug);
}

Async<void> nest(int depth, int* count) {
  ++*count;
  if (depth > 0) co_await nest(depth - 1, count);
}

TEST(Async, DeepAwaitsUseNoStackOnTheWayBack) {
  Loop loop;
  int count = 0;
  loop.block_on(nest(5'000, &count));
  EXPECT_EQ(count, 5'001);
}

Async<base::Result<void>> wait_long(Loop* loop, CancelToken cancel) {
  CO_TRY_OK(co_await loop->sleep(std::chrono::hours(1), cancel));
  co_return base::Result<void>();
}

Async<void> store(Loop* loop, CancelToken cancel, std::string* code) {
  const auto result = co_await wait_long(loop, cancel);
  *code = result.ok() ? "ok" : result.error().code;
}

Async<void> stop_scope(Scope* scope) { co_await scope->stop(); }

TEST(Scope, StopCancelsAndJoins) {
  Loop loop(TimeMode::kVirtual);
  std::string code;
  Scope scope(loop);
  scope.spawn(store(&loop, scope.token(), &code));
  EXPECT_EQ(scope.running(), 1U);
  loop.block_on(stop_scope(&scope));
  EXPECT_EQ(code, base::codes::kCancelled);
}

TEST(Scope, DestroyedWhileBusyIsABug) {
  EXPECT_DEATH(
      {
        Loop loop(TimeMode::kVirtual);
        std::string code;
        Scope scope(loop);
        scope.spawn(store(&loop, scope.token(), &code));
      },
      "bug: ");
}

Async<base::Result<void>> wait_signal(Signal* signal, CancelToken cancel, Deadline deadline) {
  return signal->wait(std::move(cancel), deadline);
}

TEST(Signal, KeepsOneNotifyAndHonoursDeadline) {
  Loop loop(TimeMode::kVirtual);
  Signal signal(loop);
  signal.notify();
  EXPECT_TRUE(loop.block_on(wait_signal(&signal, CancelToken(), Deadline::never())).ok());
  const auto late = loop.block_on(wait_signal(&signal, CancelToken(), Deadline::after(loop, milliseconds(5))));
  EXPECT_EQ(late.error().code, base::codes::kTimeout);
}

TEST(CancelSource, ChildFollowsParentWithItsReason) {
  CancelSource parent;
  CancelSource child(parent.token());
  int calls = 0;
  const CancelRegistration kept = child.token().on_cancel([&] { ++calls; });
  {
    const CancelRegistration dropped = child.token().on_cancel([&] { calls += 100; });
  }
  parent.cancel({.code = "budget", .message = "spent"});
  parent.cancel({.code = "other", .message = "later"});
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(child.token().reason().code, "budget");
}

}  // namespace
}  // namespace lathe::runtime
