#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"

namespace lathe::runtime {

/// Wakes one waiter; a notify without a waiter is kept for the next wait. One loop thread, one waiter at a time.
class Signal final {
 public:
  explicit Signal(Loop& loop);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void notify();
  /// Done when notified; else the cancellation's error, or `timeout`.
  Async<base::Result<void>> wait(CancelToken cancel, Deadline deadline);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

/// A value that is set once and waited for once. One loop thread.
template <class T>
class OneShot final {
 public:
  explicit OneShot(Loop& loop) : signal_(loop) {}

  /// The first value wins; later ones are ignored.
  void set(T value) {
    if (value_) return;
    value_.emplace(std::move(value));
    signal_.notify();
  }
  [[nodiscard]] bool is_set() const { return value_.has_value(); }
  Async<base::Result<T>> wait(CancelToken cancel, Deadline deadline) {
    if (!value_) CO_TRY_OK(co_await signal_.wait(cancel, deadline));
    co_return std::move(*value_);
  }

 private:
  Signal signal_;
  std::optional<T> value_;
};

}  // namespace lathe::runtime
