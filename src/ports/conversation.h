#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/items.h"

// The conversation as the model will see it: a fold over the durable events of a session's journal. The same events
// always fold to the same conversation, which is what keeps the prompt's prefix byte-identical after a restart.
// The field lists are for snapshots of it; no client sees them.

namespace lathe::ports {

/// What a person said, or what Lathe put before the model in the person's place.
struct UserEntry {
  static constexpr std::string_view kType = "user";
  std::vector<protocol::ContentPart> content;
  /// Set when it is context that Lathe added.
  std::optional<protocol::ContextKind> context;
  static constexpr auto fields() {
    return std::tuple{protocol::required("content", &UserEntry::content, "what was said"),
                      protocol::optional("context", &UserEntry::context, "set when Lathe added it")};
  }
  friend bool operator==(const UserEntry&, const UserEntry&) = default;
};
struct AgentEntry {
  static constexpr std::string_view kType = "agent";
  std::string text;
  bool incomplete = false;
  static constexpr auto fields() {
    return std::tuple{protocol::required("text", &AgentEntry::text, "the text"),
                      protocol::optional("incomplete", &AgentEntry::incomplete, "cut short")};
  }
  friend bool operator==(const AgentEntry&, const AgentEntry&) = default;
};
struct ReasoningEntry {
  static constexpr std::string_view kType = "reasoning";
  std::string text;
  std::string provider;
  std::optional<base::Json> opaque;
  bool incomplete = false;
  static constexpr auto fields() {
    return std::tuple{protocol::required("text", &ReasoningEntry::text, "the text"),
                      protocol::optional("provider", &ReasoningEntry::provider, "whose `opaque` it is"),
                      protocol::optional("opaque", &ReasoningEntry::opaque, "sent back unchanged"),
                      protocol::optional("incomplete", &ReasoningEntry::incomplete, "cut short")};
  }
  friend bool operator==(const ReasoningEntry&, const ReasoningEntry&) = default;
};
/// A call and, once it ended, its result. In a request the results of one answer follow its calls, in call order.
struct CallEntry {
  static constexpr std::string_view kType = "call";
  protocol::ToolCall call;
  /// A begin event was recorded: its side effect may have started.
  bool started = false;
  /// Type of that begin event; the end event is of the same family.
  std::string begun_by;
  std::optional<protocol::CallOutcome> outcome;
  static constexpr auto fields() {
    return std::tuple{protocol::required("call", &CallEntry::call, "as the model asked"),
                      protocol::optional("started", &CallEntry::started, "its side effect may have begun"),
                      protocol::optional("begun_by", &CallEntry::begun_by, "type of the event that began it"),
                      protocol::optional("outcome", &CallEntry::outcome, "once it ended")};
  }
  friend bool operator==(const CallEntry&, const CallEntry&) = default;
};
/// The summary that stands for everything before it.
struct SummaryEntry {
  static constexpr std::string_view kType = "summary";
  std::string text;
  static constexpr auto fields() {
    return std::tuple{protocol::required("text", &SummaryEntry::text, "what stands for everything before it")};
  }
  friend bool operator==(const SummaryEntry&, const SummaryEntry&) = default;
};

using Entry = std::variant<UserEntry, AgentEntry, ReasoningEntry, CallEntry, SummaryEntry>;

struct PlacedEntry {
  std::int64_t seq = 0;
  /// Which answer of the model the entry belongs to, counted up by turn_complete; groups calls of one answer.
  std::int64_t turn = 0;
  Entry entry;
  static constexpr auto fields() {
    return std::tuple{protocol::required("seq", &PlacedEntry::seq, "its record"),
                      protocol::required("turn", &PlacedEntry::turn, "its answer"),
                      protocol::required("entry", &PlacedEntry::entry, "the entry")};
  }
  friend bool operator==(const PlacedEntry&, const PlacedEntry&) = default;
};

struct Conversation {
  std::vector<PlacedEntry> entries;
  /// Tokens of the context as the provider last counted them, and how many entries that count covers. 0: unknown.
  std::int64_t counted_tokens = 0;
  std::size_t counted_entries = 0;
  static constexpr auto fields() {
    return std::tuple{protocol::required("entries", &Conversation::entries, "in order"),
                      protocol::optional("counted_tokens", &Conversation::counted_tokens, "as the provider counted"),
                      protocol::optional("counted_entries", &Conversation::counted_entries, "how many that covers")};
  }
  friend bool operator==(const Conversation&, const Conversation&) = default;
};

}  // namespace lathe::ports
