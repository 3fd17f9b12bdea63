#pragma once

#include <optional>

#include "lathe/cli/context.h"
#include "lathe/cli/task_end.h"
#include "lathe/runtime/signal.h"

namespace lathe::cli {

/// Ctrl-C, SIGTERM and SIGHUP as values. A second Ctrl-C before reset() leaves the process at once.
class Stops final {
 public:
  explicit Stops(Context& context);

  /// The next reason to stop; `timeout` at the deadline. One waiter at a time.
  runtime::Async<base::Result<StopCause>> next(runtime::CancelToken cancel, runtime::Deadline deadline);
  /// What the last Ctrl-C asked for is done: the next one is a first again.
  void reset() { person_asked_ = false; }

  /// While it lives, Ctrl-C is for another program that has the terminal.
  class Away final {
   public:
    explicit Away(Stops& stops) : stops_(stops) { stops_.away_ = true; }
    ~Away() { stops_.away_ = false; }
    Away(const Away&) = delete;
    Away& operator=(const Away&) = delete;

   private:
    Stops& stops_;
  };

 private:
  void on_interrupt();
  void on_termination();

  Context& context_;
  runtime::Signal arrived_;
  std::optional<StopCause> pending_;
  bool person_asked_ = false;
  bool away_ = false;
  runtime::Timer interrupt_;
  runtime::Timer terminate_;
  runtime::Timer hang_up_;
};

}  // namespace lathe::cli
