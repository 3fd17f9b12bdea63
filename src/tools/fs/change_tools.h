#pragma once

#include <memory>

#include "lathe/ports/tool.h"
#include "lathe/tools/fs/fs_tools.h"

namespace lathe::tools::fs {

/// write_file: a whole file, new or not.
[[nodiscard]] std::unique_ptr<ports::Tool> make_write_file(FsOptions options);
/// edit_file: one text for another.
[[nodiscard]] std::unique_ptr<ports::Tool> make_edit_file(FsOptions options);
/// multi_edit: several of those in one file, all or none.
[[nodiscard]] std::unique_ptr<ports::Tool> make_multi_edit(FsOptions options);
[[nodiscard]] std::unique_ptr<ports::Tool> make_delete_file(FsOptions options);
[[nodiscard]] std::unique_ptr<ports::Tool> make_move_file(FsOptions options);

}  // namespace lathe::tools::fs
