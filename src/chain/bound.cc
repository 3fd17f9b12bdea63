#include "lathe/chain/bound.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lathe/base/strings.h"
#include "lathe/chain/amounts.h"
#include "lathe/chain/fields.h"
#include "lathe/chain/flow.h"
#include "lathe/chain/visits.h"

namespace lathe::chain {
namespace {

constexpr int kDeepestSubChain = 16;

/// What one visit of a task spends at most.
struct Cost {
  Most turns;
  Most tool_calls;
  Most tokens;
  Most micro_usd;
  Most seconds;
};

std::vector<std::string> candidates_of(const ModelUse* use) {
  std::vector<std::string> names;
  if (use == nullptr) return names;
  if (use->model) names.push_back(use->model->text());
  for (const Text& model : use->models) names.push_back(model->text());
  if (use->retry_policy->fallback_model_id) names.push_back(use->retry_policy->fallback_model_id->text());
  return names;
}

class Costs final {
 public:
  Costs(const Chain& chain, const BoundFacts& facts, int depth) : chain_(chain), facts_(facts), depth_(depth) {}

  Cost of(const Task& task) {
    task_ = &task;
    Cost cost = std::visit(*this, task.does);
    const Most tries = exactly(1 + *task.retry_on_failure);
    for (Most* amount : {&cost.turns, &cost.tool_calls, &cost.tokens, &cost.micro_usd, &cost.seconds}) {
      *amount = times(*amount, tries);
    }
    if (!task.budget) return cost;
    const Budget& budget = *task.budget;
    const std::string why = fmt::format("the budget of task \"{}\"", *task.id);
    cost.turns = capped(cost.turns, static_cast<bool>(budget.turns), *budget.turns, why);
    cost.tool_calls = capped(cost.tool_calls, static_cast<bool>(budget.tool_calls), *budget.tool_calls, why);
    cost.tokens = capped(cost.tokens, static_cast<bool>(budget.tokens), *budget.tokens, why);
    cost.micro_usd = capped(cost.micro_usd, static_cast<bool>(budget.usd), micro(*budget.usd), why);
    cost.seconds = capped(cost.seconds, static_cast<bool>(budget.seconds), *budget.seconds, why);
    return cost;
  }

  static std::int64_t micro(double usd) {
    constexpr double kMost = 9e12;  // dollars
    return static_cast<std::int64_t>(std::ceil(std::clamp(usd, 0.0, kMost) * 1e6));
  }

  Cost operator()(const ChatCompletion& chat) { return asked(static_cast<bool>(chat.output_schema)); }
  Cost operator()(const Route&) { return asked(/*repaired=*/false); }
  Cost operator()(const ExecuteToolCalls&) { return {.tool_calls = calls_of_an_answer(), .seconds = limited_time()}; }
  Cost operator()(const ToolCall&) { return {.tool_calls = exactly(1), .seconds = limited_time()}; }
  Cost operator()(const Noop&) { return {}; }
  Cost operator()(const RaiseError&) { return {}; }
  Cost operator()(const Agent&) {
    const Most turns = task_->budget->turns ? exactly(*task_->budget->turns)
                                            : without_end(says("is an agent without a budget of turns"));
    return {.turns = turns,
            .tool_calls = times(turns, calls_of_an_answer()),
            .tokens = times(turns, tokens_of_a_request()),
            .micro_usd = money(times(turns, tokens_of_a_request())),
            .seconds = limited_time()};
  }
  Cost operator()(const Driver&) {
    const Most unknown = without_end(says("is an outside agent, which says nothing before"));
    return {
        .turns = unknown, .tool_calls = unknown, .tokens = unknown, .micro_usd = unknown, .seconds = limited_time()};
  }
  Cost operator()(const Shell&) { return {.seconds = limited_time()}; }
  Cost operator()(const Human&) { return {}; }
  Cost operator()(const SubChain& sub) {
    const Chain* chain = facts_.chain && sub.chain ? facts_.chain(*sub.chain) : nullptr;
    if (chain == nullptr || depth_ >= kDeepestSubChain) {
      const Most unknown = without_end(says(fmt::format("runs the chain \"{}\", which is not known", *sub.chain)));
      return {.turns = unknown, .tool_calls = unknown, .tokens = unknown, .micro_usd = unknown, .seconds = unknown};
    }
    Bound bound = inner_bound(*chain);
    return {.turns = bound.turns,
            .tool_calls = bound.tool_calls,
            .tokens = bound.tokens,
            .micro_usd = bound.micro_usd,
            .seconds = bound.seconds};
  }
  Cost operator()(const Parallel&) { return {}; }
  Cost operator()(const Map&) { return {}; }
  Cost operator()(const Wait& wait) {
    if (wait.duration) return {.seconds = exactly(std::chrono::ceil<std::chrono::seconds>(*wait.duration).count())};
    return {.seconds = limited_time()};
  }

 private:
  Bound inner_bound(const Chain& chain) const;

  [[nodiscard]] std::string says(std::string_view what) const {
    return fmt::format("task \"{}\" {}", *task_->id, what);
  }

  Cost asked(bool repaired) {
    const ModelUse* use = task_->use();
    const std::int64_t attempts = use == nullptr ? 1 : std::max<std::int64_t>(1, *use->retry_policy->max_attempts);
    std::int64_t models = use == nullptr ? 0 : static_cast<std::int64_t>(use->models.size()) + (use->model ? 1 : 0);
    models = std::max<std::int64_t>(1, models);
    const Most turns = times(times(exactly(attempts), exactly(models)), exactly(repaired ? 2 : 1));
    const Most tokens = times(turns, tokens_of_a_request());
    return {.turns = turns, .tokens = tokens, .micro_usd = money(tokens), .seconds = limited_time()};
  }

