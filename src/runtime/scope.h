#pragma once

#include <memory>
#include <string_view>

#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/signal.h"

namespace lathe::runtime {

/// Owns background coroutines. Its owner stops it before it goes: `co_await scope.stop()` cancels and joins; a Scope
/// destroyed while busy is a CHECK. One loop thread. Last member of its owner, so that it goes first.
class Scope final {
 public:
  explicit Scope(Loop& loop) : idle_(loop) {}
  ~Scope() { CHECK(running_ == 0); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// Starts it at once. An exception that leaves it ends the process. After stop() nothing more may be spawned.
  void spawn(Async<void> work);
  /// Cancelled by stop(); hand it to what is spawned.
  [[nodiscard]] CancelToken token() const { return source_.token(); }
  [[nodiscard]] std::size_t running() const { return running_; }
  /// Waits until nothing runs, without cancelling.
  Async<void> join();
  Async<void> stop();

 private:
  static detail::Detached run(Async<void> work, Scope* scope);

  CancelSource source_;
  std::size_t running_ = 0;
  Signal idle_;
};

}  // namespace lathe::runtime
