#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/items.h"

// The conversation as the model will see it: a fold over the durable events of a session's journal. The same events
// always fold to the same conversation, which is what keeps the prompt's prefix byte-identical after a restart.

namespace lathe::ports {

/// What a person said, or what Lathe put before the model in the person's place.
struct UserEntry {
  std::vector<protocol::ContentPart> content;
  /// Set when it is context that Lathe added.
  std::optional<protocol::ContextKind> context;
  friend bool operator==(const UserEntry&, const UserEntry&) = default;
};
struct AgentEntry {
  std::string text;
  bool incomplete = false;
  friend bool operator==(const AgentEntry&, const AgentEntry&) = default;
};
struct ReasoningEntry {
  std::string text;
  std::string provider;
  std::optional<base::Json> opaque;
  bool incomplete = false;
  friend bool operator==(const ReasoningEntry&, const ReasoningEntry&) = default;
};
/// A call and, once it ended, its result. In a request the results of one answer follow its calls, in call order.
struct CallEntry {
  protocol::ToolCall call;
  /// A begin event was recorded: its side effect may have started.
  bool started = false;
  std::optional<protocol::CallOutcome> outcome;
  friend bool operator==(const CallEntry&, const CallEntry&) = default;
};
/// The summary that stands for everything before it.
struct SummaryEntry {
  std::string text;
  friend bool operator==(const SummaryEntry&, const SummaryEntry&) = default;
};

using Entry = std::variant<UserEntry, AgentEntry, ReasoningEntry, CallEntry, SummaryEntry>;

struct PlacedEntry {
  std::int64_t seq = 0;
  /// Which answer of the model the entry belongs to, counted up by turn_complete; groups calls of one answer.
  std::int64_t turn = 0;
  Entry entry;
  friend bool operator==(const PlacedEntry&, const PlacedEntry&) = default;
};

struct Conversation {
  std::vector<PlacedEntry> entries;
  /// Tokens of the context as the provider last counted them, and how many entries that count covers. 0: unknown.
  std::int64_t counted_tokens = 0;
  std::size_t counted_entries = 0;
  friend bool operator==(const Conversation&, const Conversation&) = default;
};

}  // namespace lathe::ports
