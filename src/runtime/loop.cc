#include "lathe/runtime/loop.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <deque>
#include <functional>
#include <map>

#include "lathe/runtime/asio_access.h"
#include "lathe/runtime/signal.h"

// The loop is Asio's io_context plus three things of ours: a queue of coroutines to resume (one Asio handler drains
// it, so a resume costs no allocation of its own), an ordered set of timers behind a single Asio timer, and virtual
// time for tests.

namespace lathe::runtime {

namespace asio = boost::asio;
using TimerKey = std::pair<base::MonoTime, std::uint64_t>;

struct Loop::Impl {
  explicit Impl(TimeMode time_mode)
      : mode(time_mode), context(1), guard(asio::make_work_guard(context)), alarm(context) {}

  TimeMode mode;
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  std::deque<std::coroutine_handle<>> ready;
  bool drain_posted = false;

  std::map<TimerKey, std::move_only_function<void()>> timers;
  std::uint64_t next_timer = 1;
  asio::steady_timer alarm;
  std::optional<base::MonoTime> alarm_at;
  base::MonoTime virtual_now{std::chrono::seconds(1)};
  base::Millis wall_clock_ahead{0};
  std::atomic<int> external{0};
  LoopLoad load;

  /// Runs a piece of work and notes how long it kept the loop.
  template <class Work>
  void run_noted(Work work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    const auto took = std::chrono::steady_clock::now() - began;
    load.longest_block = std::max(load.longest_block, std::chrono::duration_cast<std::chrono::microseconds>(took));
    if (took > kLongBlock) ++load.long_blocks;
  }

  void drain() {
    drain_posted = false;
    std::deque<std::coroutine_handle<>> batch;
    batch.swap(ready);
    run_noted([&batch] {
      for (const auto handle : batch) handle.resume();
    });
  }

  [[nodiscard]] base::MonoTime now() const {
    return mode == TimeMode::kVirtual ? virtual_now : std::chrono::steady_clock::now();
  }

  void fire_due() {
    while (!timers.empty() && timers.begin()->first.first <= now()) {
      auto callback = std::move(timers.begin()->second);
      timers.erase(timers.begin());
      run_noted(std::ref(callback));
    }
    arm();
  }

  /// Points the one Asio timer at the earliest of ours.
  void arm() {
    if (mode == TimeMode::kVirtual || timers.empty()) return;
    const base::MonoTime first = timers.begin()->first.first;
    if (alarm_at && *alarm_at <= first) return;
    alarm_at = first;
    alarm.expires_at(first);
    alarm.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      alarm_at.reset();
      fire_due();
    });
  }

  /// Virtual time: one step. True when something happened.
  void run_virtual_step() {
    if (context.poll() > 0) return;
    if (external.load() == 0 && !timers.empty()) {
      virtual_now = std::max(virtual_now, timers.begin()->first.first);
      fire_due();
      return;
    }
    context.run_one();
  }
};

Loop::Loop(TimeMode mode) : impl_(std::make_unique<Impl>(mode)) {
  // A peer that went away is an error of that write (EPIPE), not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
}
Loop::~Loop() = default;

void Loop::post(std::move_only_function<void()> work) {
  asio::post(impl_->context,
             [impl = impl_.get(), work = std::move(work)]() mutable { impl->run_noted(std::ref(work)); });
}

void Loop::resume_soon(std::coroutine_handle<> handle) {
  impl_->ready.push_back(handle);
  if (std::exchange(impl_->drain_posted, true)) return;
  asio::post(impl_->context, [impl = impl_.get()] { impl->drain(); });
}

void Loop::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (impl_->mode == TimeMode::kVirtual) {
      impl_->run_virtual_step();
    } else {
      impl_->context.run_one();
    }
  }
}

void Loop::wake() {
  post([] {});
}

