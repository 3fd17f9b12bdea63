#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// What was said, by people, by the model, and by Lathe for the model's ears.

namespace lathe::protocol {

struct UserMessage {
  static constexpr std::string_view kType = "user_message";
  static constexpr std::string_view kDoc = "What a person said; recording it is what acknowledges a user_input.";
  std::string item;
  std::vector<ContentPart> content;
  bool steer = false;
  static constexpr auto fields() {
    using S = UserMessage;
    return std::tuple{required("item", &S::item, "the item's id"), required("content", &S::content, "text and images"),
                      optional("steer", &S::steer, "said into a running Task")};
  }
  friend bool operator==(const UserMessage&, const UserMessage&) = default;
};

enum class ContextKind { kEnvironment, kProjectDocs, kUserContext, kNudge, kInterruption };
constexpr auto enum_names(ContextKind) {
  return std::array{EnumName{ContextKind::kEnvironment, "environment"},
                    EnumName{ContextKind::kProjectDocs, "project_docs"},
                    EnumName{ContextKind::kUserContext, "user_context"}, EnumName{ContextKind::kNudge, "nudge"},
                    EnumName{ContextKind::kInterruption, "interruption"}};
}

struct ContextAdded {
  static constexpr std::string_view kType = "context_added";
  static constexpr std::string_view kDoc = "Text that Lathe put before the model: facts, project documents, a nudge.";
  std::string item;
  ContextKind kind = ContextKind::kEnvironment;
  std::string text;
  static constexpr auto fields() {
    using S = ContextAdded;
    return std::tuple{required("item", &S::item, "the item's id"), required("kind", &S::kind, "where it is from"),
                      required("text", &S::text, "exactly what the model sees")};
  }
  friend bool operator==(const ContextAdded&, const ContextAdded&) = default;
};

struct AgentMessage {
  static constexpr std::string_view kType = "agent_message";
  static constexpr std::string_view kDoc = "A whole message of the model; completes its deltas.";
  std::string item;
  std::string text;
  ItemStatus status = ItemStatus::kComplete;
  static constexpr auto fields() {
    using S = AgentMessage;
    return std::tuple{required("item", &S::item, "the item's id"), required("text", &S::text, "the text, Markdown"),
                      optional("status", &S::status, "incomplete when it was cut short")};
  }
  friend bool operator==(const AgentMessage&, const AgentMessage&) = default;
};

struct AgentMessageDelta {
  static constexpr std::string_view kType = "agent_message_delta";
  static constexpr std::string_view kDoc = "More text of a message.";
  static constexpr bool kPassing = true;
  std::string item;
  std::int64_t offset = 0;
  std::string text;
  static constexpr auto fields() {
    using S = AgentMessageDelta;
    return std::tuple{required("item", &S::item, "the item's id"),
                      required("offset", &S::offset, "bytes of the item before this text"),
                      required("text", &S::text, "the text")};
  }
  friend bool operator==(const AgentMessageDelta&, const AgentMessageDelta&) = default;
};

struct AgentReasoning {
  static constexpr std::string_view kType = "agent_reasoning";
  static constexpr std::string_view kDoc = "Reasoning that the model showed, with what its provider wants back.";
  std::string item;
  std::string text;
  std::string provider;
  std::optional<base::Json> opaque;
  ItemStatus status = ItemStatus::kComplete;
  static constexpr auto fields() {
    using S = AgentReasoning;
    return std::tuple{required("item", &S::item, "the item's id"), required("text", &S::text, "the text, or a summary"),
                      optional("provider", &S::provider, "wire format that `opaque` belongs to"),
                      optional("opaque", &S::opaque, "sent back to that provider unchanged"),
                      optional("status", &S::status, "incomplete when it was cut short")};
  }
  friend bool operator==(const AgentReasoning&, const AgentReasoning&) = default;
};

struct AgentReasoningDelta {
  static constexpr std::string_view kType = "agent_reasoning_delta";
  static constexpr std::string_view kDoc = "More text of reasoning.";
  static constexpr bool kPassing = true;
  std::string item;
  std::int64_t offset = 0;
  std::string text;
  static constexpr auto fields() {
    using S = AgentReasoningDelta;
    return std::tuple{required("item", &S::item, "the item's id"),
                      required("offset", &S::offset, "bytes of the item before this text"),
                      required("text", &S::text, "the text")};
  }
  friend bool operator==(const AgentReasoningDelta&, const AgentReasoningDelta&) = default;
};

struct ItemReset {
  static constexpr std::string_view kType = "item_reset";
  static constexpr std::string_view kDoc = "The stream is tried again: forget the deltas of this item.";
  static constexpr bool kPassing = true;
  std::string item;
  static constexpr auto fields() { return std::tuple{required("item", &ItemReset::item, "the item's id")}; }
  friend bool operator==(const ItemReset&, const ItemReset&) = default;
};

struct PlanUpdate {
  static constexpr std::string_view kType = "plan_update";
  static constexpr std::string_view kDoc = "The model's plan, whole.";
  std::string explanation;
  std::vector<PlanStep> plan;
  static constexpr auto fields() {
    return std::tuple{optional("explanation", &PlanUpdate::explanation, "why it changed"),
                      required("plan", &PlanUpdate::plan, "all steps")};
  }
  friend bool operator==(const PlanUpdate&, const PlanUpdate&) = default;
};

struct Compacted {
  static constexpr std::string_view kType = "compacted";
  static constexpr std::string_view kDoc =
      "The older conversation was replaced by a summary for the model. The originals stay in the journal.";
  std::string item;
  std::string summary;
  std::int64_t keep_from_seq = 0;
  std::int64_t tokens_before = 0;
  std::int64_t tokens_after = 0;
  Usage usage;
  std::optional<std::int64_t> cost_micro_usd;
  static constexpr auto fields() {
    using S = Compacted;
    return std::tuple{required("item", &S::item, "the item's id"),
                      required("summary", &S::summary, "what the model sees instead"),
                      required("keep_from_seq", &S::keep_from_seq, "items from this seq on are kept whole"),
                      required("tokens_before", &S::tokens_before, "estimate before"),
                      required("tokens_after", &S::tokens_after, "estimate after; always smaller"),
                      optional("usage", &S::usage, "tokens of the summary request"),
                      optional("cost_micro_usd", &S::cost_micro_usd, "its cost; absent when the price is unknown")};
  }
  friend bool operator==(const Compacted&, const Compacted&) = default;
};

}  // namespace lathe::protocol
