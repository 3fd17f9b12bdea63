#pragma once

#include <string>

#include "lathe/cli/context.h"

namespace lathe::cli {

/// Lets the person edit `text` in $VISUAL or $EDITOR (else vi) on the terminal, and gives what was saved.
runtime::Async<base::Result<std::string>> edit_text(Context* context, std::string text);

}  // namespace lathe::cli