base::UnixMillis Loop::unix_now() const {
  const base::UnixMillis ahead = impl_->wall_clock_ahead.count();
  if (impl_->mode == TimeMode::kVirtual) {
    constexpr base::UnixMillis kVirtualEpoch = 1'795'000'000'000;
    return kVirtualEpoch + ahead +
           std::chrono::duration_cast<base::Millis>(impl_->virtual_now.time_since_epoch()).count();
  }
  return ahead + std::chrono::duration_cast<base::Millis>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void Loop::set_wall_clock_ahead(base::Millis by) { impl_->wall_clock_ahead = by; }

base::MonoTime Loop::mono_now() const { return impl_->now(); }

LoopLoad Loop::load() const { return impl_->load; }

Timer Loop::call_at(base::MonoTime when, std::move_only_function<void()> callback) {
  const TimerKey key{when, impl_->next_timer++};
  impl_->timers.emplace(key, std::move(callback));
  impl_->arm();
  return Timer([impl = impl_.get(), key] { impl->timers.erase(key); });
}

Async<base::Result<void>> Loop::sleep(base::Millis span, CancelToken cancel) {
  Signal never(*this);
  auto slept = co_await never.wait(cancel, Deadline::after(*this, span));
  if (slept.error().code == base::codes::kTimeout) co_return base::Result<void>();
  co_return slept;
}

Async<void> Loop::yield() {
  struct Yield {
    Loop* loop;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { loop->resume_soon(handle); }
    void await_resume() const {}
  };
  co_await Yield{this};
}

namespace {

struct SignalWatch : std::enable_shared_from_this<SignalWatch> {
  SignalWatch(asio::io_context& context, int number, std::move_only_function<void()> on_signal)
      : set(context, number), callback(std::move(on_signal)) {}

  asio::signal_set set;
  std::move_only_function<void()> callback;

  void wait() {
    set.async_wait([self = shared_from_this()](const boost::system::error_code& error, int) {
      if (error) return;
      self->callback();
      self->wait();
    });
  }
};

}  // namespace

Timer Loop::on_signal(int signal_number, std::move_only_function<void()> callback) {
  auto watch = std::make_shared<SignalWatch>(impl_->context, signal_number, std::move(callback));
  watch->wait();
  return Timer([watch] {
    boost::system::error_code ignored;
    watch->set.cancel(ignored);
    watch->set.clear(ignored);
  });
}

void Loop::external_work_started() { impl_->external.fetch_add(1); }
void Loop::external_work_finished() { impl_->external.fetch_sub(1); }

struct FdWatch::Impl {
  Impl(Loop& on_loop, int fd) : loop(&on_loop), descriptor(on_loop.impl().context, fd) {}
  /// Cancels the waits and lets go of the descriptor at once: its owner may close it right after.
  void detach() {
    if (descriptor.is_open()) (void)descriptor.release();
  }
  ~Impl() { detach(); }

  Loop* loop;
  asio::posix::stream_descriptor descriptor;

  static Async<base::Result<void>> wait(std::shared_ptr<Impl> impl, asio::posix::descriptor_base::wait_type what,
                                        CancelToken cancel, Deadline deadline) {
    auto done = std::make_shared<OneShot<boost::system::error_code>>(*impl->loop);
    impl->loop->external_work_started();
    impl->descriptor.async_wait(what, [done, impl](const boost::system::error_code& error) {
      impl->loop->external_work_finished();
      done->set(error);
    });
    auto result = co_await done->wait(cancel, deadline);
    if (!result.ok()) {
      boost::system::error_code ignored;
      impl->descriptor.cancel(ignored);
      co_return std::move(result).error();
    }
    if (*result)
      co_return base::Error{.code = base::codes::kIo, .message = "wait for descriptor: " + result->message()};
    co_return base::Result<void>();
  }
};

FdWatch::FdWatch(Loop& loop, int fd) : impl_(std::make_shared<Impl>(loop, fd)) {}
FdWatch::~FdWatch() { impl_->detach(); }

Async<base::Result<void>> FdWatch::readable(CancelToken cancel, Deadline deadline) {
  return Impl::wait(impl_, asio::posix::descriptor_base::wait_read, cancel, deadline);
}
Async<base::Result<void>> FdWatch::writable(CancelToken cancel, Deadline deadline) {
  return Impl::wait(impl_, asio::posix::descriptor_base::wait_write, cancel, deadline);
}

void name_this_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

boost::asio::io_context& io_context_of(Loop& loop) { return loop.impl().context; }

}  // namespace lathe::runtime
