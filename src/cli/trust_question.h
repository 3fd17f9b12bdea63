#pragma once

#include <string>

#include "lathe/cli/context.h"
#include "lathe/client/transport.h"

namespace lathe::cli {

/// Asks on the terminal for a yes or no in a whole line, so that a stray key trusts nothing. No where there is no
/// terminal.
[[nodiscard]] runtime::Async<base::Result<bool>> person_trusts(Context* context, std::string question);

/// Asks about the rules of the project around `folder` that changed since they were trusted; a yes trusts them as they
/// are now. Whether they are.
[[nodiscard]] runtime::Async<base::Result<bool>> trust_changed_rules(Context* context, client::Transport* engine,
                                                                     std::string folder);

}  // namespace lathe::cli
