#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/signal.h"

namespace lathe::runtime {

/// Threads for work that blocks. Threads start with the first job; jobs run in order of arrival, `threads` at a time.
/// A job cannot be cancelled, so jobs are short. Destroyed only when every run() has been awaited.
class Pool final {
 public:
  Pool(Loop& loop, std::string name, std::size_t threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// That of run().
  [[nodiscard]] Loop& loop() const { return loop_; }

  /// Runs `job` on a pool thread and gives its value on the loop. The one way to block.
  template <class F>
  Async<std::invoke_result_t<F>> run(F job) {
    using R = std::invoke_result_t<F>;
    OneShot<R> done(loop_);
    enqueue([this, &done, &job] {
      auto value = std::make_shared<R>(job());
      loop_.post([this, &done, value] {
        loop_.external_work_finished();
        done.set(std::move(*value));
      });
    });
    auto result = co_await done.wait(CancelToken(), Deadline::never());
    CHECK(result.ok());
    co_return *std::move(result);
  }

 private:
  void enqueue(std::move_only_function<void()> job);
  void work();

  Loop& loop_;
  const std::string name_;
  const std::size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> jobs_;  // the rest: under mutex_
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace lathe::runtime
