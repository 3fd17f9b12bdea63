#include "lathe/agent/budget.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

/// An answer of fewer tokens is of no use to anyone; asking for it would only spend.
constexpr std::int64_t kLeastOutputTokens = 64;
constexpr std::int64_t kMillion = 1'000'000;
/// Why a Task may not go on although its own budget would let it.
constexpr const char* kOfOthers = "what it shares with its agents, or with the task that spawned it";

std::string dollars(std::int64_t micro_usd) {
  std::string fraction = std::to_string(micro_usd % kMillion);
  fraction.insert(0, 6 - fraction.size(), '0');
  while (fraction.size() > 2 && fraction.ends_with('0')) fraction.pop_back();
  return "$" + std::to_string(micro_usd / kMillion) + "." + fraction;
}

std::string_view words_of(std::string_view kind) {
  if (kind == "tool_calls") return "tool calls";
  if (kind == "micro_usd") return "money";
  if (kind == "millis") return "time";
  return kind;
}

/// Tokens of output that `micro_usd` buys after `input_tokens` were paid for at the dearest rate of input.
std::int64_t affordable_output(std::int64_t micro_usd, std::int64_t input_tokens, const ports::Prices& prices) {
  const std::int64_t input_price = std::max(prices.input, prices.cache_write);
  const __int128 left = static_cast<__int128>(micro_usd) * kMillion - static_cast<__int128>(input_tokens) * input_price;
  if (left < 0) return 0;
  if (prices.output == 0) return std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(left / prices.output);
}

}  // namespace

base::Error budget_error(std::string_view kind, std::string_view limit_text) {
  return {.code = protocol::error_codes::kBudget,
          .message = "the budget of " + std::string(words_of(kind)) + " is spent: " + std::string(limit_text),
          .hint = "go on with a new message, or give the task a larger budget"};
}

BudgetMeter::BudgetMeter(protocol::Budget limits, const std::optional<ports::OpenTask>& used, Room room)
    : limits_(std::move(limits)), room_(std::move(room)) {
  if (!used) return;
  noted_ = used->agents;
  turns_ = used->turns;
  tool_calls_ = used->tool_calls;
  usage_ = used->usage;
  cost_ = used->cost_micro_usd;
  if (!used->answer) return;
  // A Turn that is under way is counted when it ends; it was taken all the same.
  ++turns_;
  spend(used->answer->usage, used->answer->cost_micro_usd);
}

base::Error BudgetMeter::refuse(std::string_view kind, std::int64_t limit) const {
  if (kind == "micro_usd")
    return budget_error(kind, dollars(cost_.value_or(0) + lost_micro_usd_) + " of " + dollars(limit));
  return budget_error(kind, base::with_thousands(limit) + " " + std::string(words_of(kind)));
}

base::Result<void> BudgetMeter::check_price(const ports::ResolvedModel& model) const {
  const bool limited = limits_.micro_usd || room().micro_usd;
  if (!limited || (model.facts.prices && cost_)) return {};
  const std::string name = model.backend + "/" + model.model;
  if (model.facts.prices) {
    return base::Error{.code = protocol::error_codes::kPriceUnknown,
                       .message = "a limit in USD is set, but an earlier turn of this task had no known price"};
  }
  return base::Error{.code = protocol::error_codes::kPriceUnknown,
                     .message = "a limit in USD is set, but the price of " + name + " is not known",
                     .hint = "add its price to models.yaml, beside the file that lathe config path shows, under \"" +
                             name + "\", or leave the limit out"};
}

base::Result<void> BudgetMeter::take_turn() {
  if (limits_.turns && turns_ >= *limits_.turns) return refuse("turns", *limits_.turns);
  if (room().turns.value_or(1) < 1) return budget_error("turns", kOfOthers);
  ++turns_;
  return {};
}

base::Result<void> BudgetMeter::take_calls(std::int64_t count) {
  if (limits_.tool_calls && tool_calls_ + count > *limits_.tool_calls) return refuse("tool_calls", *limits_.tool_calls);
  // The calls are recorded already, so the room is what is left after them.
  if (room().tool_calls.value_or(0) < 0) return budget_error("tool_calls", kOfOthers);
  tool_calls_ += count;
  return {};
}

