#pragma once

#include <memory>
#include <vector>

#include "lathe/ports/tool.h"
#include "lathe/ports/tool_policies.h"
#include "lathe/runtime/pool.h"

namespace lathe::tools::common {

/// `tool` with every one of `policies` enforced around it (ports/tool_policies.h), whatever the tool is:
///
/// - commands: what the line starts by name must be allowed, no word of it may be a denied name, and it runs in the
///   allowed folder; a line that cannot be told (command_names.h) is refused. The same for what is typed into a shell
/// - files: every path argument, and every file that the call would change, lies in the allowed folder, links resolved,
///   and holds no denied text; lines of listings and searches that name such a path are left out
/// - listings and searches: nothing of skipped folders, and of folders only files with a listed ending; no listing at
///   all where no level may be shown
/// - output: cut at the byte and line limits, which it says
/// - web: scheme and host of `url`, size of `body`; the rest is the web tools' own (ToolEnvironment::web)
///
/// A refusal is `permission_denied`; the model is told and the Task goes on. `pool` is for looking up links.
[[nodiscard]] std::unique_ptr<ports::Tool> policed(std::unique_ptr<ports::Tool> tool,
                                                   std::vector<ports::ToolPolicies> policies, runtime::Pool& pool);

}  // namespace lathe::tools::common
