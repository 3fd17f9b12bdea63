#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "lathe/ports/tool.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::tools::fs {

struct FsOptions {
  /// Where files are read and written. Outlives the tools.
  runtime::Pool* pool = nullptr;
  /// Refuses secrets; null: nothing is secret. Outlives the tools.
  const common::SecretGuard* secrets = nullptr;
  /// What new files do not get of the usual permissions; absent: as this process has it.
  std::optional<unsigned> file_mode_mask = std::nullopt;
  /// Text that one read_file gives at most.
  std::size_t max_read_bytes = 256U << 10;
  std::size_t max_image_bytes = 10U << 20;
  std::size_t max_entries = 2'000;
};

/// read_file, view_image, write_file, edit_file, multi_edit, delete_file, move_file, list_dir, stat.
[[nodiscard]] std::vector<std::unique_ptr<ports::Tool>> make_fs_tools(FsOptions options);

}  // namespace lathe::tools::fs
