#pragma once

#include <string>

namespace lathe::agent {

struct SystemPromptOptions {
  /// Words of the person's configuration, put after ours.
  std::string addition = {};
};

/// The system prompt of the native agent. The engine builds it when it configures a session and keeps it in
/// session_configured, so that it stays the same for the whole session. Facts of the machine and the project are not in
/// it: they are context, after the stable prefix.
[[nodiscard]] std::string build_system_prompt(const SystemPromptOptions& options = {});

}  // namespace lathe::agent