base::Result<std::optional<std::int64_t>> BudgetMeter::room_for_output(std::int64_t input_tokens,
                                                                       const ports::ModelFacts& facts) const {
  std::optional<std::int64_t> room;
  if (limits_.tokens) {
    room = *limits_.tokens - usage_.total() - lost_tokens_ - input_tokens;
    if (*room < kLeastOutputTokens) return refuse("tokens", *limits_.tokens);
  }
  if (limits_.micro_usd && facts.prices) {
    const std::int64_t affordable =
        affordable_output(*limits_.micro_usd - cost_.value_or(0) - lost_micro_usd_, input_tokens, *facts.prices);
    if (affordable < kLeastOutputTokens) return refuse("micro_usd", *limits_.micro_usd);
    room = std::min(room.value_or(affordable), affordable);
  }
  const protocol::Budget left = this->room();
  if (left.tokens) {
    room = std::min(room.value_or(*left.tokens), *left.tokens - lost_tokens_ - input_tokens);
    if (*room < kLeastOutputTokens) return budget_error("tokens", kOfOthers);
  }
  if (left.micro_usd && facts.prices) {
    const std::int64_t affordable = affordable_output(*left.micro_usd - lost_micro_usd_, input_tokens, *facts.prices);
    if (affordable < kLeastOutputTokens) return budget_error("micro_usd", kOfOthers);
    room = std::min(room.value_or(affordable), affordable);
  }
  if (room && facts.max_output_tokens > 0) room = std::min(*room, facts.max_output_tokens);
  return room;
}

void BudgetMeter::spend(const protocol::Usage& usage, const std::optional<std::int64_t>& cost_micro_usd) {
  usage_ += usage;
  if (cost_ && cost_micro_usd) {
    *cost_ += *cost_micro_usd;
  } else {
    cost_.reset();
  }
}

void BudgetMeter::lose(const protocol::Usage& estimate, const ports::ModelFacts& facts) {
  lost_tokens_ += estimate.total();
  lost_micro_usd_ += ports::cost_of(estimate, facts).value_or(0);
}

void BudgetMeter::note_agents(const ports::AgentUse& use) {
  turns_ += use.turns - noted_.turns;
  tool_calls_ += use.tool_calls - noted_.tool_calls;
  usage_.input_tokens += use.usage.input_tokens - noted_.usage.input_tokens;
  usage_.cached_input_tokens += use.usage.cached_input_tokens - noted_.usage.cached_input_tokens;
  usage_.cache_write_tokens += use.usage.cache_write_tokens - noted_.usage.cache_write_tokens;
  usage_.output_tokens += use.usage.output_tokens - noted_.usage.output_tokens;
  usage_.reasoning_tokens += use.usage.reasoning_tokens - noted_.usage.reasoning_tokens;
  if (cost_ && use.cost_micro_usd && noted_.cost_micro_usd) {
    *cost_ += *use.cost_micro_usd - *noted_.cost_micro_usd;
  } else if (!use.cost_micro_usd) {
    cost_.reset();
  }
  noted_ = use;
}

std::vector<protocol::BudgetStatus> BudgetMeter::news() {
  std::vector<protocol::BudgetStatus> due;
  const auto look = [&](const char* kind, std::int64_t used, const std::optional<std::int64_t>& limit) {
    if (!limit || used * 5 < *limit * 4 || std::exchange(announced_[kind], true)) return;
    due.push_back({.kind = kind, .used = used, .limit = *limit});
  };
  look("turns", turns_, limits_.turns);
  look("tool_calls", tool_calls_, limits_.tool_calls);
  look("tokens", usage_.total() + lost_tokens_, limits_.tokens);
  look("micro_usd", cost_.value_or(0) + lost_micro_usd_, limits_.micro_usd);
  return due;
}

}  // namespace lathe::agent
