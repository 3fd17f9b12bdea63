#pragma once

#include <memory>

#include "lathe/ports/tool.h"
#include "lathe/tools/fs/fs_tools.h"

namespace lathe::tools::fs {

/// list_dir: names, kinds and sizes, sorted.
[[nodiscard]] std::unique_ptr<ports::Tool> make_list_dir(FsOptions options);

}  // namespace lathe::tools::fs
