#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/cli/context.h"
#include "lathe/cli/options.h"

namespace lathe::cli {

/// What a person says as it is sent: bytes that are no UTF-8 are replaced, which `warn` is told. `limit_exceeded`, with
/// what to do, over 1 MiB.
[[nodiscard]] base::Result<std::string> settle_prompt(std::string prompt,
                                                      const std::function<void(std::string_view)>& warn);

/// The prompt of a command (ARCHITECTURE 9): its words; stdin when there are none and stdin is no terminal; both, stdin
/// as a block behind, when one word is "-". Blocks until stdin ends (with a notice after a second), before anything
/// else was started. Errors: `invalid` without any text, `limit_exceeded` over 1 MiB.
[[nodiscard]] base::Result<std::string> read_prompt(Context& context, const ExecOptions& exec);

}  // namespace lathe::cli
