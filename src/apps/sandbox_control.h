#pragma once

#include <memory>

#include "lathe/client/sandbox.h"
#include "lathe/config/config.h"
#include "lathe/runtime/loop.h"

namespace lathe::apps {

/// `lathe sandbox`: jails without an engine. Their private folders are temporary.
[[nodiscard]] base::Result<std::unique_ptr<client::Sandbox>> make_sandbox_control(
    runtime::Loop& loop, const config::Environment& environment);

}  // namespace lathe::apps
