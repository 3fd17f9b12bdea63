#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/protocol/items.h"

// The names by which chains, agent files and models know tools, in one table: those of contenox (`local_shell`,
// `local_fs.read_file`, `webtools.web_get`), vix (`bash`, `todo_write`, `glob_files`), Claude Code (`Bash`, `Read`,
// `Edit`), Codex and Gemini CLI (`exec_command`, `run_shell_command`). A call under such a name is translated to our
// tool and its arguments, also where only the arguments are foreign, because others call a tool as we do; a list of
// names in a file is turned into names of ours.

namespace lathe::tools::common {

/// The call as our tool takes it, or nothing when no tool of `available` is known by that name. Arguments that are not
/// a JSON object go through as they are, for the tool to refuse.
[[nodiscard]] std::optional<protocol::ToolCall> translate_alias(const protocol::ToolCall& call,
                                                                const std::vector<std::string>& available);

/// Which of `available` a list of names means, in the order of `available`. "*" is all of them, "!name" takes away what
/// came before, a toolset ("local_fs") is all of its tools. `not_found` with the nearest name for one that is not
/// known.
[[nodiscard]] base::Result<std::vector<std::string>> expand_tool_names(const std::vector<std::string>& names,
                                                                       const std::vector<std::string>& available);

/// Every name of the table, for those who list or check names.
[[nodiscard]] std::vector<std::string> alias_names();

/// The toolset of chain files that one of our tools belongs to: local_shell, local_fs, webtools, or none.
[[nodiscard]] std::string_view toolset_of(std::string_view tool);

}  // namespace lathe::tools::common
