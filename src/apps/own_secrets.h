#pragma once

#include <memory>

#include "lathe/config/config.h"
#include "lathe/globs/secret_files.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::apps {

/// Keeps from the file tools what `secrets` names, what is Lathe's own, and what of the system no command may see
/// either.
[[nodiscard]] std::unique_ptr<tools::common::SecretGuard> make_secret_guard(const globs::SecretFiles& secrets,
                                                                            const config::Environment& environment,
                                                                            const config::Paths& paths);

}  // namespace lathe::apps
