#pragma once

#include <memory>

#include "lathe/ports/tool.h"
#include "lathe/tools/fs/fs_tools.h"

namespace lathe::tools::fs {

/// read_file: lines with their numbers, or an image.
[[nodiscard]] std::unique_ptr<ports::Tool> make_read_file(FsOptions options);

}  // namespace lathe::tools::fs
