#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/model_directory.h"
#include "lathe/ports/session_state.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/items.h"

namespace lathe::agent {

/// Counts what a Task uses and refuses what would go past its ceilings, before it is used. A value of one Task; what an
/// earlier part of a parked Task used counts on. Time is not counted here: NativeDriver sets a timer for it.
///
/// Refusals are `budget_exceeded` and name the budget.
class BudgetMeter final {
 public:
  /// What others leave of their budgets for this Task at this moment (TaskHost::room).
  using Room = std::function<std::optional<protocol::Budget>()>;

  /// `limits` with the defaults already in it.
  BudgetMeter(protocol::Budget limits, const std::optional<ports::OpenTask>& used, Room room = {});

  /// `price_unknown`, naming the model, when money is limited and what it costs is not known.
  [[nodiscard]] base::Result<void> check_price(const ports::ResolvedModel& model) const;

  /// Takes one Turn.
  [[nodiscard]] base::Result<void> take_turn();
  /// Takes `count` calls, or none.
  [[nodiscard]] base::Result<void> take_calls(std::int64_t count);
  /// How many tokens an answer to a request of `input_tokens` may have so that neither tokens nor money run out;
  /// nothing when neither is limited. Refused when there is no room for a useful answer.
  [[nodiscard]] base::Result<std::optional<std::int64_t>> room_for_output(std::int64_t input_tokens,
                                                                          const ports::ModelFacts& facts) const;
  void spend(const protocol::Usage& usage, const std::optional<std::int64_t>& cost_micro_usd);
  /// An answer was begun and broke off. Providers take money for it and tell nobody, so it counts against the ceilings
  /// alone, as it is estimated.
  void lose(const protocol::Usage& estimate, const ports::ModelFacts& facts);
  /// Sub-agents of this Task used so much by now; what came since the last call is counted.
  void note_agents(const ports::AgentUse& use);

  [[nodiscard]] const protocol::Usage& usage() const { return usage_; }
  /// Events due since the last call: each budget once when 80 % of it is used.
  [[nodiscard]] std::vector<protocol::BudgetStatus> news();

 private:
  base::Error refuse(std::string_view kind, std::int64_t limit) const;
  [[nodiscard]] protocol::Budget room() const { return (room_ ? room_() : std::nullopt).value_or(protocol::Budget()); }

  protocol::Budget limits_;
  Room room_;
  ports::AgentUse noted_;
  std::int64_t turns_ = 0;
  std::int64_t tool_calls_ = 0;
  protocol::Usage usage_;
  std::optional<std::int64_t> cost_ = 0;
  /// Of answers that broke off.
  std::int64_t lost_tokens_ = 0;
  std::int64_t lost_micro_usd_ = 0;
  std::map<std::string, bool> announced_;
};

/// The error of a spent budget.
[[nodiscard]] base::Error budget_error(std::string_view kind, std::string_view limit_text);

}  // namespace lathe::agent
