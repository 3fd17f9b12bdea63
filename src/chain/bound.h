#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/chain/chain.h"

// The most that a run of a chain can spend, known before it starts: every edge counter, budget, retry, timeout and map
// size counts. What a run really spends is never more.
//
// A task is visited once for each way into it: once on the way from the start, and once more for each time that a
// limited branch leads back to before it (flow.h). What a parallel or map task starts is a walk of its own, as often as
// the task is visited, times its items.

namespace lathe::chain {

/// The most of something; no number when nothing bounds it. `why` says what bounds it, or what keeps it from being
/// bounded: a loop, a missing limit.
struct Most {
  std::optional<std::int64_t> most = 0;
  std::string why = {};

  [[nodiscard]] bool finite() const { return most.has_value(); }
};

/// A person who is asked.
struct GateMet {
  std::string task;
  Position at = {};
  std::string question;
  std::string kind;
  Most times;
  Span deadline;
};

struct TaskBound {
  std::string task;
  Most times;
};

struct Bound {
  /// Tasks that are started.
  Most steps;
  /// Requests to models, repeated ones included.
  Most turns;
  Most tool_calls;
  Most tokens;
  /// Millionths of a US dollar.
  Most micro_usd;
  /// Without waiting for people.
  Most seconds;
  std::vector<TaskBound> tasks;
  std::vector<GateMet> gates;

  [[nodiscard]] bool finite() const;
};

/// What is known besides the file.
struct BoundFacts {
  /// The most tool calls that are run of one answer.
  std::optional<std::int64_t> calls_per_answer = {};
  /// Dollars for a million tokens, the dearer of input and output; nothing when it is not known.
  std::function<std::optional<double>(std::string_view model)> usd_per_million = {};
  /// The chain of that name; nullptr when there is none.
  std::function<const Chain*(std::string_view name)> chain = {};
};

[[nodiscard]] Bound bound_of(const Chain& chain, const BoundFacts& facts = {});
/// For people: a line for each kind, with what is not bounded and why, then the gates.
[[nodiscard]] std::string bound_text(const Bound& bound);

}  // namespace lathe::chain
