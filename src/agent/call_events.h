#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lathe/ports/tool.h"
#include "lathe/protocol/events.h"

namespace lathe::agent {

/// The begin event of a call, by what it does: exec_command_begin, patch_apply_begin or tool_call_begin.
[[nodiscard]] protocol::EventMsg begin_event(const ports::Action& action, std::string title);

/// The end event that belongs to it.
[[nodiscard]] protocol::EventMsg end_event(const ports::Action& action, protocol::CallOutcome outcome,
                                           std::optional<std::int64_t> exit_code);

/// The end of a call of which nothing more is known than its name.
[[nodiscard]] protocol::EventMsg end_event(const protocol::ToolCall& call, protocol::CallStatus status,
                                           std::string text);

}  // namespace lathe::agent
