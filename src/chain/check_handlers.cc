#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/chain/checks.h"

namespace lathe::chain {
namespace {

/// More branches than this at a time are to be asked for.
constexpr std::size_t kMostUnasked = 8;

bool talks_to_a_model(const Task& task) {
  return std::holds_alternative<ChatCompletion>(task.does) || std::holds_alternative<Route>(task.does) ||
         std::holds_alternative<Agent>(task.does) || std::holds_alternative<Driver>(task.does);
}

void require(Checking& c, const Task& task, bool there, std::string_view field) {
  if (there) return;
  c.findings.add("missing-field", task.handler_at, fmt::format("{} has no \"{}\"", called(task), field));
}

void check_join(Checking& c, const Task& task, const Given<Join>& join, std::optional<std::int64_t> branches) {
  if (!join || join->kind != Join::Kind::kCount) return;
  if (join->count >= 1 && (!branches || join->count <= *branches)) return;
  c.findings.add("bad-join", join.at,
                 branches ? fmt::format("{} waits for {} of {} branches", called(task), join->count, *branches)
                          : fmt::format("{} waits for {} branches", called(task), join->count));
}

class HandlerChecks final {
 public:
  HandlerChecks(Checking& c, const Task& task) : c_(c), task_(task) {}

  void operator()(const ChatCompletion&) const {}
  void operator()(const ExecuteToolCalls&) const {}
  void operator()(const ToolCall&) const {}
  void operator()(const Route&) const {}
  void operator()(const Noop&) const {}
  void operator()(const RaiseError&) const {}
  void operator()(const Agent& agent) const {
    if (!agent.agent || !c_.around.agents || contains(*c_.around.agents, *agent.agent)) return;
    c_.findings.unknown("unknown-agent", agent.agent.at, fmt::format("there is no agent \"{}\" here", *agent.agent),
                        *agent.agent, *c_.around.agents);
  }
  void operator()(const Driver& driver) const {
    constexpr std::string_view kAnyAcp = "acp:";
    require(c_, task_, static_cast<bool>(driver.driver), "driver");
    if (!driver.driver || !c_.around.drivers) return;
    if (driver.driver->starts_with(kAnyAcp) || contains(*c_.around.drivers, *driver.driver)) return;
    c_.findings.unknown("unknown-driver", driver.driver.at,
                        fmt::format("there is no driver \"{}\" here", *driver.driver), *driver.driver,
                        *c_.around.drivers);
  }
  void operator()(const Shell& shell) const {
    if (shell.command && !base::trim(shell.command->text()).empty()) return;
    c_.findings.add("empty-command", shell.command ? shell.command.at : task_.handler_at,
                    fmt::format("{} has no command", called(task_)));
  }
  void operator()(const Human& human) const {
    check_choices(human);
    check_answers(human);
    if (human.deadline && human.deadline->count() == 0) zero(human.deadline, "deadline");
    if (human.deadline || !(c_.around.unattended || *c_.chain.unattended)) return;
    c_.findings.add("human-without-deadline", task_.handler_at,
                    fmt::format("{} waits for an answer without end, and nobody may be there", called(task_)),
                    "give it a \"deadline\"");
  }
  void operator()(const SubChain& chain) const { require(c_, task_, static_cast<bool>(chain.chain), "chain"); }
  void operator()(const Parallel& parallel) const {
    const auto branches = static_cast<std::int64_t>(parallel.start.size());
    if (branches > 0) check_join(c_, task_, parallel.join, branches);
    if (parallel.max_parallel && *parallel.max_parallel == 0) not_zero(parallel.max_parallel, "max_parallel");
    if (parallel.max_parallel || parallel.start.size() <= kMostUnasked) return;
    c_.findings.add("parallel-unbounded", task_.handler_at,
                    fmt::format("{} runs {} branches at a time", called(task_), branches),
                    "bound it with \"max_parallel\"");
  }
  void operator()(const Map& map) const {
    require(c_, task_, static_cast<bool>(map.over), "over");
    check_join(c_, task_, map.join, map.max_items ? std::optional(*map.max_items) : std::nullopt);
    if (map.max_parallel && *map.max_parallel == 0) not_zero(map.max_parallel, "max_parallel");
    if (map.max_items && *map.max_items == 0) not_zero(map.max_items, "max_items");
    if (!map.max_parallel) {
      c_.findings.add("parallel-unbounded", task_.handler_at,
                      fmt::format("{} runs any number of items at a time", called(task_)),
                      "bound it with \"max_parallel\"");
    }
    if (map.max_items) return;
    c_.findings.add("map-unbounded", task_.handler_at, fmt::format("{} takes any number of items", called(task_)),
                    "bound it with \"max_items\"");
  }
  void operator()(const Wait& wait) const {
    if (wait.duration && wait.duration->count() == 0) zero(wait.duration, "duration");
    if (wait.duration && wait.until) {
      c_.findings.add("bad-wait", wait.until.at, fmt::format("{} waits for two times", called(task_)),
                      "keep \"duration\" or \"until\"");
    }
    if (wait.duration || wait.until || wait.event) return;
    c_.findings.add("bad-wait", task_.handler_at, fmt::format("{} waits for nothing", called(task_)),
                    "give it \"duration\", \"until\" or \"event\"");
  }

