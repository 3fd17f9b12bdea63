#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::common {

/// `permission_denied` when a path leads to a protected name of the workspace (sandbox/protected_names.h), by its own
/// name or by that to which a link or the `.git` pointer leads: what programs outside of the jail execute or obey is
/// changed by people only. Outside of the workspace any folder may be somebody's workspace, so that these names are
/// protected everywhere. `root` is the workspace, `folder` an open folder, `rest` the path from there on, whose folders
/// need not exist. Blocks.
[[nodiscard]] base::Result<void> refuse_protected(int root, int folder, const std::string& rest,
                                                  const std::string& shown);

/// `permission_denied` where the text of a path outside of the workspace alone, whatever is there, says that no tool
/// changes it: the secrets of the person and of Lathe (`secrets` may be null), and protected names. To say so tells
/// nothing of what is there, so that nobody needs to be asked about it first. Blocks.
[[nodiscard]] base::Result<void> refuse_by_name(const Place& place, const SecretGuard* secrets);

}  // namespace lathe::tools::common
