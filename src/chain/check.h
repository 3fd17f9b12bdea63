#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/chain/chain.h"
#include "lathe/chain/finding.h"
#include "lathe/chain/load.h"

// Everything that can be known to be wrong with a chain before it runs. Pure: what there is on this machine is passed
// in.

namespace lathe::chain {

/// What there is around a chain. What is absent is not checked.
struct Surroundings {
  std::optional<std::vector<std::string>> models;
  /// Names of backends and types of providers.
  std::optional<std::vector<std::string>> providers;
  std::optional<std::vector<std::string>> toolsets;
  /// "local_fs.read_file".
  std::optional<std::vector<std::string>> tools;
  std::optional<std::vector<std::string>> agents;
  std::optional<std::vector<std::string>> drivers;
  /// Names that --var gives, and others that {{var:name}} may have.
  std::vector<std::string> variables;
  /// The chain of that name or path; nullptr when there is none. Its answer outlives the check.
  std::function<const Chain*(std::string_view name)> chain;
  /// What ports::ToolPolicies::set says.
  std::function<base::Result<void>(std::string_view toolset, std::string_view key, std::string_view value)> policy;
  /// Nobody is there to answer.
  bool unattended = false;
};

/// What is wrong with a chain that could be loaded, sorted by place.
[[nodiscard]] std::vector<Finding> check(const Chain& chain, const Surroundings& around = {});
/// The same for all chains of a file, with what was found when it was loaded. Chains that could not be understood whole
/// are checked too, as far as that says nothing twice.
[[nodiscard]] std::vector<Finding> check(const Loaded& loaded, const Surroundings& around = {});

/// Names that {{var:name}} always has.
[[nodiscard]] const std::vector<std::string>& built_in_variables();

}  // namespace lathe::chain
