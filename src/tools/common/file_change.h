#pragma once

#include <optional>
#include <string>

#include "lathe/base/error.h"
#include "lathe/protocol/items.h"

namespace lathe::tools::common {

/// One file before and after; an absent side means that there is no such file.
struct FileEdit {
  /// As shown.
  std::string path;
  /// Where it is now, when it was moved.
  std::string moved_to = {};
  std::optional<std::string> before;
  std::optional<std::string> after;
};

/// The edit as events tell it, with a unified diff of at most 64 KiB.
[[nodiscard]] protocol::FileChange file_change(const FileEdit& edit);
/// A change that will fail, for whoever decides about it before the model is told why.
[[nodiscard]] protocol::FileChange failing_change(const std::string& path, const std::string& moved_to,
                                                  const base::Error& why);
/// The unified diff with a/ and b/ labels; a line instead of it when either side is binary.
[[nodiscard]] std::string diff_text(const FileEdit& edit);

}  // namespace lathe::tools::common
