#pragma once

#include "lathe/base/error.h"

namespace lathe::apps {

/// The error of a data root that cannot be used; when a file stands where it should be, it names the variable.
[[nodiscard]] base::Error refused_place(const base::Error& error);

}  // namespace lathe::apps
