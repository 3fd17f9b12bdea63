#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/tool_policies.h"
#include "lathe/protocol/items.h"
#include "lathe/runtime/async.h"

namespace lathe::ports {

/// Instructions for one kind of work, which the model reads when it needs them (SKILL.md).
struct SkillInfo {
  std::string name;
  std::string description;
  /// Absolute path of its SKILL.md.
  std::string file;
  friend bool operator==(const SkillInfo&, const SkillInfo&) = default;
};

/// A skill, read.
struct SkillText {
  SkillInfo info;
  /// SKILL.md without its frontmatter.
  std::string text;
  /// What lies beside SKILL.md, from its folder on; sorted, bounded.
  std::vector<std::string> files;
};

/// What a sub-agent is made of (agents/*.md).
struct AgentDefinition {
  std::string name;
  std::string description;
  /// Absolute; empty for the one that is built in.
  std::string file = {};
  /// Model, or backend/model; empty: that of the session that spawns it.
  std::string model = {};
  /// Names of tools as written, aliases included; absent: all that the spawning session has.
  std::optional<std::vector<std::string>> tools = std::nullopt;
  ToolPolicies policies = {};
  protocol::Budget budget = {};
  /// Added to the system prompt.
  std::string instructions = {};
  friend bool operator==(const AgentDefinition&, const AgentDefinition&) = default;
};

/// The agent that is meant when none is named; a file of that name takes its place.
inline constexpr std::string_view kDefaultAgent = "general";

/// What is offered in a folder, sorted by name.
struct CatalogView {
  std::vector<SkillInfo> skills;
  std::vector<AgentDefinition> agents;
  /// Files that are left out and why, one sentence each: broken ones with line and column, those nobody trusts yet.
  std::vector<std::string> problems;
  friend bool operator==(const CatalogView&, const CatalogView&) = default;
};

/// The skills and agents of a person and, as far as they are trusted, of a repository. Loop thread.
class Catalog {
 public:
  virtual ~Catalog() = default;
  /// What counts for `cwd` now.
  virtual runtime::Async<base::Result<CatalogView>> look(std::string cwd) = 0;
  /// `not_found` with the nearest name.
  virtual runtime::Async<base::Result<SkillText>> read_skill(std::string cwd, std::string name) = 0;
};

}  // namespace lathe::ports
