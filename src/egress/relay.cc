#include "lathe/egress/relay.h"

#include <algorithm>
#include <vector>

namespace lathe::egress {

namespace {
constexpr std::size_t kBufferBytes = 32U << 10;
}  // namespace

IdleWatch::IdleWatch(runtime::Loop& loop, runtime::CancelSource& connection, std::chrono::milliseconds patience)
    : loop_(loop), connection_(connection), patience_(patience), last_(loop.mono_now()) {
  arm();
}

void IdleWatch::arm() {
  timer_ = loop_.call_at(last_ + patience_, [this] {
    if (loop_.mono_now() - last_ >= patience_) {
      connection_.cancel(runtime::cancelled_error("nothing passed on the connection for too long"));
    } else {
      arm();
    }
  });
}

runtime::Async<bool> copy(Flow flow, std::uint64_t limit, runtime::CancelToken cancel) {
  std::vector<char> buffer(kBufferBytes);
  const auto never = runtime::Deadline::never();
  while (limit > 0) {
    const std::size_t room = std::min<std::uint64_t>(buffer.size(), limit);
    const auto got = co_await flow.from.read({buffer.data(), room}, cancel, never);
    if (!got.ok()) co_return false;
    if (*got == 0) break;
    if (!flow.budget.take(*got)) co_return false;
    flow.idle.touch();
    const auto written = co_await flow.to.write({buffer.data(), *got}, cancel, never);
    if (!written.ok()) co_return false;
    flow.idle.touch();
    if (limit != kToTheEnd) limit -= *got;
  }
  co_return true;
}

}  // namespace lathe::egress
