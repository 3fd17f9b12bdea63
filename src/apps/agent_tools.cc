#include "lathe/apps/agent_tools.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lathe/tools/common/aliases.h"
#include "lathe/tools/common/policed_tool.h"

namespace lathe::apps {

base::Result<std::vector<std::unique_ptr<ports::Tool>>> narrow_for_agents(
    std::vector<std::unique_ptr<ports::Tool>> tools, const std::vector<ports::AgentDefinition>& lineage,
    runtime::Pool& pool) {
  if (lineage.empty()) return tools;
  std::vector<std::string> all;
  for (const auto& tool : tools) all.push_back(tool->spec().name);
  std::vector<std::string> allowed = all;
  std::vector<ports::ToolPolicies> policies;
  for (const ports::AgentDefinition& agent : lineage) {
    if (agent.policies != ports::ToolPolicies()) policies.push_back(agent.policies);
    if (!agent.tools) continue;
    auto named = tools::common::expand_tool_names(*agent.tools, all);
    if (!named.ok()) return named.error().within(agent.file + ": tools");
    std::erase_if(allowed, [&](const std::string& name) { return std::ranges::find(*named, name) == named->end(); });
  }
  std::vector<std::unique_ptr<ports::Tool>> kept;
  for (auto& tool : tools) {
    if (std::ranges::find(allowed, tool->spec().name) == allowed.end()) continue;
    kept.push_back(policies.empty() ? std::move(tool) : tools::common::policed(std::move(tool), policies, pool));
  }
  return kept;
}

}  // namespace lathe::apps
