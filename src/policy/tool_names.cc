#include "lathe/policy/tool_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lathe/base/strings.h"

namespace lathe::policy {

using base::Error;
using base::Result;

namespace {

constexpr std::string_view kShellNames =
    "local_shell shell_session_run bash Bash exec_command shell_command run_shell_command";
constexpr std::string_view kTypingNames =
    "shell local_shell shell_session_run bash Bash exec_command shell_command run_shell_command";
constexpr std::string_view kRequest = "url headers query body";

constexpr std::array kToolNames{
    ToolNames{"shell", "local_shell", kShellNames,
              "command workdir timeout_ms stdin tty background yield_time_ms ask_approval sandbox_permissions "
              "justification reason"},
    ToolNames{"write_stdin", "local_shell", kTypingNames, "command job chars close yield_time_ms"},
    ToolNames{"job_kill", "", "KillShell KillBash", "job"},
    ToolNames{"job_list", "", "", ""},
    ToolNames{"job_log", "", "BashOutput", "job offset"},
    ToolNames{"job_wait", "", "", "job timeout_ms"},
    ToolNames{"read_file", "local_fs", "read_file_range Read", "path offset limit"},
    ToolNames{"write_file", "local_fs", "Write", "path content"},
    ToolNames{"edit_file", "local_fs", "sed Edit replace str_replace", "path old_text new_text replace_all"},
    ToolNames{"multi_edit", "local_fs", "sed MultiEdit", "path edits"},
    ToolNames{"apply_patch", "local_fs", "write_file applypatch", "path input"},
    ToolNames{"delete_file", "local_fs", "write_file", "path"},
    ToolNames{"move_file", "local_fs", "write_file", "path from to"},
    ToolNames{"list_dir", "local_fs", "LS list_directory", "path"},
    ToolNames{"stat", "local_fs", "stat_file count_stats", "path"},
    ToolNames{"grep", "local_fs", "Grep search_file_content grep_search", "path pattern glob ignore_case literal"},
    ToolNames{"glob", "local_fs", "find_files Glob glob_files", "path pattern"},
    ToolNames{"find_files", "local_fs", "", "path pattern"},
    ToolNames{"view_image", "local_fs", "read_file", "path"},
    ToolNames{"web_fetch", "webtools", "web_get WebFetch", "url part"},
    ToolNames{"web_get", "webtools", "", kRequest},
    ToolNames{"web_head", "webtools", "", "url headers query"},
    ToolNames{"web_post", "webtools", "", kRequest},
    ToolNames{"web_put", "webtools", "", kRequest},
    ToolNames{"web_patch", "webtools", "", kRequest},
    ToolNames{"web_delete", "webtools", "", kRequest},
    ToolNames{"update_plan", "", "todo_write TodoWrite write_todos", "plan explanation"},
    ToolNames{"ask_user", "", "ask_question_to_user AskUserQuestion request_user_input", "questions"},
    ToolNames{"read_skill", "", "skill Skill", "name"},
    ToolNames{"spawn_agent", "", "Task Agent", "agent prompt background"},
    ToolNames{"cancel_agent", "", "", "id"},
};

std::vector<std::string> words_of(std::string_view names) {
  std::vector<std::string> words;
  for (const std::string_view word : base::split(names, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

bool is_called(const ToolNames& tool, std::string_view name) { return tool.tool == name || tool.includes(name); }

/// As others name their tools, mcp__server__tool or server.tool, or what may be the beginning of such a name.
bool may_be_of_others(std::string_view name) {
  const bool beginning = name.ends_with('*') && std::string_view("mcp__").starts_with(name.substr(0, name.size() - 1));
  return beginning || name.contains("__") || name.contains('.');
}

std::vector<std::string> tools_of(std::string_view toolset) {
  std::vector<std::string> tools;
  for (const ToolNames& tool : kToolNames) {
    if (!toolset.empty() && tool.toolset == toolset) tools.emplace_back(tool.tool);
  }
  return tools;
}

/// The tools that a name, or the beginning of one before a "*", stands for.
std::vector<const ToolNames*> known_tools(std::string_view name) {
  std::vector<const ToolNames*> found;
  for (const ToolNames& tool : kToolNames) {
    const bool named =
        name.ends_with('*') ? tool.tool.starts_with(name.substr(0, name.size() - 1)) : is_called(tool, name);
    if (named) found.push_back(&tool);
  }
  return found;
}

Error unknown_tool(const std::string& name) {
  std::vector<std::string> known;
  for (const ToolNames& tool : kToolNames) {
    known.emplace_back(tool.tool);
    std::ranges::move(words_of(tool.names), std::back_inserter(known));
    if (!tool.toolset.empty()) known.emplace_back(tool.toolset);
  }
  std::string near = base::did_you_mean(name, known);
  if (near.empty()) near = "tools of other servers are named with their server, such as mcp__server__tool";
  return {
      .code = base::codes::kNotFound, .message = fmt::format("there is no tool \"{}\"", name), .hint = std::move(near)};
}

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

Result<std::vector<std::string>> named_tools(const std::string& name) {
  const std::size_t dot = name.find('.');
  std::vector<std::string> of_set = tools_of(name.substr(0, dot));
  if (!of_set.empty() && (dot == std::string::npos || name.substr(dot) == ".*")) return of_set;
  if (!of_set.empty()) {
    const std::string leaf = name.substr(dot + 1);
    const bool in_set =
        std::ranges::any_of(of_set, [&](const std::string& tool) { return is_called(*find_tool_names(tool), leaf); });
    if (in_set) return std::vector<std::string>{leaf};
    return unknown_tool(name);
  }
  if (may_be_of_others(name) || !known_tools(name).empty()) return std::vector<std::string>{name};
  return unknown_tool(name);
}

Result<void> check_argument(const std::vector<std::string>& tools, const std::string& argument) {
  std::vector<std::string> known;
  for (const std::string& name : tools) {
    const std::vector<const ToolNames*> meant = known_tools(name);
    if (may_be_of_others(name)) return {};
    for (const ToolNames* tool : meant) std::ranges::move(words_of(tool->arguments), std::back_inserter(known));
  }
  if (std::ranges::find(known, argument) != known.end()) return {};
  std::ranges::sort(known);
  known.erase(std::ranges::unique(known).begin(), known.end());
  std::string near = base::did_you_mean(argument, known);
  if (near.empty()) near = known.empty() ? "it takes none" : "there are " + base::join(known, ", ");
  return Error{.code = base::codes::kNotFound,
               .message = fmt::format("no call of {} has an argument \"{}\"", base::join(tools, ", "), argument),
               .hint = std::move(near)};
}

}  // namespace lathe::policy
