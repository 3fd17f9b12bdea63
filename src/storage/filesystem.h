#pragma once

#include <cstdint>
#include <string>

#include "lathe/base/result.h"

namespace lathe::storage {

/// Whether a file system of this type (statfs f_type) is shared between machines, where locks and mmap do not hold
/// what SQLite and our streams need.
[[nodiscard]] bool is_network_filesystem(std::int64_t type);
/// `unsupported` for a folder on a network file system.
[[nodiscard]] base::Result<void> refuse_network_filesystem(const std::string& folder);

}  // namespace lathe::storage
