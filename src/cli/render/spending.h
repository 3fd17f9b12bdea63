#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lathe/protocol/events.h"

namespace lathe::cli {

/// What the Task that runs has spent so far, for the line behind one that failed: a Task that is done says it itself.
/// Pure: events in.
class Spending final {
 public:
  void note(const protocol::EventMsg& msg);
  /// Answers come from a recording: nothing is paid for.
  [[nodiscard]] bool replayed() const { return replayed_; }
  /// "1,200 tokens in, 30 out, $0.0042"; "" when nothing was spent.
  [[nodiscard]] std::string label() const;

 private:
  struct Visitor;

  protocol::Usage tokens_;
  /// Unknown once a part of it is.
  std::optional<std::int64_t> micro_usd_ = 0;
  /// What the answer cost whose Turn has not ended is in the sum already.
  bool answer_counted_ = false;
  /// A Task that was parked goes on: what it spent before was not seen here.
  bool begun_elsewhere_ = false;
  bool replayed_ = false;
};

/// "12,345 tokens in, 10 out, $0.0123", of a recording without what it would cost.
[[nodiscard]] std::string spent_label(const protocol::Usage& usage, std::optional<std::int64_t> cost_micro_usd,
                                      bool replayed);

}  // namespace lathe::cli
