#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace lathe::tools::fs {

enum class Matches {
  kExactlyOne,
  kAll,
};

/// `content` with `old_text` replaced by `new_text`. In a file whose lines end in "\r\n", both texts are taken with
/// either line end and the new one is written with the file's. Errors say how often the text stands there and on which
/// lines, or show the nearest lines when it does not; they begin with `tool`.
[[nodiscard]] base::Result<std::string> replace_text(const std::string& tool, const std::string& path,
                                                     std::string_view content, std::string_view old_text,
                                                     std::string_view new_text, Matches matches);

}  // namespace lathe::tools::fs
