#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "lathe/egress/socket.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"

namespace lathe::egress {

/// Bytes that may still pass, over all connections.
class ByteBudget final {
 public:
  explicit ByteBudget(std::uint64_t bytes) : left_(bytes) {}
  [[nodiscard]] bool spent() const { return left_ == 0; }
  /// False when it does not suffice; it is spent then.
  [[nodiscard]] bool take(std::uint64_t bytes) {
    const bool enough = bytes <= left_;
    left_ = enough ? left_ - bytes : 0;
    return enough;
  }

 private:
  std::uint64_t left_;
};

/// Cancels a connection once nothing has passed on it, either way, for `patience`.
class IdleWatch final {
 public:
  IdleWatch(runtime::Loop& loop, runtime::CancelSource& connection, std::chrono::milliseconds patience);
  void touch() { last_ = loop_.mono_now(); }

 private:
  void arm();

  runtime::Loop& loop_;
  runtime::CancelSource& connection_;
  const std::chrono::milliseconds patience_;
  base::MonoTime last_;
  runtime::Timer timer_;
};

/// One direction of a connection.
struct Flow {
  Socket& from;
  Socket& to;
  ByteBudget& budget;
  IdleWatch& idle;
};
/// Copies until `from` ends, or `limit` bytes have passed. False when it broke off: an error, a cancellation, or the
/// budget.
runtime::Async<bool> copy(Flow flow, std::uint64_t limit, runtime::CancelToken cancel);

inline constexpr std::uint64_t kToTheEnd = std::numeric_limits<std::uint64_t>::max();

}  // namespace lathe::egress
