#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::tools::shell {

struct EnvironmentOptions {
  /// Further names that are kept, even when they look like a secret.
  std::vector<std::string> keep;
  /// "NAME=value", added last.
  std::vector<std::string> set;
};

/// What a command sees of our environment: the names of the list in environment.cc and LC_*, TERM=dumb, and settings
/// that keep programs from asking or paging (PAGER, GIT_PAGER, GIT_TERMINAL_PROMPT). Everything else is dropped.
[[nodiscard]] std::vector<std::string> command_environment(const std::vector<std::string>& ours,
                                                           const EnvironmentOptions& options);

/// Whether a variable's name says that it holds a secret (*KEY*, *SECRET*, *TOKEN*, *PASSWORD*, *CREDENTIAL*, …).
[[nodiscard]] bool looks_secret(std::string_view name);

/// The environment of this process.
[[nodiscard]] std::vector<std::string> own_environment();

}  // namespace lathe::tools::shell
