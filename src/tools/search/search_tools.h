#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/ports/command_runner.h"
#include "lathe/ports/tool.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::tools::search {

struct SearchOptions {
  /// Both outlive the tools.
  runtime::Pool* pool = nullptr;
  /// Runs ripgrep; null: grep walks by itself, with the same results.
  ports::CommandRunner* runner = nullptr;
  /// Keeps lines of secret files out; null: nothing is secret. Outlives the tools.
  const common::SecretGuard* secrets = nullptr;
  /// Path of ripgrep, found_ripgrep(); absent: as without a runner.
  std::optional<std::string> ripgrep = std::nullopt;
  std::size_t max_results = 1'000;
  /// ripgrep is done by then, or it is looked whether a file of rules has it wait: a FIFO that is called .gitignore.
  std::chrono::milliseconds ripgrep_usually = std::chrono::seconds(1);
};

/// glob, grep.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_search_tools(SearchOptions options);

/// rg in PATH.
[[nodiscard]] std::optional<std::string> found_ripgrep();

}  // namespace lathe::tools::search
