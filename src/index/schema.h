#pragma once

#include <span>

#include "lathe/storage/sqlite.h"

namespace lathe::index {

/// Tables of the index, as numbered steps. Whatever they hold can be made from the streams again.
[[nodiscard]] std::span<const storage::Migration> schema();

}  // namespace lathe::index
