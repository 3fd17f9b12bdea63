#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/ports/tool.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::tools::search {

struct SearchOptions {
  /// Both outlive the tools.
  runtime::Loop* loop = nullptr;
  runtime::Pool* pool = nullptr;
  /// Path of ripgrep, found_ripgrep(); absent: grep walks by itself, with the same results.
  std::optional<std::string> ripgrep = std::nullopt;
  std::size_t max_results = 1'000;
};

/// glob, grep.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_search_tools(SearchOptions options);

/// rg in PATH.
[[nodiscard]] std::optional<std::string> found_ripgrep();

}  // namespace lathe::tools::search
