#pragma once

#include <string>
#include <string_view>

namespace lathe::base {

struct DiffOptions {
  std::size_t context_lines = 3;
  /// Past this many lines on either side the whole text is shown as removed and added.
  std::size_t max_lines = 20'000;
};

/// Unified diff of two texts ("--- a/x", "+++ b/x", hunks), empty when they are equal. An absent side is named
/// /dev/null by passing an empty label. Texts without a final newline get the usual marker line.
[[nodiscard]] std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_label,
                                       std::string_view after_label, DiffOptions options = {});

}  // namespace lathe::base
