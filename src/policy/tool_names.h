#pragma once

#include <string_view>

#include "lathe/policy/action.h"

namespace lathe::policy {

/// Our tool by the names that rule files use for it.
struct ToolNames {
  std::string_view tool;
  std::string_view toolset;
  /// Separated by blanks.
  std::string_view names;
  Action::Kind kind = Action::Kind::kOther;

  [[nodiscard]] bool includes(std::string_view name) const;
};
[[nodiscard]] const ToolNames* find_tool_names(std::string_view tool);
/// The same by our name or any other, with or without its toolset in front ("local_fs.sed").
[[nodiscard]] const ToolNames* find_by_any_name(std::string_view name);

}  // namespace lathe::policy
