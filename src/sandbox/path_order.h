#pragma once

#include <string_view>

namespace lathe::sandbox {

/// Both absolute, without links, dots or a final slash.
[[nodiscard]] constexpr bool is_at_or_below(std::string_view path, std::string_view folder) {
  if (path == folder || folder == "/") return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

[[nodiscard]] constexpr bool is_below(std::string_view path, std::string_view folder) {
  return path != folder && is_at_or_below(path, folder);
}

}  // namespace lathe::sandbox
