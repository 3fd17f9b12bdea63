#pragma once

#include <memory>
#include <vector>

#include "lathe/ports/tool.h"

namespace lathe::tools::ask {

/// ask_user. Its calls go to the environment's questioner; without one they fail and say so.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_ask_tools();

}  // namespace lathe::tools::ask
