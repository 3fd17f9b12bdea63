#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lathe/base/strings.h"
#include "lathe/chain/checks.h"

namespace lathe::chain {
namespace {

bool compares_eval(Operator op) {
  return op == Operator::kEquals || op == Operator::kContains || op == Operator::kStartsWith ||
         op == Operator::kEndsWith;
}

/// Whether the branch takes the eval; only for operators that compare it.
bool matches_eval(const Branch& branch, std::string_view eval) {
  const std::string& when = branch.when->text();
  switch (*branch.op) {
    case Operator::kEquals:
      return eval == when;
    case Operator::kContains:
      return eval.contains(when);
    case Operator::kStartsWith:
      return eval.starts_with(when);
    case Operator::kEndsWith:
      return eval.ends_with(when);
    case Operator::kDefault:
    case Operator::kAlways:
      return true;
    case Operator::kEdgeTraversedAtLeast:
    case Operator::kCommandSucceeds:
      return false;
  }
  return false;
}

/// Whether every eval that `later` takes is taken by `earlier`.
bool covers(const Branch& earlier, const Branch& later) {
  if (!compares_eval(*earlier.op) || !compares_eval(*later.op)) return false;
  const std::string& a = earlier.when->text();
  const std::string& b = later.when->text();
  if (*later.op == Operator::kEquals) return matches_eval(earlier, b);
  if (*earlier.op == Operator::kContains) return b.contains(a);
  if (*earlier.op == Operator::kStartsWith) return *later.op == Operator::kStartsWith && b.starts_with(a);
  return *earlier.op == Operator::kEndsWith && *later.op == Operator::kEndsWith && b.ends_with(a);
}

bool same_condition(const Branch& a, const Branch& b) {
  return *a.op == *b.op && a.when->text() == b.when->text() && *a.edge == *b.edge;
}

void check_conditions(Checking& c, const Task& task) {
  for (const Branch& branch : task.transition.branches) {
    if (!branch.op) continue;
    const bool uses_when = *branch.op != Operator::kDefault && *branch.op != Operator::kAlways;
    if (!uses_when && branch.when && !branch.when->empty()) {
      c.findings.add(
          "when-without-use", branch.when.at,
          fmt::format("{}: \"when\" does nothing beside the operator \"{}\"", called(task), name_of(*branch.op)));
    }
    if (*branch.op != Operator::kEdgeTraversedAtLeast && branch.edge) {
      c.findings.add(
          "when-without-use", branch.edge.at,
          fmt::format("{}: \"edge\" does nothing beside the operator \"{}\"", called(task), name_of(*branch.op)));
    }
    if (compares_eval(*branch.op) && branch.when->empty()) {
      c.findings.add("empty-when", branch.when ? branch.when.at : branch.at,
                     fmt::format("{}: the branch to \"{}\" compares with nothing", called(task), *branch.go_to),
                     "write what it is compared with as \"when\"");
    }
    if (*branch.op == Operator::kCommandSucceeds && branch.when->empty()) {
      c.findings.add("empty-command", branch.when ? branch.when.at : branch.at,
                     fmt::format("{}: the branch to \"{}\" has no command", called(task), *branch.go_to));
    }
  }
}

void check_defaults(Checking& c, const Task& task) {
  const Branch* seen = nullptr;
  for (const Branch& branch : task.transition.branches) {
    if (!branch.op) continue;
    if (*branch.op != Operator::kDefault) {
      if (seen == nullptr) continue;
      c.findings.add("branch-after-default", branch.at,
                     fmt::format("{}: the branch to \"{}\" is listed behind the default, but tried before it",
                                 called(task), *branch.go_to),
                     "list the default last");
      continue;
    }
    if (seen != nullptr) {
      c.findings.add("several-defaults", branch.at, fmt::format("{} has more than one default branch", called(task)),
                     fmt::format("the first is in line {}", seen->at.line));
    }
    if (seen == nullptr) seen = &branch;
  }
}

void check_overlap(Checking& c, const Task& task) {
  const std::vector<Branch>& branches = task.transition.branches;
  const bool all = *task.transition.take == Take::kAll;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const Branch& branch = branches[i];
    if (!branch.op || *branch.op == Operator::kDefault || *branch.op == Operator::kAlways) continue;
    for (std::size_t before = 0; before < i; ++before) {
      const Branch& earlier = branches[before];
      if (same_condition(earlier, branch)) {
        if (all && *earlier.go_to != *branch.go_to) continue;
        c.findings.add(
            "duplicate-branch", branch.at,
            fmt::format("{} has two branches for {} \"{}\"", called(task), name_of(*branch.op), branch.when->text()),
            fmt::format("the first, in line {}, is taken", earlier.at.line));
        break;
      }
      if (all || !covers(earlier, branch)) continue;
      c.findings.add(
          "shadowed-branch", branch.at,
          fmt::format("{}: {} \"{}\" never gets its turn", called(task), name_of(*branch.op), branch.when->text()),
          fmt::format("the branch in line {} takes all of it", earlier.at.line));
      break;
    }
  }
}

void check_against_evals(Checking& c, const Task& task) {
  const std::vector<Branch>& branches = task.transition.branches;
  const Evals evals = evals_of(task);
  if (branches.empty() || std::holds_alternative<RaiseError>(task.does)) return;
  if (!evals.open) {
    for (const Branch& branch : branches) {
      if (!compares_eval(*branch.op) || !branch.when->constant() || branch.when->empty()) continue;
      if (std::ranges::any_of(evals.names, [&](const std::string& eval) { return matches_eval(branch, eval); }))
        continue;
      std::string hint = base::did_you_mean(branch.when->text(), evals.names);
      if (hint.empty()) hint = "its evals are: " + base::join(evals.names, ", ");
      c.findings.add("impossible-branch", branch.when.at,
                     fmt::format("{}: {} never gives an eval that {} \"{}\"", called(task), task.handler(),
                                 name_of(*branch.op), branch.when->text()),
                     std::move(hint));
    }
  }
  const auto always = [](const Branch& branch) {
    return *branch.op == Operator::kDefault || *branch.op == Operator::kAlways || !branch.op;
  };
  if (*task.transition.no_match == NoMatch::kEnd || std::ranges::any_of(branches, always)) return;
  std::vector<std::string> left;
  for (const std::string& eval : evals.names) {
    const auto takes = [&](const Branch& branch) { return matches_eval(branch, eval); };
    if (std::ranges::none_of(branches, takes)) left.push_back(eval);
  }
  if (left.empty() && !evals.open) return;
  const std::string what = left.empty() ? "another eval" : base::join(left, ", ");
  c.findings.add("unmatched-eval", task.transition.at,
                 fmt::format("{}: no branch takes {}, and there is no default", called(task), what),
                 "add a branch with operator: default");
}

void check_route(Checking& c, const Task& task) {
  if (!std::holds_alternative<Route>(task.does)) return;
  const auto is_label = [](const Branch& branch) { return *branch.op == Operator::kEquals && !branch.when->empty(); };
  if (std::ranges::any_of(task.transition.branches, is_label)) return;
  c.findings.add("route-without-labels", task.handler_at, fmt::format("{} has nothing to choose from", called(task)),
                 "each label is a branch with operator: equals");
}

}  // namespace

void check_branches(Checking& c) {
  for (const Task& task : c.chain.tasks) {
    check_conditions(c, task);
    check_defaults(c, task);
    check_overlap(c, task);
    check_against_evals(c, task);
    check_route(c, task);
  }
}

}  // namespace lathe::chain
