#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/sandbox/spec.h"

namespace lathe::sandbox {

/// Where things of ours are inside a jail.
inline constexpr std::string_view kKeeperInside = "/run/lathe/lathe-keeper";
inline constexpr std::string_view kHiddenFileInside = "/run/lathe/hidden-file";
inline constexpr std::string_view kHiddenFolderInside = "/run/lathe/hidden-folder";

/// The namespaces and capabilities of every jail, as arguments for bubblewrap. Detection tries these very ones.
[[nodiscard]] std::vector<std::string> namespace_arguments(Network network);

/// The command line that starts a keeper in the jail that `spec` describes: a root that holds nothing but what is
/// named.
[[nodiscard]] std::vector<std::string> bubblewrap_command(const std::string& bubblewrap, const SandboxSpec& spec);

}  // namespace lathe::sandbox
