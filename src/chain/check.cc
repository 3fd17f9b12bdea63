#include "lathe/chain/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lathe/chain/checks.h"

namespace lathe::chain {

std::string called(const Task& task) { return fmt::format("task \"{}\"", *task.id); }

std::vector<Finding> check(const Chain& chain, const Surroundings& around) {
  Findings findings(chain.dialect);
  const Flow flow(chain);
  Checking checking{.chain = chain, .around = around, .flow = flow, .findings = findings, .ids = {}};
  for (const Task& task : chain.tasks) checking.ids.push_back(*task.id);
  check_ways(checking);
  check_branches(checking);
  check_texts(checking);
  check_inputs(checking);
  check_models(checking);
  check_tools(checking);
  check_handlers(checking);
  check_budgets(checking);
  check_sub_chains(checking);
  return std::move(findings).sorted();
}

std::vector<Finding> check(const Loaded& loaded, const Surroundings& around) {
  // Where a task or a branch was not understood, what would follow from that is noise.
  static const std::set<std::string_view> kBreaks = {"unknown-handler",  "missing-field", "wrong-kind",
                                                     "bad-id",           "empty-chain",   "template-syntax",
                                                     "unknown-operator", "duplicate-task"};
  Findings findings;
  findings.take(loaded.findings);
  const bool whole =
      std::ranges::none_of(loaded.findings, [](const Finding& finding) { return kBreaks.contains(finding.id); });
  for (const Chain& chain : loaded.chains) {
    for (Finding& finding : check(chain, around)) {
      if (whole || finding.id.starts_with("unknown-") || finding.id.starts_with("bad-")) findings.take({finding});
    }
  }
  return std::move(findings).sorted();
}

const std::vector<std::string>& built_in_variables() {
  static const std::vector<std::string> names = {
      "model",     "provider",     "think", "max_tokens",         "default_model",        "default_provider",
      "alt_model", "alt_provider", "chain", "autocomplete_model", "autocomplete_provider"};
  return names;
}

}  // namespace lathe::chain
