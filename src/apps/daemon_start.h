#pragma once

#include <string>
#include <string_view>

#include "lathe/config/config.h"

// What a daemon and whoever starts it have agreed on.

namespace lathe::apps {

/// Names the descriptor through which a daemon tells whoever started it how that went: kReadyWord once clients can
/// connect, or the error that kept it from getting there, as JSON.
inline constexpr const char* kReadyVariable = "LATHE_READY_FD";
inline constexpr std::string_view kReadyWord = "ready\n";

/// Names the descriptor of a memory file with what the daemon before this one left to it (engine/hand_over.h).
inline constexpr const char* kHandedOverVariable = "LATHE_HANDED_OVER_FD";

/// Where the daemon of the data root listens.
[[nodiscard]] inline std::string daemon_socket(const config::Paths& paths) {
  return paths.runtime_dir + "/daemon.sock";
}
/// Where one that was started says what it does.
[[nodiscard]] inline std::string daemon_log(const config::Paths& paths) { return paths.state_dir + "/daemon.log"; }

}  // namespace lathe::apps
