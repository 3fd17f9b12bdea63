#include "lathe/cli/term/stops.h"

#include <csignal>
#include <utility>

namespace lathe::cli {

Stops::Stops(Context& context)
    : context_(context),
      arrived_(context.loop),
      interrupt_(context.loop.on_signal(SIGINT, [this] { on_interrupt(); })),
      terminate_(context.loop.on_signal(SIGTERM, [this] { on_termination(); })),
      hang_up_(context.loop.on_signal(SIGHUP, [this] { on_termination(); })) {}

void Stops::on_interrupt() {
  if (away_) return;
  if (person_asked_) return context_.leave_now(kInterrupted);
  person_asked_ = true;
  pending_ = StopCause::kPerson;
  arrived_.notify();
}

void Stops::on_termination() {
  pending_ = StopCause::kSignal;
  arrived_.notify();
}

runtime::Async<base::Result<StopCause>> Stops::next(runtime::CancelToken cancel, runtime::Deadline deadline) {
  while (!pending_) CO_TRY_OK(co_await arrived_.wait(cancel, deadline));
  co_return *std::exchange(pending_, std::nullopt);
}

}  // namespace lathe::cli
