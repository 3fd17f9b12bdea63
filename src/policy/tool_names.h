#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"

namespace lathe::policy {

/// Our tool by the names that rule files use for it.
struct ToolNames {
  std::string_view tool;
  std::string_view toolset;
  /// Separated by blanks, as are `arguments`.
  std::string_view names;
  /// What a rule may say about its call: the tool's own arguments, and "path" or "command" where the call has such.
  std::string_view arguments;

  [[nodiscard]] bool includes(std::string_view name) const;
};
[[nodiscard]] const ToolNames* find_tool_names(std::string_view tool);

/// What a rule of ours calls a tool, as names that are compared with a call's: a toolset is all of its tools, and
/// "toolset.name" the tool. "*", what ends with "*", and names with a namespace of others ("mcp__x__y", "x.y") stay as
/// they are. `not_found` with the nearest name for what no call can have.
[[nodiscard]] base::Result<std::vector<std::string>> named_tools(const std::string& name);

/// `not_found` with the nearest name when no call of these tools has such an argument. Those of other servers' tools
/// are not known here, and may have any.
[[nodiscard]] base::Result<void> check_argument(const std::vector<std::string>& tools, const std::string& argument);

}  // namespace lathe::policy