 private:
  static bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  }
  void zero(const Span& span, std::string_view field) const {
    c_.findings.add("zero-timeout", span.at, fmt::format("{}: \"{}\" is no time at all", called(task_), field));
  }
  void not_zero(const Whole& number, std::string_view field) const {
    c_.findings.add("bad-number", number.at, fmt::format("{}: \"{}\" of 0 starts nothing", called(task_), field));
  }
  void check_choices(const Human& human) const {
    if (*human.ask != AskKind::kChoose) return;
    if (human.choices.empty()) {
      c_.findings.add("human-without-choices", task_.handler_at, fmt::format("{} gives no choice", called(task_)),
                      "list them in \"choices\"");
    }
    std::set<std::string_view> seen;
    for (const Choice& choice : human.choices) {
      if (!choice.id) {
        c_.findings.add("missing-field", choice.at, fmt::format("a choice of {} has no \"id\"", called(task_)));
      } else if (!seen.insert(*choice.id).second) {
        c_.findings.add("duplicate-choice", choice.id.at,
                        fmt::format("{} gives the choice \"{}\" twice", called(task_), *choice.id));
      }
    }
  }
  void check_answers(const Human& human) const {
    const Evals evals = evals_of(task_);
    if (human.default_answer && *human.default_answer != "timed_out" && !contains(evals.names, *human.default_answer)) {
      c_.findings.unknown("unknown-default-answer", human.default_answer.at,
                          fmt::format("{}: \"{}\" is no answer to it", called(task_), *human.default_answer),
                          *human.default_answer, evals.names);
    }
    if (!human.quorum) return;
    const bool too_many = !human.who.empty() && *human.quorum > static_cast<std::int64_t>(human.who.size());
    if (*human.quorum > 0 && !too_many) return;
    c_.findings.add(
        "bad-quorum", human.quorum.at,
        too_many ? fmt::format("{} wants {} answers of {} people", called(task_), *human.quorum, human.who.size())
                 : fmt::format("{} wants no answer at all", called(task_)));
  }

  Checking& c_;
  const Task& task_;
};

void check_session(Checking& c, const Task& task) {
  if (!task.session) return;
  if (!talks_to_a_model(task)) {
    c.findings.add("field-without-effect", task.session.at,
                   fmt::format("{}: \"session\" does nothing with the handler \"{}\"", called(task), task.handler()));
    return;
  }
  if (task.session->kind != Session::Kind::kFork) return;
  const std::string& from = task.session->task;
  const Task* source = c.chain.find(from);
  if (source == nullptr) {
    c.findings.unknown("bad-fork", task.session.at,
                       fmt::format("{} forks the conversation of \"{}\", which does not exist", called(task), from),
                       from, c.ids);
  } else if (source == &task) {
    c.findings.add("bad-fork", task.session.at, fmt::format("{} forks its own conversation", called(task)));
  } else if (!talks_to_a_model(*source)) {
    c.findings.add("bad-fork", task.session.at,
                   fmt::format("{} forks the conversation of \"{}\", which has none", called(task), from));
  }
}

}  // namespace

void check_handlers(Checking& c) {
  for (const Task& task : c.chain.tasks) {
    std::visit(HandlerChecks(c, task), task.does);
    check_session(c, task);
    if (task.timeout && task.timeout->count() == 0) {
      c.findings.add("zero-timeout", task.timeout.at, fmt::format("{} has no time at all", called(task)),
                     "leave \"timeout\" out where there is no limit");
    }
  }
}

namespace {

void check_budget(Checking& c, const Budget& budget, Position at, const std::string& whose) {
  struct Row {
    std::string_view name;
    const Whole& limit;
  };
  for (const auto& [name, limit] : {Row{"tokens", budget.tokens}, Row{"seconds", budget.seconds},
                                    Row{"turns", budget.turns}, Row{"steps", budget.steps}}) {
    if (!limit || *limit > 0) continue;
    c.findings.add("bad-budget", limit.at, fmt::format("nothing can be done with a budget of 0 {}", name));
  }
  if (budget.usd && !(*budget.usd >= 0)) {
    c.findings.add("bad-budget", budget.usd.at, fmt::format("a budget of {} usd is below 0", *budget.usd));
  }
  if (!budget.limits_anything()) {
    c.findings.add("bad-budget", at, fmt::format("the budget of {} limits nothing", whose),
                   "give it tokens, usd, seconds, turns, tool_calls or steps");
  }
}

void check_against_chain(Checking& c, const Task& task) {
  const Budget& all = *c.chain.budget;
  const Budget& own = *task.budget;
  const auto over = [&](auto limit, auto whole, std::string_view name) {
    if (!limit || !whole || *limit <= *whole) return;
    c.findings.add("budget-over-chain", limit.at,
                   fmt::format("{} may spend {} {}, the whole chain only {}", called(task), *limit, name, *whole));
  };
  over(own.tokens, all.tokens, "tokens");
  over(own.usd, all.usd, "usd");
  over(own.seconds, all.seconds, "seconds");
  over(own.turns, all.turns, "turns");
  over(own.tool_calls, all.tool_calls, "tool_calls");
}

}  // namespace

void check_budgets(Checking& c) {
  if (c.chain.budget && c.chain.dialect == Dialect::kLathe)
    check_budget(c, *c.chain.budget, c.chain.budget.at, "the chain");
  for (const Task& task : c.chain.tasks) {
    if (!task.budget) continue;
    check_budget(c, *task.budget, task.budget.at, called(task));
    check_against_chain(c, task);
  }
}

}  // namespace lathe::chain
