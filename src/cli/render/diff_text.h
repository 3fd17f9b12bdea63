#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lathe/cli/term/style.h"

namespace lathe::cli {

/// A unified diff with its lines coloured, cleaned for a terminal, at most `max_lines` long (which it says). Each line
/// starts with `indent`.
[[nodiscard]] std::string diff_text(std::string_view unified_diff, const Style& style, std::string_view indent,
                                    std::size_t max_lines);

}  // namespace lathe::cli
