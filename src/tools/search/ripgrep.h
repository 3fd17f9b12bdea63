#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/ports/command_runner.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/tools/search/line_search.h"

namespace lathe::tools::search {

/// The same as search_tree(), done by ripgrep in the jail of the session's commands: several times faster in large
/// trees. An error (`unavailable`) when it cannot be started, refuses the pattern, or takes over a minute;
/// search_tree() then still answers.
runtime::Async<base::Result<LineMatches>> search_with_ripgrep(ports::CommandRunner* runner, std::string program,
                                                              LineQuery query, std::string root,
                                                              runtime::CancelToken cancel);

}  // namespace lathe::tools::search
