#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/chain/chain.h"
#include "lathe/chain/check.h"
#include "lathe/chain/finding.h"
#include "lathe/chain/flow.h"

// The parts of check.h, for check.cc only.

namespace lathe::chain {

/// What all parts look at.
struct Checking {
  const Chain& chain;
  const Surroundings& around;
  const Flow& flow;
  Findings& findings;
  /// The ids of all tasks.
  std::vector<std::string> ids;
};

/// `task "review"`.
[[nodiscard]] std::string called(const Task& task);

/// Where branches, failures, edges and starts lead, and whether every task is reached and can end.
void check_ways(Checking& checking);
/// Whether the branches of each task fit its evals and each other.
void check_branches(Checking& checking);
/// Templates, macros, variables, inputs, and what tasks hand on to each other.
void check_texts(Checking& checking);
void check_inputs(Checking& checking);
/// execute_config: models, retries, tools, policies.
void check_models(Checking& checking);
void check_tools(Checking& checking);
/// What single handlers need, times and budgets.
void check_handlers(Checking& checking);
void check_budgets(Checking& checking);
void check_sub_chains(Checking& checking);

}  // namespace lathe::chain
