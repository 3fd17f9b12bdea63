#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/ports/workspace_history.h"
#include "lathe/tools/common/workspace.h"

// Read before write: a tool that replaces or changes a file knows what is in it only if the model has seen that very
// content. Both functions take a history that may be null: then nothing is remembered and everything is allowed.

namespace lathe::tools::common {

/// The model has seen `bytes` at that place, or wrote them.
void saw_file(ports::WorkspaceHistory* history, const Place& place, std::string_view bytes);

/// `invalid`, with the call to make first, when the model has not read the file in this session, or it has other bytes
/// on disk than when it was read.
[[nodiscard]] base::Result<void> check_seen(ports::WorkspaceHistory* history, const Place& place,
                                            std::string_view bytes, std::string_view tool);

}  // namespace lathe::tools::common
