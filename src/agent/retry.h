#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "lathe/base/clock.h"
#include "lathe/base/ids.h"
#include "lathe/ports/model.h"

namespace lathe::agent {

/// How often one model is asked again, and how long to wait before it (ARCHITECTURE 4.5 "retries"). One per model and
/// answer. Pure: the time is passed in.
class Retries final {
 public:
  explicit Retries(base::Random& random) : random_(random) {}

  /// The server took no connection at `when`, for another question: if that was just now, it was the first attempt.
  void unreachable_before(base::MonoTime when, base::MonoTime now);

  struct Again {
    /// The retry that follows, from 1, and how many of its kind there are at most.
    int attempt = 0;
    int of = 0;
    std::chrono::milliseconds wait{0};
  };
  /// Counts the failure; nothing when this model is not to be asked again.
  [[nodiscard]] std::optional<Again> after(const ports::ModelFailure& failure, base::MonoTime now);

 private:
  base::Random& random_;
  /// The first of the failures to connect that nothing else came between.
  std::optional<base::MonoTime> unreachable_since_;
  std::array<int, 3> taken_{};
};

}  // namespace lathe::agent
