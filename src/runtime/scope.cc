#include "lathe/runtime/scope.h"

namespace lathe::runtime {

detail::Detached Scope::run(Async<void> work, Scope* scope) {
  co_await work;
  if (--scope->running_ == 0) scope->idle_.notify();
}

void Scope::spawn(Async<void> work) {
  ++running_;
  run(std::move(work), this);
}

Async<void> Scope::join() {
  while (running_ > 0) {
    const auto waited = co_await idle_.wait(CancelToken(), Deadline::never());
    CHECK(waited.ok());
  }
}

Async<void> Scope::stop() {
  source_.cancel(cancelled_error("stopped"));
  co_await join();
}

}  // namespace lathe::runtime
