#include "lathe/engine/task_outcome.h"

#include <algorithm>
#include <ranges>
#include <variant>

namespace lathe::engine {

using ports::AgentUse;
using protocol::Budget;

namespace {

using Limit = std::optional<std::int64_t>;

/// `a`, each limit of which took in the one of `b`.
Budget joined(Budget a, const Budget& b, void (*take_in)(Limit& mine, const Limit& other)) {
  take_in(a.turns, b.turns);
  take_in(a.tool_calls, b.tool_calls);
  take_in(a.tokens, b.tokens);
  take_in(a.micro_usd, b.micro_usd);
  take_in(a.millis, b.millis);
  return a;
}

}  // namespace

AgentUse sum_of(AgentUse use, const AgentUse& more) {
  use.usage += more.usage;
  if (use.cost_micro_usd && more.cost_micro_usd) {
    *use.cost_micro_usd += *more.cost_micro_usd;
  } else {
    use.cost_micro_usd.reset();
  }
  use.turns += more.turns;
  use.tool_calls += more.tool_calls;
  return use;
}

AgentUse use_of(const ports::OpenTask& task) {
  const AgentUse use{
      .usage = task.usage, .cost_micro_usd = task.cost_micro_usd, .turns = task.turns, .tool_calls = task.tool_calls};
  if (!task.answer) return use;
  return sum_of(use, {.usage = task.answer->usage, .cost_micro_usd = task.answer->cost_micro_usd, .turns = 1});
}

TaskOutcome outcome_of(const ports::SessionState& state) {
  TaskOutcome outcome;
  outcome.use = {.usage = state.usage,
                 .cost_micro_usd = state.cost_micro_usd,
                 .turns = static_cast<std::int64_t>(state.bookmarks.size())};
  bool finished = false;
  for (const ports::PlacedEntry& placed : state.conversation.entries) {
    outcome.use.tool_calls += std::holds_alternative<ports::CallEntry>(placed.entry) ? 1 : 0;
    const auto* message = std::get_if<ports::AgentEntry>(&placed.entry);
    finished = message != nullptr && !message->incomplete;
    if (message != nullptr) outcome.last_message = message->text;
  }
  if (finished && !state.task) return outcome;
  outcome.status = protocol::CallStatus::kInterrupted;
  outcome.why = {.code = "interrupted", .message = "the process that ran it died"};
  return outcome;
}

Budget left_of(const Budget& budget, const AgentUse& use) {
  const auto left = [](const Limit& limit, std::int64_t used) -> Limit {
    if (!limit) return std::nullopt;
    return *limit - used;
  };
  return {.turns = left(budget.turns, use.turns),
          .tool_calls = left(budget.tool_calls, use.tool_calls),
          .tokens = left(budget.tokens, use.usage.total()),
          // What was used at an unknown price leaves nothing that could be counted on.
          .micro_usd = left(budget.micro_usd, use.cost_micro_usd.value_or(budget.micro_usd.value_or(0))),
          .millis = std::nullopt};
}

Budget over(Budget a, const Budget& b) {
  return joined(a, b, [](Limit& mine, const Limit& other) {
    if (!mine) mine = other;
  });
}

Budget narrower(Budget a, const Budget& b) {
  return joined(a, b, [](Limit& mine, const Limit& other) {
    if (other) mine = std::min(mine.value_or(*other), *other);
  });
}

std::string end_text(const protocol::AgentEnded& ended, const std::string& agent, const std::string& why) {
  std::string text =
      "The agent " + agent + " with the id " + ended.session + ", which ran in the background, has ended";
  text += why.empty() ? ".\n" : " before it was done: " + why + "\n";
  if (!ended.last_agent_message.empty()) text += "<answer>\n" + ended.last_agent_message + "\n</answer>";
  return text;
}

}  // namespace lathe::engine
