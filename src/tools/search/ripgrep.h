#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/command_runner.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/tools/search/line_search.h"

// ripgrep only tells which files are worth a look: whether they count and what matches in them is for search_files() to
// say. So the two ways to search give the same, although their regular expressions, their idea of binary files, their
// line breaks and what a jail lets them see of rules differ, as long as ripgrep names every file that matters.

namespace lathe::tools::search {

/// The query as a regular expression of ripgrep that matches wherever the query does, and perhaps elsewhere; nothing
/// for what cannot be said there.
[[nodiscard]] std::optional<std::string> ripgrep_pattern(const LineQuery& query);

/// Files below `root` that may hold a match, as walk_files() finds them and in its order; searched by ripgrep in the
/// jail of the session's commands, several times faster in large trees. An error (`unavailable`) when it cannot be
/// started, cannot be told the pattern, or takes over a minute; search_tree() then still answers.
runtime::Async<base::Result<std::vector<std::string>>> files_by_ripgrep(ports::CommandRunner* runner,
                                                                        std::string program, LineQuery query,
                                                                        std::string root, runtime::CancelToken cancel);

}  // namespace lathe::tools::search
