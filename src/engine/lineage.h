#pragma once

#include <string>
#include <vector>

#include "lathe/engine/parts.h"
#include "lathe/engine/session_family.h"
#include "lathe/ports/catalog.h"

namespace lathe::engine {

/// The agent of that name as it is defined for `cwd` now; "" is the default one. `not_found` with the nearest name.
runtime::Async<base::Result<ports::AgentDefinition>> find_agent(EngineParts* parts, std::string cwd, std::string name);

/// The agents that a session descends from, outermost first, its own last; empty for a session of a person. All of them
/// narrow what it may do. An agent that is not defined any more is an error: nothing becomes wider by that.
runtime::Async<base::Result<std::vector<ports::AgentDefinition>>> find_lineage(EngineParts* parts,
                                                                               SessionFamily* family,
                                                                               protocol::SessionConfigured config);

}  // namespace lathe::engine
