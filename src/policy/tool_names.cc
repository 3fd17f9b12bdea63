#include "lathe/policy/tool_names.h"

#include <algorithm>
#include <array>

namespace lathe::policy {
namespace {

constexpr std::array kToolNames{
    ToolNames{"shell", "local_shell", "local_shell shell_session_run bash Bash"},
    ToolNames{"write_stdin", "local_shell", "shell local_shell shell_session_run bash Bash"},
    ToolNames{"read_file", "local_fs", "read_file_range Read"},
    ToolNames{"write_file", "local_fs", "Write"},
    ToolNames{"edit_file", "local_fs", "sed Edit"},
    ToolNames{"multi_edit", "local_fs", "sed MultiEdit"},
    ToolNames{"apply_patch", "local_fs", "write_file"},
    ToolNames{"delete_file", "local_fs", "write_file"},
    ToolNames{"move_file", "local_fs", "write_file"},
    ToolNames{"list_dir", "local_fs", ""},
    ToolNames{"stat", "local_fs", "stat_file count_stats"},
    ToolNames{"grep", "local_fs", "Grep"},
    ToolNames{"glob", "local_fs", "find_files Glob"},
    ToolNames{"find_files", "local_fs", ""},
    ToolNames{"view_image", "local_fs", "read_file"},
    ToolNames{"web_fetch", "webtools", "web_get WebFetch"},
    ToolNames{"web_get", "webtools", ""},
    ToolNames{"web_head", "webtools", ""},
    ToolNames{"web_post", "webtools", ""},
    ToolNames{"web_put", "webtools", ""},
    ToolNames{"web_patch", "webtools", ""},
    ToolNames{"web_delete", "webtools", ""},
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

}  // namespace lathe::policy
