#include "lathe/runtime/signal.h"

#include <coroutine>

namespace lathe::runtime {

struct Signal::State {
  Loop* loop;
  bool notified = false;
  std::coroutine_handle<> waiter;

  void wake() {
    if (waiter) loop->resume_soon(std::exchange(waiter, {}));
  }
};

namespace {

struct Park {
  Signal::State* state;
  bool await_ready() const { return state->notified; }
  void await_suspend(std::coroutine_handle<> handle) {
    CHECK(!state->waiter);
    state->waiter = handle;
  }
  void await_resume() const {}
};

}  // namespace

Signal::Signal(Loop& loop) : state_(std::make_shared<State>(&loop)) {}
Signal::~Signal() { CHECK(!state_->waiter); }

void Signal::notify() {
  state_->notified = true;
  state_->wake();
}

Async<base::Result<void>> Signal::wait(CancelToken cancel, Deadline deadline) {
  const std::shared_ptr<State> state = state_;
  bool timed_out = false;
  if (!state->notified && !cancel.cancelled()) {
    const CancelRegistration registration = cancel.on_cancel([state] { state->wake(); });
    Timer timer;
    if (deadline.when()) {
      timer = state->loop->call_at(*deadline.when(), [state, &timed_out] {
        timed_out = true;
        state->wake();
      });
    }
    Park park{state.get()};
    co_await park;
  }
  if (std::exchange(state->notified, false)) co_return base::Result<void>();
  if (cancel.cancelled()) co_return cancel.reason();
  CHECK(timed_out);
  co_return base::Error{.code = base::codes::kTimeout, .message = "timed out"};
}

}  // namespace lathe::runtime
