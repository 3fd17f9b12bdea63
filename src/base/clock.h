#pragma once

#include <chrono>
#include <cstdint>

namespace lathe::base {

/// Unix milliseconds, as on the wire and in records.
using UnixMillis = std::int64_t;
using Millis = std::chrono::milliseconds;
/// A point of monotonic time; only differences mean anything.
using MonoTime = std::chrono::steady_clock::time_point;

/// Who tells the time. The event loop is one; tests give it a virtual clock.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UnixMillis unix_now() const = 0;
  [[nodiscard]] virtual MonoTime mono_now() const = 0;
};

}  // namespace lathe::base
