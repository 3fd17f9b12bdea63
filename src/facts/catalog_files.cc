#include "lathe/facts/catalog_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/facts/frontmatter.h"
#include "lathe/formats/decode.h"

namespace lathe::facts {
namespace {

using base::Result;
using formats::MapReader;
using formats::Node;
using formats::Problems;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxDescriptionBytes = 2'048;

void check_name(const Node* node, const std::string& name, Problems& problems) {
  const formats::Position at = node != nullptr ? node->at : formats::Position{};
  const bool plain = std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; });
  if (name.empty() || name.size() > kMaxNameBytes) {
    problems.error(at, fmt::format("name must have 1 to {} characters", kMaxNameBytes));
  } else if (!plain) {
    problems.error(at, fmt::format("name \"{}\" may hold letters, digits, \".\", \"_\" and \"-\" only", name));
  }
}

/// On one line, of bounded length.
std::string read_description(MapReader& map, Problems& problems) {
  std::string description;
  if (!map.required("description", description)) return {};
  if (base::trim(description).empty()) problems.error(map.take("description")->at, "description is empty");
  description = base::replace_all(std::string(base::trim(description)), "\n", " ");
  return std::string(base::utf8_prefix(description, kMaxDescriptionBytes));
}

/// A list, or names with commas between them.
void read_tools(const Node& node, std::optional<std::vector<std::string>>& tools, Problems& problems) {
  std::vector<std::string> names;
  if (const std::string* text = node.text()) {
    for (const std::string_view name : base::split(*text, ',')) {
      if (!base::trim(name).empty()) names.emplace_back(base::trim(name));
    }
  } else if (!node.is_null() && !decode(node, names, problems)) {
    return;
  }
  tools = std::move(names);
}

void read_count(MapReader& map, const char* key, std::optional<std::int64_t>& out, Problems& problems) {
  std::int64_t value = 0;
  if (!map.optional(key, value)) return;
  if (value < 0) problems.error(map.take(key)->at, fmt::format("{} must be at least 0", key));
  out = value;
}

/// The text that a policy's value is written as; lists are joined by commas.
std::optional<std::string> policy_value(const Node& node, Problems& problems) {
  if (node.list() != nullptr) {
    std::vector<std::string> parts;
    if (!decode(node, parts, problems)) return std::nullopt;
    return base::join(parts, ",");
  }
  if (const auto* number = std::get_if<std::int64_t>(&node.value)) return std::to_string(*number);
  std::string text;
  if (!decode(node, text, problems)) return std::nullopt;
  return text;
}

void read_policies(const Node& node, ports::ToolPolicies& policies, Problems& problems) {
  if (node.map() == nullptr) return formats::wrong_kind(node, "a map", problems);
  for (const formats::Member& toolset : *node.map()) {
    if (toolset.value.map() == nullptr) {
      formats::wrong_kind(toolset.value, "a map", problems);
      continue;
    }
    for (const formats::Member& policy : *toolset.value.map()) {
      const auto value = policy_value(policy.value, problems);
      if (!value) continue;
      const auto set = policies.set(toolset.key, policy.key, *value);
      if (!set.ok()) problems.error(policy.key_at, set.error().message, set.error().hint);
    }
  }
}

}  // namespace

Result<ports::SkillText> parse_skill(std::string_view text, const std::string& file) {
  TRY(Frontmatter matter, read_frontmatter(text, file));
  Problems problems(file);
  MapReader map(matter.head.root, problems);
  ports::SkillText skill;
  skill.info.file = file;
  if (map.required("name", skill.info.name)) check_name(map.take("name"), skill.info.name, problems);
  skill.info.description = read_description(map, problems);
  TRY_OK(problems.result());
  skill.text = std::move(matter.body);
  return skill;
}

Result<ports::AgentDefinition> parse_agent(std::string_view text, const std::string& file) {
  TRY(Frontmatter matter, read_frontmatter(text, file));
  Problems problems(file);
  MapReader map(matter.head.root, problems);
  ports::AgentDefinition agent{.name = std::filesystem::path(file).stem().string(), .description = {}, .file = file};
  map.optional("name", agent.name);
  check_name(map.take("name"), agent.name, problems);
  agent.description = read_description(map, problems);
  map.optional("model", agent.model);
  if (agent.model == "inherit") agent.model.clear();
  if (const Node* tools = map.take("tools")) read_tools(*tools, agent.tools, problems);
  read_count(map, "max_turns", agent.budget.turns, problems);
  read_count(map, "max_tokens", agent.budget.tokens, problems);
  read_count(map, "max_tool_calls", agent.budget.tool_calls, problems);
  std::chrono::milliseconds time{0};
  if (map.optional("max_time", time)) agent.budget.millis = time.count();
  if (const Node* policies = map.take("tools_policies")) read_policies(*policies, agent.policies, problems);
  map.finish();
  TRY_OK(problems.result());
  agent.instructions = std::string(base::trim(matter.body));
  return agent;
}

}  // namespace lathe::facts
