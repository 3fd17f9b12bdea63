#pragma once

#include <map>
#include <string>

#include "lathe/base/result.h"
#include "lathe/engine/client_context.h"

// What one daemon tells the next of the sessions that it leaves to it. It goes from process to process in memory, since
// it holds what clients lent.

namespace lathe::engine {

/// By session; null where no client lent anything.
using HandedSessions = std::map<std::string, SharedContext>;

[[nodiscard]] std::string text_of(const HandedSessions& sessions);
/// `invalid` when it is none.
[[nodiscard]] base::Result<HandedSessions> read_handed_sessions(const std::string& text);

}  // namespace lathe::engine
