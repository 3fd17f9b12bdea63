#pragma once

#include <string_view>

namespace lathe::policy {

/// Our tool by the names that rule files use for it.
struct ToolNames {
  std::string_view tool;
  std::string_view toolset;
  /// Separated by blanks.
  std::string_view names;

  [[nodiscard]] bool includes(std::string_view name) const;
};
[[nodiscard]] const ToolNames* find_tool_names(std::string_view tool);

}  // namespace lathe::policy
