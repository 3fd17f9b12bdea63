#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "lathe/ports/driver.h"

namespace lathe::agent {

/// What the native agent may use up. The engine fills it from the configuration; the defaults are the documented ones.
struct AgentOptions {
  /// Ceilings of a Task that its own budget does not name.
  std::int64_t default_turns = ports::kDefaultTurns;
  std::int64_t default_tool_calls = ports::kDefaultToolCalls;
  /// The same call with the same result so many times in a row ends the Task; 0: never.
  std::int64_t repeated_call_limit = 5;
  /// Tokens of one tool result that the model sees at most.
  std::int64_t tool_output_tokens = 10'000;
  /// Bytes of one tool result that the blob store keeps at most.
  std::size_t spool_bytes = 64U << 20;
  /// Share of the context window at which the conversation is compacted, in percent.
  std::int64_t compact_at_percent = 90;
  /// Tokens of recent Turns that a compaction keeps whole at most.
  std::int64_t compact_keep_tokens = 20'000;
  /// An answer in which nothing arrives for so long is cut off and asked for again.
  std::chrono::milliseconds stream_idle_timeout{300'000};
  /// An answer that only thinks for so long is ended with a nudge, then asked for without thinking.
  std::chrono::milliseconds thinking_stall_timeout{120'000};
  /// AGENTS.md and its like, all together.
  std::size_t project_docs_bytes = 32U * 1024;
  /// Names and descriptions of skills and agents, when the model's window is not known; else a fiftieth of it.
  std::size_t catalog_bytes = 8'000;
  /// One image of the conversation; a larger one is left out, which the model is told.
  std::size_t image_bytes = 20U << 20;
};

}  // namespace lathe::agent
