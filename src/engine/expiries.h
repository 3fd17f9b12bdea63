#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "lathe/base/clock.h"
#include "lathe/runtime/deadline.h"

namespace lathe::engine {

/// When questions expire. Their records say it by the wall clock, as it has to hold in other processes too. In the
/// process that asks, and in one that goes on with them, the time counts that passes from when it first knows of the
/// question: a clock that is set neither expires a question early nor lets a late answer through. Loop thread; `clock`
/// outlives it.
class Expiries final {
 public:
  explicit Expiries(const base::Clock& clock) : clock_(clock) {}

  /// Until when an answer to the question counts; the first call for it says how long that is. Never without a time.
  [[nodiscard]] runtime::Deadline of(const std::string& question, std::optional<base::UnixMillis> expires_at);
  [[nodiscard]] bool passed(const std::string& question, std::optional<base::UnixMillis> expires_at) {
    return of(question, expires_at).passed(clock_);
  }
  /// Those that are not open any more.
  void forget_unless(const std::function<bool(const std::string& question)>& is_open);

 private:
  const base::Clock& clock_;
  std::map<std::string, runtime::Deadline> ends_;
};

}  // namespace lathe::engine
