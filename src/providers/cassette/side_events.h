#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/protocol/events.h"
#include "lathe/providers/cassette/tape.h"

// The engine tells of sub-agents when they begin and end, beside what the session's driver records, and what the model
// is asked next depends on when that was. So do background jobs tell of their end. On the tape each such event has its
// place among the driver's steps: its records, and its looks whether something was steered in, which it takes when it
// builds a request. In a replay no sub-agent and no job runs: the events come from the tape, each behind the step that
// it came behind.

namespace lathe::providers::cassette {

/// The events about the sub-agents and jobs of one session, on their way to a tape or from one. Loop thread.
class SideEvents final {
 public:
  /// Either may be null. Takes all that the played tape has. Both outlive it.
  SideEvents(Tape* played, TapeWriter* written);

  /// The driver took a step, which saw the session's records up to `seq`; never less than the step before it.
  void step(std::int64_t seq) { steps_.push_back(seq); }
  /// The event is the record `seq`. Told of after the steps before it, maybe also after some behind it.
  void came(std::int64_t seq, protocol::EventMsg msg);
  enum class When { kInTask, kBetweenTasks };
  /// An event whose record is only being made, now.
  void comes(When when, protocol::EventMsg msg);
  /// Writes the events whose place is known: a step behind them was taken.
  [[nodiscard]] base::Result<void> write();
  /// Writes all: no step follows.
  [[nodiscard]] base::Result<void> write_rest();
  /// Played events whose place has come, in their order; each once.
  [[nodiscard]] base::Result<std::vector<protocol::EventMsg>> due() { return take(std::ssize(steps_)); }
  /// The same once no Task runs any more.
  [[nodiscard]] base::Result<std::vector<protocol::EventMsg>> due_after_task() { return take(std::ssize(steps_) + 1); }

 private:
  struct Arrived {
    std::int64_t seq;
    /// How many steps it is behind, where `seq` does not tell.
    std::optional<std::int64_t> place;
    protocol::EventMsg msg;
  };
  base::Result<void> write_front();
  base::Result<std::vector<protocol::EventMsg>> take(std::int64_t steps);

  TapeWriter* const written_;
  std::vector<std::int64_t> steps_;
  std::deque<Arrived> unwritten_;
  std::deque<base::Json> played_;
};

}  // namespace lathe::providers::cassette
