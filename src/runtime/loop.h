#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/deadline.h"

namespace lathe::runtime {

enum class TimeMode {
  kReal,
  /// Time stands still while there is work and jumps to the next timer when there is none. For tests without sockets:
  /// while a pool or a descriptor is being waited for, nothing jumps.
  kVirtual,
};

/// A timer that has been set; dropping it takes it back.
class Timer final {
 public:
  Timer() = default;
  explicit Timer(std::move_only_function<void()> stop) : stop_(std::move(stop)) {}
  Timer(Timer&&) = default;
  Timer& operator=(Timer&& other) noexcept {
    std::swap(stop_, other.stop_);
    return *this;
  }
  ~Timer() {
    if (stop_) stop_();
  }

 private:
  std::move_only_function<void()> stop_;
};

/// How long the loop was kept from everything else that was ready.
struct LoopLoad {
  /// The longest that one piece of work took, or coroutines that were resumed together did.
  std::chrono::microseconds longest_block{0};
  /// How often that was more than kLongBlock.
  std::int64_t long_blocks = 0;
};
inline constexpr base::Millis kLongBlock{50};

/// One thread's event loop and its clock. Nothing that runs on it blocks.
///
/// Made and run on one thread; post() and external_work_*() may be called from any. Outlives everything that waits
/// on it.
class Loop final : public base::Clock {
 public:
  explicit Loop(TimeMode mode = TimeMode::kReal);
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs `work` on the loop's thread, in the order of the posts. Any thread.
  void post(std::move_only_function<void()> work);
  /// Resumes a coroutine on the loop after what runs now. Loop thread only; cheaper than post().
  void resume_soon(std::coroutine_handle<> handle);

  /// Runs the loop until `root` is done and gives its value.
  template <class T>
  T block_on(Async<T> root) {
    std::optional<Outcome<T>> outcome;
    drive_root(std::move(root), &outcome, this);
    run_until([&outcome] { return outcome.has_value(); });
    return std::move(*outcome).take();
  }

  [[nodiscard]] base::UnixMillis unix_now() const override;
  /// For tests: what whoever sets the machine's clock does to unix_now().
  void set_wall_clock_ahead(base::Millis by);
  [[nodiscard]] base::MonoTime mono_now() const override;

  /// Calls back once at `when`.
  [[nodiscard]] Timer call_at(base::MonoTime when, std::move_only_function<void()> callback);
  [[nodiscard]] Timer call_after(base::Millis span, std::move_only_function<void()> callback) {
    return call_at(mono_now() + span, std::move(callback));
  }
  /// Waits; an error only when cancelled.
  Async<base::Result<void>> sleep(base::Millis span, CancelToken cancel);
  /// Lets everything else that is ready run first.
  Async<void> yield();

  /// Calls back on the loop whenever the process gets `signal_number`, until the handle is dropped.
  [[nodiscard]] Timer on_signal(int signal_number, std::move_only_function<void()> callback);

  /// Since the loop was made. Loop thread.
  [[nodiscard]] LoopLoad load() const;

  /// Work outside the loop will post back; virtual time does not jump meanwhile. Any thread.
  void external_work_started();
  void external_work_finished();

  struct Impl;
  /// For asio_access.h and FdWatch only.
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  template <class T>
  struct Outcome {
    std::optional<T> value;
    std::exception_ptr exception;
    T take() {
      if (exception) std::rethrow_exception(exception);
      return std::move(*value);
    }
  };
  template <class T>
    requires(!std::is_void_v<T>)
  static detail::Detached drive_root(Async<T> root, std::optional<Outcome<T>>* out, Loop* loop) {
    Outcome<T> outcome;
    try {
      outcome.value.emplace(co_await root);
    } catch (...) {
      outcome.exception = std::current_exception();
    }
    out->emplace(std::move(outcome));
    loop->wake();
  }
  void run_until(const std::function<bool()>& done);
  void wake();

  std::unique_ptr<Impl> impl_;
};

template <>
struct Loop::Outcome<void> {
  std::exception_ptr exception;
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};
template <>
inline void Loop::block_on<void>(Async<void> root) {
  struct Adapter {
    static Async<bool> run(Async<void> inner) {
      co_await inner;
      co_return true;
    }
  };
  (void)block_on<bool>(Adapter::run(std::move(root)));
}

/// Waits for a descriptor to become readable or writable. Does not own the descriptor, which must stay open.
class FdWatch final {
 public:
  FdWatch(Loop& loop, int fd);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  Async<base::Result<void>> readable(CancelToken cancel, Deadline deadline);
  Async<base::Result<void>> writable(CancelToken cancel, Deadline deadline);

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

/// Names the calling thread for debuggers and `top` (15 characters; each name has a line in docs/THREADS.md).
void name_this_thread(const char* name);

}  // namespace lathe::runtime
