#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/policy/rule.h"

// Rule files -> RuleSet. Two forms, told apart by their keys: HITL policies ("default_action", rules with "action"),
// and our own ("decision"), in YAML or JSON each. docs/reference/policy.md describes both.
//
// Strict: an unknown key, operator or value is an error with line and column, all of them at once, and so is a rule of
// our own form that nothing could ever match (rule_parts.h, tool_names.h). A HITL file may speak of tools that are not
// here, and loads unchanged. Nothing falls back to anything.

namespace lathe::policy {

/// Whoever reads a rule file reads no more than this.
constexpr std::size_t kMaxRuleFileBytes = 1U << 20;

/// What a file's words mean here.
struct RuleFacts {
  /// The person's home folder, by each of its names: "~/x" in a path of a rule is x in it, and so is x behind one of
  /// the names.
  std::vector<std::string> homes = {};
  /// Patterns of the folders that commands have as their home in the sandbox. Where it cannot put such a folder in the
  /// place of the person's home, commands find it by these names, so that "~/x" is x in them as well where a rule asks
  /// or refuses.
  std::vector<std::string> private_homes = {};
};

/// `file` is what messages and sources call it; its ending decides how it is read. Examples are not run.
[[nodiscard]] base::Result<RuleSet> read_rules(std::string_view text, const std::string& file,
                                               const RuleFacts& facts = {});
/// The examples that come out wrong, each with its place.
[[nodiscard]] std::vector<std::string> failed_examples(const RuleSet& rules);
/// read_rules, and an error when an example fails.
[[nodiscard]] base::Result<RuleSet> load_rules(std::string_view text, const std::string& file,
                                               const RuleFacts& facts = {});

/// A file of our own form that holds these rules, as smallest_rules() of decide.h makes them.
[[nodiscard]] std::string write_rules(const std::vector<base::Json>& rules);
/// The rules of such a file, as JSON.
[[nodiscard]] base::Result<std::vector<base::Json>> rules_as_json(std::string_view text, const std::string& file,
                                                                  const RuleFacts& facts = {});

}  // namespace lathe::policy
