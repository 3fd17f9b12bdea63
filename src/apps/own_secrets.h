#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lathe/config/config.h"
#include "lathe/globs/secret_files.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::apps {

/// What lies beside the person's config.yaml: rules, models, agents, skills.
[[nodiscard]] std::string config_folder(const config::Paths& paths);
/// All that Lathe keeps for the person.
[[nodiscard]] std::vector<std::string> own_folders(const config::Paths& paths);

/// Keeps from the file tools what `secrets` names, what is Lathe's own, and what of the system no command may see
/// either.
[[nodiscard]] std::unique_ptr<tools::common::SecretGuard> make_secret_guard(const globs::SecretFiles& secrets,
                                                                            const config::Environment& environment,
                                                                            const config::Paths& paths);

}  // namespace lathe::apps
