#pragma once

#include <memory>
#include <string>
#include <vector>

namespace lathe::engine {

/// "NAME=value": what a client has around it. Null: this process's own.
using ClientEnvironment = std::shared_ptr<const std::vector<std::string>>;  // a snapshot, shared by its sessions

}  // namespace lathe::engine
