#pragma once

#include <memory>
#include <vector>

#include "lathe/ports/session_host.h"
#include "lathe/ports/tool.h"

namespace lathe::tools::agent {

/// spawn_agent and cancel_agent. `host` outlives them.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_agent_tools(ports::SessionHost& host);

}  // namespace lathe::tools::agent
