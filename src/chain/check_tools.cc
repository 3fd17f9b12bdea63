#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/chain/checks.h"
#include "lathe/chain/defaults.h"

namespace lathe::chain {
namespace {

constexpr std::string_view kAllowed = "_allowed_";
constexpr std::string_view kDenied = "_denied_";

std::vector<std::string> comma_separated(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : base::split(text, ',')) {
    if (!base::trim(word).empty()) words.emplace_back(base::trim(word));
  }
  return words;
}

/// "local_fs", "local_fs.read_file", or "read_file" alone.
bool is_known_tool(const Surroundings& around, std::string_view name) {
  if (around.toolsets && std::ranges::find(*around.toolsets, name) != around.toolsets->end()) return true;
  if (!around.tools) return !around.toolsets || name.contains('.');
  return std::ranges::any_of(*around.tools, [&](const std::string& tool) {
    return tool == name || (!name.contains('.') && tool.ends_with("." + std::string(name)));
  });
}

void check_known(Checking& c, std::string_view name, Position at) {
  if (is_known_tool(c.around, name)) return;
  std::vector<std::string> known = c.around.toolsets.value_or(std::vector<std::string>{});
  if (c.around.tools) known.insert(known.end(), c.around.tools->begin(), c.around.tools->end());
  c.findings.unknown("unknown-tool", at, fmt::format("there is no tool or toolset \"{}\" here", name), name, known);
}

void check_given(Checking& c, const ModelUse& use) {
  std::set<std::string> given;
  for (const Text& tool : *use.tools) given.insert(tool->text());
  for (const Text& tool : *use.tools) {
    if (!tool->constant() || tool->text() == "*") continue;
    const bool away = tool->text().starts_with('!');
    const std::string name = tool->text().substr(away ? 1 : 0);
    check_known(c, name, tool.at);
    if (!away || !given.contains(name)) continue;
    c.findings.add("tool-taken-back", tool.at, fmt::format("\"{}\" is both given and taken away", name));
  }
  for (const Text& tool : *use.hide_tools) {
    if (!given.contains(tool->text())) continue;
    c.findings.add("tool-taken-back", tool.at, fmt::format("\"{}\" is both given and hidden", tool->text()));
  }
}

const NamedText* counterpart(const ToolPolicy& policy, const NamedText& allowed) {
  const std::string wanted = std::string(kDenied) + allowed.name.substr(kAllowed.size());
  const auto found = std::ranges::find(policy.keys, wanted, &NamedText::name);
  return found == policy.keys.end() ? nullptr : &*found;
}

void check_key(Checking& c, const ToolPolicy& policy, const NamedText& key) {
  const Text& value = key.value;
  if (!value || !value->constant()) return;
  if (c.around.policy) {
    const auto known = c.around.policy(policy.toolset, key.name, value->text());
    if (!known.ok()) {
      c.findings.add("unknown-policy", known.error().code == base::codes::kNotFound ? key.at : value.at,
                     known.error().message, known.error().hint);
      return;
    }
  }
  // `_allowed_dir` is a folder, not a list.
  if (!key.name.starts_with(kAllowed) || key.name == "_allowed_dir") return;
  const std::vector<std::string> allowed = comma_separated(value->text());
  if (allowed.empty()) {
    c.findings.add("policy-allows-nothing", value.at, fmt::format("{} of {} allows nothing", key.name, policy.toolset),
                   "leave the toolset out of \"tools\" instead");
  }
  const NamedText* denied = counterpart(policy, key);
  if (denied == nullptr || !denied->value) return;
  const std::vector<std::string> refused = comma_separated(denied->value->text());
  std::vector<std::string> both;
  std::ranges::copy_if(allowed, std::back_inserter(both),
                       [&](const std::string& name) { return std::ranges::find(refused, name) != refused.end(); });
  if (both.empty()) return;
  c.findings.add("policy-contradiction", denied->value.at,
                 fmt::format("{} is allowed in line {} and denied here", base::join(both, ", "), value.at.line),
                 "what is denied stays denied");
}

void check_policies(Checking& c, const Task& task, const ModelUse& use) {
  const auto* call = std::get_if<ToolCall>(&task.does);
  const bool says = use.tools || call != nullptr;
  for (const ToolPolicy& policy : use.tools_policies) {
    const bool has = call != nullptr ? policy.toolset == *call->tool->name : has_toolset(use, policy.toolset);
    if (says && !has && policy.from == Given<std::uint8_t>::From::kFile) {
      c.findings.add(
          "policy-without-tool", policy.at,
          fmt::format("{} does not have \"{}\", so that its policy does nothing", called(task), policy.toolset));
    }
    for (const NamedText& key : policy.keys) check_key(c, policy, key);
  }
}

/// `run`: from where an execute_tool_calls task is reached.
void check_calls_taken(Checking& c, std::size_t index, const ModelUse& use, const std::vector<bool>& run) {
  const Task& task = c.chain.tasks[index];
  if (!std::holds_alternative<ChatCompletion>(task.does) || use.tools->empty() || run[index]) return;
  c.findings.add("tool-calls-ignored", task.handler_at,
                 fmt::format("{} has tools, but no execute_tool_calls task runs what it calls", called(task)),
                 "add one behind its eval tool_call, or use the handler agent");
}

void check_tool_ref(Checking& c, const Task& task) {
  const auto* call = std::get_if<ToolCall>(&task.does);
  if (call == nullptr) return;
  const ToolRef& tool = *call->tool;
  const bool vix = c.chain.dialect == Dialect::kVix;
  if (tool.name->empty() && !vix) {
    c.findings.add("missing-field", call->tool ? call->tool.at : task.at,
                   fmt::format("{} has no \"tools\" with a \"name\"", called(task)), "name the toolset to call");
    return;
  }
  if (tool.name) check_known(c, *tool.name, tool.name.at);
  if (!tool.tool_name || !c.around.tools) return;
  const std::string full = vix ? *tool.tool_name : *tool.name + "." + *tool.tool_name;
  const bool toolset_is_known = vix || is_known_tool(c.around, *tool.name);
  if (toolset_is_known) check_known(c, full, tool.tool_name.at);
}

}  // namespace

void check_tools(Checking& c) {
  std::vector<std::size_t> runners;
  for (std::size_t i = 0; i < c.chain.tasks.size(); ++i) {
    if (std::holds_alternative<ExecuteToolCalls>(c.chain.tasks[i].does)) runners.push_back(i);
  }
  const std::vector<bool> run = c.flow.reaching(runners);
  for (std::size_t i = 0; i < c.chain.tasks.size(); ++i) {
    const Task& task = c.chain.tasks[i];
    check_tool_ref(c, task);
    const ModelUse* use = task.use();
    if (use == nullptr) continue;
    check_given(c, *use);
    check_policies(c, task, *use);
    check_calls_taken(c, i, *use, run);
  }
}

}  // namespace lathe::chain