  [[nodiscard]] Most tokens_of_a_request() const {
    if (*chain_.token_limit > 0) return exactly(*chain_.token_limit);
    return without_end("the chain has no token_limit");
  }

  [[nodiscard]] Most calls_of_an_answer() const {
    if (facts_.calls_per_answer) return exactly(*facts_.calls_per_answer);
    return without_end("one answer may ask for any number of calls");
  }

  [[nodiscard]] Most money(const Most& tokens) const {
    if (never(tokens)) return exactly(0);
    double dearest = 0;
    const std::vector<std::string> models = candidates_of(task_->use());
    if (!facts_.usd_per_million) return without_end("prices are not known");
    if (models.empty()) return without_end(says("does not say which model it asks"));
    for (const std::string& model : models) {
      const auto price = facts_.usd_per_million(model);
      if (!price) return without_end(fmt::format("the price of {} is not known", model));
      dearest = std::max(dearest, *price);
    }
    if (!tokens.finite()) return dearest == 0 ? exactly(0) : tokens;
    // Dollars for a million tokens are millionths of a dollar for one.
    const double cost = std::ceil(static_cast<double>(*tokens.most) * dearest);
    constexpr double kMost = 9e18;
    return cost < kMost ? exactly(static_cast<std::int64_t>(cost)) : without_end("the numbers are too large");
  }

  [[nodiscard]] Most limited_time() const {
    if (task_->timeout) return exactly(std::chrono::ceil<std::chrono::seconds>(*task_->timeout).count());
    return without_end(says("has no timeout"));
  }

  const Chain& chain_;
  const BoundFacts& facts_;
  int depth_;
  const Task* task_ = nullptr;
};

void cap_by_budget(Bound& bound, const Given<Budget>& given) {
  if (!given) return;
  const Budget& budget = *given;
  const std::string why = "the budget of the chain";
  bound.steps = capped(bound.steps, static_cast<bool>(budget.steps), *budget.steps, why);
  bound.turns = capped(bound.turns, static_cast<bool>(budget.turns), *budget.turns, why);
  bound.tool_calls = capped(bound.tool_calls, static_cast<bool>(budget.tool_calls), *budget.tool_calls, why);
  bound.tokens = capped(bound.tokens, static_cast<bool>(budget.tokens), *budget.tokens, why);
  bound.micro_usd = capped(bound.micro_usd, static_cast<bool>(budget.usd), Costs::micro(*budget.usd), why);
  bound.seconds = capped(bound.seconds, static_cast<bool>(budget.seconds), *budget.seconds, why);
}

Bound bound_at(const Chain& chain, const BoundFacts& facts, int depth) {
  Bound bound;
  const Flow flow(chain);
  const std::vector<Most> visits = visits_of(flow);
  Costs costs(chain, facts, depth);
  for (std::size_t i = 0; i < chain.tasks.size(); ++i) {
    const Task& task = chain.tasks[i];
    bound.tasks.push_back({.task = *task.id, .times = visits[i]});
    if (never(visits[i])) continue;
    const Cost cost = costs.of(task);
    bound.steps = plus(bound.steps, visits[i]);
    bound.turns = plus(bound.turns, times(visits[i], cost.turns));
    bound.tool_calls = plus(bound.tool_calls, times(visits[i], cost.tool_calls));
    bound.tokens = plus(bound.tokens, times(visits[i], cost.tokens));
    bound.micro_usd = plus(bound.micro_usd, times(visits[i], cost.micro_usd));
    bound.seconds = plus(bound.seconds, times(visits[i], cost.seconds));
    if (const auto* human = std::get_if<Human>(&task.does)) {
      bound.gates.push_back({.task = *task.id,
                             .at = task.id.at,
                             .question = human->question->text(),
                             .kind = std::string(kAskKinds[static_cast<std::size_t>(*human->ask)]),
                             .times = visits[i],
                             .deadline = human->deadline});
    }
  }
  cap_by_budget(bound, chain.budget);
  return bound;
}

Bound Costs::inner_bound(const Chain& chain) const { return bound_at(chain, facts_, depth_ + 1); }

std::string amount_text(const Most& amount, const std::string& number) {
  if (!amount.finite()) return "no bound: " + amount.why;
  return "at most " + number + (amount.why.empty() ? "" : " (" + amount.why + ")");
}

std::string counted(const Most& amount) {
  return amount_text(amount, amount.finite() ? base::with_thousands(*amount.most) : "");
}

}  // namespace

bool Bound::finite() const {
  return steps.finite() && turns.finite() && tool_calls.finite() && tokens.finite() && micro_usd.finite() &&
         seconds.finite();
}

Bound bound_of(const Chain& chain, const BoundFacts& facts) { return bound_at(chain, facts, /*depth=*/0); }

std::string bound_text(const Bound& bound) {
  const double usd = static_cast<double>(bound.micro_usd.most.value_or(0)) / 1e6;
  const auto seconds = std::chrono::seconds(std::min<std::int64_t>(bound.seconds.most.value_or(0), 1LL << 40));
  std::string text;
  text += "steps:      " + counted(bound.steps) + "\n";
  text += "turns:      " + counted(bound.turns) + "\n";
  text += "tool calls: " + counted(bound.tool_calls) + "\n";
  text += "tokens:     " + counted(bound.tokens) + "\n";
  text += "usd:        " + amount_text(bound.micro_usd, fmt::format("{:.2f}", usd)) + "\n";
  text += "time:       " + amount_text(bound.seconds, base::format_duration(seconds)) + "\n";
  for (const GateMet& gate : bound.gates) {
    text += fmt::format("asks:       {} ({}), {}\n", gate.task, gate.kind, counted(gate.times));
  }
  return text;
}

}  // namespace lathe::chain
