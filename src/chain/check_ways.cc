#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/chain/checks.h"

namespace lathe::chain {
namespace {

/// In a larger chain each start would cost a walk through all of it.
constexpr std::size_t kMostTasksForStarts = 2000;

bool leads_somewhere(const Checking& c, const Name& target) {
  return target->empty() || *target == kEnd || c.flow.index_of(*target).has_value();
}

std::vector<std::string> targets(const Checking& c) {
  std::vector<std::string> all = c.ids;
  all.emplace_back(kEnd);
  return all;
}

void check_targets(Checking& c, const Task& task) {
  for (const Branch& branch : task.transition.branches) {
    if (leads_somewhere(c, branch.go_to)) continue;
    c.findings.unknown("unknown-goto", branch.go_to.at,
                       fmt::format("{} goes to \"{}\", which does not exist", called(task), *branch.go_to),
                       *branch.go_to, targets(c));
  }
  const Name& failure = task.transition.on_failure;
  if (failure && !leads_somewhere(c, failure)) {
    c.findings.unknown("unknown-on-failure", failure.at,
                       fmt::format("when {} fails, it goes to \"{}\", which does not exist", called(task), *failure),
                       *failure, targets(c));
  }
  if (failure && *failure == *task.id) {
    c.findings.add("failure-loop", failure.at, fmt::format("when {} fails, it starts again without end", called(task)),
                   "use retry_on_failure, which counts");
  }
}

void check_start(Checking& c, const Task& task, std::size_t index, const Name& start) {
  const auto target = c.flow.index_of(*start);
  if (!target) {
    c.findings.unknown("unknown-start", start.at,
                       fmt::format("{} starts \"{}\", which does not exist", called(task), *start), *start, c.ids);
  } else if (c.chain.tasks.size() <= kMostTasksForStarts && c.flow.reach(*target)[index]) {
    c.findings.add("fork-into-itself", start.at,
                   fmt::format("{} starts \"{}\", which leads back to it", called(task), *start),
                   "end the branch with goto: end");
  }
}

void check_starts(Checking& c, const Task& task, std::size_t index) {
  if (const auto* parallel = std::get_if<Parallel>(&task.does)) {
    if (parallel->start.empty()) {
      c.findings.add("empty-parallel", task.handler_at, fmt::format("{} starts nothing", called(task)),
                     "list the first task of each branch in \"start\"");
    }
    for (const Name& start : parallel->start) check_start(c, task, index, start);
  }
  if (const auto* map = std::get_if<Map>(&task.does)) {
    if (map->start) return check_start(c, task, index, map->start);
    c.findings.add("empty-parallel", task.handler_at, fmt::format("{} starts nothing", called(task)),
                   "name the first task of each item's branch in \"start\"");
  }
}

void check_edge(Checking& c, const Task& task, const Branch& branch) {
  if (*branch.op != Operator::kEdgeTraversedAtLeast) return;
  if (!edge_count(branch)) {
    const Position at = branch.when ? branch.when.at : branch.at;
    c.findings.add("bad-edge-count", at,
                   fmt::format("{}: \"{}\" is no number of traversals", called(task), branch.when->text()),
                   "write a whole number from 1 on as \"when\"");
  }
  const Position at = branch.edge ? branch.edge.at : branch.at;
  const auto edge = parse_edge(*branch.edge);
  if (!edge) {
    c.findings.add("bad-edge", at, fmt::format("{}: \"{}\" is no edge", called(task), *branch.edge),
                   "write it as \"from->to\"");
    return;
  }
  for (const std::string& end : {edge->from, edge->to}) {
    if (c.flow.index_of(end) || (end == edge->to && end == kEnd)) continue;
    c.findings.unknown(
        "unknown-edge", at,
        fmt::format("{} counts the edge \"{}\", but there is no task \"{}\"", called(task), *branch.edge, end), end,
        c.ids);
    return;
  }
  if (!c.flow.goes(*edge)) {
    c.findings.add("unknown-edge", at,
                   fmt::format("{} counts the edge \"{}\", but nothing goes that way", called(task), *branch.edge),
                   "the branch will never match");
  }
}

/// A counter that is listed behind a branch which goes the counted way, or back into the loop, is asked too late.
void check_counter_order(Checking& c, const Task& task) {
  const std::vector<Branch>& branches = task.transition.branches;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    if (*branches[i].op != Operator::kEdgeTraversedAtLeast) continue;
    const auto edge = parse_edge(*branches[i].edge);
    if (!edge) continue;
    for (std::size_t before = 0; before < i; ++before) {
      const Branch& earlier = branches[before];
      if (*earlier.op == Operator::kDefault || *earlier.op == Operator::kEdgeTraversedAtLeast) continue;
      const bool counted = edge->from == *task.id && edge->to == *earlier.go_to;
      const bool enters = edge->to == *task.id && edge->from == *earlier.go_to;
      if (!counted && !enters) continue;
      c.findings.add("counter-after-loop", branches[i].at,
                     fmt::format("{}: the counter of \"{}\" stands behind the branch to \"{}\" that it should stop",
                                 called(task), *branches[i].edge, *earlier.go_to),
                     "list it first");
      break;
    }
  }
}

void check_reach(Checking& c) {
  if (c.chain.tasks.empty()) return;
  const std::vector<bool> reached = c.flow.reach(c.chain.entry);
  const std::vector<bool> ends = c.flow.reaching({c.flow.end()});
  for (std::size_t i = 0; i < c.chain.tasks.size(); ++i) {
    const Task& task = c.chain.tasks[i];
    if (!reached[i]) {
      c.findings.add("unreachable-task", task.id.at, fmt::format("no way leads to {}", called(task)));
    } else if (!ends[i]) {
      c.findings.add("no-way-to-end", task.id.at, fmt::format("no way leads from {} to the end", called(task)),
                     "give one of the tasks behind it a branch to \"end\"");
    }
  }
}

void check_loops(Checking& c) {
  if (c.chain.tasks.empty()) return;
  if (c.chain.budget && c.chain.budget->limits_anything()) return;
  const std::vector<bool> reached = c.flow.reach(c.chain.entry);
  for (const std::vector<std::size_t>& loop : c.flow.endless_loops()) {
    if (!reached[loop.front()]) continue;
    const auto asks = [&](std::size_t task) { return std::holds_alternative<Human>(c.chain.tasks[task].does); };
    if (std::ranges::any_of(loop, asks)) continue;
    const Task& first = c.chain.tasks[loop.front()];
    // A failure that starts its own task again is reported as that.
    if (loop.size() == 1 && *first.transition.on_failure == *first.id) continue;
    c.findings.add("unbounded-loop", first.id.at, fmt::format("nothing ends the loop {}", c.flow.loop_text(loop)),
                   "count it with edge_traversed_at_least, or give the chain a budget");
  }
}

void check_on_exceeded(Checking& c, const Given<Budget>& budget, const std::string& whose) {
  if (!budget || !budget->on_exceeded || leads_somewhere(c, budget->on_exceeded)) return;
  c.findings.unknown("unknown-goto", budget->on_exceeded.at,
                     fmt::format("when the budget of {} is spent, it goes to \"{}\", which does not exist", whose,
                                 *budget->on_exceeded),
                     *budget->on_exceeded, targets(c));
}

}  // namespace

void check_ways(Checking& c) {
  for (std::size_t i = 0; i < c.chain.tasks.size(); ++i) {
    const Task& task = c.chain.tasks[i];
    check_targets(c, task);
    check_starts(c, task, i);
    for (const Branch& branch : task.transition.branches) check_edge(c, task, branch);
    check_counter_order(c, task);
    check_on_exceeded(c, task.budget, called(task));
  }
  check_on_exceeded(c, c.chain.budget, "the chain");
  check_reach(c);
  check_loops(c);
}

}  // namespace lathe::chain
