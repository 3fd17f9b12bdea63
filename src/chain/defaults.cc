#include "lathe/chain/defaults.h"

#include <algorithm>
#include <functional>
#include <string>

namespace lathe::chain {
namespace {

template <class T>
void inherit(Given<T>& own, const Given<T>& given) {
  if (own || !given) return;
  own = given;
  own.from = Given<T>::From::kDefaults;
}

void inherit(Texts& own, const Texts& given) {
  if (!own.empty()) return;
  own = given;
  for (Text& text : own) text.from = Text::From::kDefaults;
}

void inherit(std::vector<ToolPolicy>& own, const std::vector<ToolPolicy>& given,
             const std::function<bool(std::string_view)>& has) {
  for (const ToolPolicy& policy : given) {
    if (!has(policy.toolset)) continue;
    auto mine = std::ranges::find(own, policy.toolset, &ToolPolicy::toolset);
    if (mine == own.end()) {
      own.push_back({.toolset = policy.toolset, .at = policy.at, .keys = {}});
      mine = own.end() - 1;
      mine->from = Given<std::uint8_t>::From::kDefaults;
    }
    for (const NamedText& key : policy.keys) {
      if (std::ranges::find(mine->keys, key.name, &NamedText::name) != mine->keys.end()) continue;
      mine->keys.push_back(key);
      mine->keys.back().value.from = Text::From::kDefaults;
    }
  }
}

void inherit_policies(ModelUse& own, const Defaults& defaults, const std::function<bool(std::string_view)>& has) {
  inherit(own.tools_policies, defaults.execute_config->tools_policies, has);
  inherit(own.tools_policies, defaults.tools_policies, has);
}

/// A call of a fixed tool has the toolset of that tool, whatever it lists.
void inherit(ToolCall& call, const Defaults& defaults) {
  inherit_policies(call.use.value, defaults, [&](std::string_view toolset) { return toolset == *call.tool->name; });
  if (call.use || call.use->tools_policies.empty()) return;
  call.use.from = Given<ModelUse>::From::kDefaults;
  call.use.at = defaults.execute_config.at;
}

enum class With { kModelsAndTools, kModels, kTools };

void inherit(Given<ModelUse>& use, const Defaults& defaults, With with) {
  const ModelUse& given = *defaults.execute_config;
  ModelUse own = use ? use.value : ModelUse{};
  if (with != With::kTools) {
    if (!own.model && own.models.empty() && !own.provider && own.providers.empty()) {
      inherit(own.model, given.model);
      inherit(own.models, given.models);
      inherit(own.provider, given.provider);
      inherit(own.providers, given.providers);
    }
    inherit(own.temperature, given.temperature);
    inherit(own.think, given.think);
    inherit(own.max_tokens, given.max_tokens);
    inherit(own.shift, given.shift);
    inherit(own.retry_policy, given.retry_policy);
  }
  if (with != With::kModels) {
    inherit(own.tools, given.tools);
    inherit(own.hide_tools, given.hide_tools);
    inherit(own.pass_clients_tools, given.pass_clients_tools);
    inherit_policies(own, defaults, [&](std::string_view toolset) { return has_toolset(own, toolset); });
  }
  use.value = std::move(own);
  if (use) return;
  use.from = Given<ModelUse>::From::kDefaults;
  use.at = defaults.execute_config.at;
}

}  // namespace

bool has_toolset(const ModelUse& use, std::string_view toolset) {
  return std::ranges::any_of(*use.tools, [&](const Text& tool) {
    const std::string& name = tool->text();
    return name == "*" || name == toolset || name.starts_with(std::string(toolset) + ".") || !tool->constant();
  });
}

void apply_defaults(Chain& chain) {
  if (!chain.defaults) return;
  for (Task& task : chain.tasks) {
    if (auto* chat = std::get_if<ChatCompletion>(&task.does))
      inherit(chat->use, *chain.defaults, With::kModelsAndTools);
    if (auto* agent = std::get_if<Agent>(&task.does)) inherit(agent->use, *chain.defaults, With::kModelsAndTools);
    if (auto* route = std::get_if<Route>(&task.does)) inherit(route->use, *chain.defaults, With::kModels);
    if (auto* calls = std::get_if<ExecuteToolCalls>(&task.does)) inherit(calls->use, *chain.defaults, With::kTools);
    if (auto* call = std::get_if<ToolCall>(&task.does)) inherit(*call, *chain.defaults);
  }
}

}  // namespace lathe::chain
