#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/signal.h"

namespace lathe::runtime {

/// A bounded queue on one loop: any number of senders that wait for room, one receiver.
template <class T>
class Channel final {
 public:
  Channel(Loop& loop, std::size_t capacity) : capacity_(capacity), items_ready_(loop) {}

  /// False when full or closed.
  [[nodiscard]] bool try_send(T item) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    items_ready_.notify();
    return true;
  }
  /// Nothing more comes; what is queued is still received.
  void close() {
    closed_ = true;
    items_ready_.notify();
  }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::optional<T> try_receive() {
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  /// The next item; nothing when the channel is closed and drained.
  Async<base::Result<std::optional<T>>> receive(CancelToken cancel, Deadline deadline) {
    while (items_.empty()) {
      if (closed_) co_return std::optional<T>();
      CO_TRY_OK(co_await items_ready_.wait(cancel, deadline));
    }
    co_return try_receive();
  }

 private:
  std::size_t capacity_;
  std::deque<T> items_;
  bool closed_ = false;
  Signal items_ready_;
};

/// A bounded queue from another thread to a loop. The sender never blocks: push() says when the bound is reached, and
/// `on_room` is called (on the loop's thread) once the receiver has drained below half of it. Always in a shared_ptr,
/// because either side may go first.
template <class T>
class CrossChannel final : public std::enable_shared_from_this<CrossChannel<T>> {
 public:
  CrossChannel(Loop& loop, std::size_t capacity) : loop_(loop), capacity_(capacity), ready_(loop) {}

  enum class Room { kRoom, kFull };

  /// Any thread. The item is always taken; kFull asks the sender to pause until `on_room`.
  Room push(T item) {
    bool wake = false;
    bool full = false;
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
      wake = std::exchange(woken_, true) == false;
      full = items_.size() >= capacity_;
      if (full) paused_ = true;
    }
    if (wake) post_wake();
    return full ? Room::kFull : Room::kRoom;
  }
  /// Any thread. Nothing more comes.
  void close() {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      wake = std::exchange(woken_, true) == false;
    }
    if (wake) post_wake();
  }
  /// Set before the sender starts.
  void set_on_room(std::function<void()> on_room) { on_room_ = std::move(on_room); }

  /// Everything that is queued, at least one; nothing when closed and drained. Loop thread.
  Async<base::Result<std::deque<T>>> receive_all(CancelToken cancel, Deadline deadline) {
    while (true) {
      std::deque<T> taken;
      bool ended = false;
      bool resume_sender = false;
      {
        const std::lock_guard lock(mutex_);
        taken.swap(items_);
        woken_ = false;
        ended = closed_;
        resume_sender = std::exchange(paused_, false);
      }
      if (resume_sender && on_room_) on_room_();
      if (!taken.empty() || ended) co_return std::move(taken);
      CO_TRY_OK(co_await ready_.wait(cancel, deadline));
    }
  }

 private:
  void post_wake() {
    loop_.post([self = this->shared_from_this()] { self->ready_.notify(); });
  }

  Loop& loop_;
  const std::size_t capacity_;
  std::function<void()> on_room_;
  Signal ready_;
  std::mutex mutex_;
  std::deque<T> items_;  // the rest: under mutex_
  bool closed_ = false;
  bool paused_ = false;
  bool woken_ = false;
};

}  // namespace lathe::runtime
