#pragma once

#include <string>

namespace lathe::sandbox {

/// The absolute path without links; empty when there is no such thing. Blocking.
[[nodiscard]] std::string real_path(const std::string& path);
/// The same for a folder; empty for anything else.
[[nodiscard]] std::string real_folder(const std::string& path);

}  // namespace lathe::sandbox
