#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/ports/catalog.h"

// One file of a catalogue, from its text to its value. Pure. Errors: `invalid` with "file:line:column: what", all of
// them at once.

namespace lathe::facts {

/// SKILL.md: `name` (letters, digits, ".", "_", "-"; at most 64) and `description` are required, other keys are for
/// other programs and left alone.
[[nodiscard]] base::Result<ports::SkillText> parse_skill(std::string_view text, const std::string& file);

/// agents/*.md: `description` is required, `name` is the file's name when absent; model, tools, max_turns, max_tokens,
/// max_tool_calls, max_time and tools_policies narrow it. A key that is not known is an error, because it may have been
/// meant to narrow something. The body is its instructions.
[[nodiscard]] base::Result<ports::AgentDefinition> parse_agent(std::string_view text, const std::string& file);

}  // namespace lathe::facts
