#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lathe::tools::patch {

enum class Where {
  /// Anywhere from the start line on.
  kFromStart,
  /// The last lines of the file and nowhere else.
  kAtEnd,
};

/// The first place where `wanted` stands in `lines`, line by line. Four passes, each over the whole range before the
/// next: exact; without blanks at line ends; without blanks at both ends; the same with typographic dashes, quotes and
/// spaces taken for their ASCII forms. An empty `wanted` stands at `start`.
[[nodiscard]] std::optional<std::size_t> find_lines(std::span<const std::string_view> lines,
                                                    std::span<const std::string> wanted, std::size_t start,
                                                    Where where);

}  // namespace lathe::tools::patch
