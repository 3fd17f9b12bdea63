#pragma once

#include <string>
#include <vector>

#include "lathe/protocol/events.h"

namespace lathe::engine {

/// Those of the paths that are files of the workspace, with their content: an approval of a command that leaves the
/// sandbox holds for these and no others. Sorted. Blocks.
[[nodiscard]] std::vector<protocol::BoundFile> bound_files(const std::vector<std::string>& paths,
                                                           const std::string& workspace);

}  // namespace lathe::engine
