#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "lathe/base/clock.h"

namespace lathe::runtime {

/// When a wait gives up; a value that is passed on unchanged from the one who asked.
class Deadline final {
 public:
  /// Waits as long as it takes (until cancelled).
  static Deadline never() { return Deadline{std::nullopt}; }
  static Deadline at(base::MonoTime when) { return Deadline{when}; }
  static Deadline after(const base::Clock& clock, base::Millis span) { return Deadline{clock.mono_now() + span}; }

  [[nodiscard]] bool is_never() const { return !when_; }
  [[nodiscard]] const std::optional<base::MonoTime>& when() const { return when_; }
  [[nodiscard]] bool passed(const base::Clock& clock) const { return when_ && clock.mono_now() >= *when_; }
  /// The earlier of the two.
  [[nodiscard]] Deadline sooner(Deadline other) const {
    if (!when_) return other;
    if (!other.when_) return *this;
    return Deadline{std::min(*when_, *other.when_)};
  }

 private:
  explicit Deadline(std::optional<base::MonoTime> when) : when_(when) {}
  std::optional<base::MonoTime> when_;
};

}  // namespace lathe::runtime
