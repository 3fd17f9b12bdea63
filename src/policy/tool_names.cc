#include "lathe/policy/tool_names.h"

#include <algorithm>
#include <array>

namespace lathe::policy {
namespace {

constexpr std::array kToolNames{
    ToolNames{"shell", "local_shell", "local_shell shell_session_run bash Bash", Action::Kind::kCommand},
    ToolNames{"write_stdin", "local_shell", "shell local_shell shell_session_run bash Bash", Action::Kind::kCommand},
    ToolNames{"read_file", "local_fs", "read_file_range Read", Action::Kind::kRead},
    ToolNames{"write_file", "local_fs", "Write", Action::Kind::kFileChange},
    ToolNames{"edit_file", "local_fs", "sed Edit", Action::Kind::kFileChange},
    ToolNames{"multi_edit", "local_fs", "sed MultiEdit", Action::Kind::kFileChange},
    ToolNames{"apply_patch", "local_fs", "write_file", Action::Kind::kFileChange},
    ToolNames{"delete_file", "local_fs", "write_file", Action::Kind::kFileChange},
    ToolNames{"move_file", "local_fs", "write_file", Action::Kind::kFileChange},
    ToolNames{"list_dir", "local_fs", "", Action::Kind::kRead},
    ToolNames{"stat", "local_fs", "stat_file count_stats", Action::Kind::kRead},
    ToolNames{"grep", "local_fs", "Grep", Action::Kind::kRead},
    ToolNames{"glob", "local_fs", "find_files Glob", Action::Kind::kRead},
    ToolNames{"find_files", "local_fs", "", Action::Kind::kRead},
    ToolNames{"view_image", "local_fs", "read_file", Action::Kind::kRead},
    ToolNames{"web_fetch", "webtools", "web_get WebFetch", Action::Kind::kNetwork},
    ToolNames{"web_get", "webtools", "", Action::Kind::kNetwork},
    ToolNames{"web_head", "webtools", "", Action::Kind::kNetwork},
    ToolNames{"web_post", "webtools", "", Action::Kind::kNetwork},
    ToolNames{"web_put", "webtools", "", Action::Kind::kNetwork},
    ToolNames{"web_patch", "webtools", "", Action::Kind::kNetwork},
    ToolNames{"web_delete", "webtools", "", Action::Kind::kNetwork},
};

}  // namespace

bool ToolNames::includes(std::string_view name) const {
  for (std::string_view rest = names; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == name) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

const ToolNames* find_tool_names(std::string_view tool) {
  const auto* const found = std::ranges::find(kToolNames, tool, &ToolNames::tool);
  return found == kToolNames.end() ? nullptr : found;
}

const ToolNames* find_by_any_name(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot != std::string_view::npos) name = name.substr(dot + 1);
  if (const ToolNames* ours = find_tool_names(name)) return ours;
  const auto* const found = std::ranges::find_if(
      kToolNames, [&](const ToolNames& names) { return names.includes(name) || names.toolset == name; });
  return found == kToolNames.end() ? nullptr : found;
}

}  // namespace lathe::policy
