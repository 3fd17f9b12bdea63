#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "lathe/runtime/async.h"
#include "lathe/runtime/signal.h"

namespace lathe::runtime {

/// Lets one coroutine after the other through, in order of arrival. Unlike a thread's lock it is meant to be held over
/// co_await. One loop thread. Free when destroyed.
class AsyncMutex final {
 public:
  explicit AsyncMutex(Loop& loop) : loop_(loop) {}
  ~AsyncMutex() { CHECK(!held_); }
  AsyncMutex(const AsyncMutex&) = delete;
  AsyncMutex& operator=(const AsyncMutex&) = delete;

  /// Held until it goes.
  class Holder final {
   public:
    explicit Holder(AsyncMutex* mutex) : mutex_(mutex) {}
    Holder(Holder&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Holder& operator=(Holder&&) = delete;
    ~Holder() {
      if (mutex_ != nullptr) mutex_->release();
    }

   private:
    AsyncMutex* mutex_;
  };

  Async<Holder> lock() {
    if (!held_) {
      held_ = true;
      co_return Holder(this);
    }
    Signal turn(loop_);
    waiting_.push_back(&turn);
    const auto waited = co_await turn.wait(CancelToken(), Deadline::never());
    CHECK(waited.ok());
    co_return Holder(this);
  }

 private:
  void release() {
    if (waiting_.empty()) {
      held_ = false;
      return;
    }
    Signal* next = waiting_.front();
    waiting_.pop_front();
    next->notify();
  }

  Loop& loop_;
  bool held_ = false;
  std::deque<Signal*> waiting_;
};

}  // namespace lathe::runtime
