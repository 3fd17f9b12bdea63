#pragma once

#include <optional>
#include <string>

#include "lathe/base/json.h"

namespace lathe::providers::cassette {

/// Where two documents first differ, in words: `items[3].output: expected "…a…", got "…b…"`; nothing when they are
/// equal. Of long texts only the neighbourhood of the first difference is shown.
[[nodiscard]] std::optional<std::string> first_difference(const base::Json& expected, const base::Json& got);

}  // namespace lathe::providers::cassette
