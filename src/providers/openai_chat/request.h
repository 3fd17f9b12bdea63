#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/ports/model.h"
#include "lathe/providers/common/call_ids.h"

namespace lathe::providers::openai_chat {

inline constexpr std::string_view kProvider = "openai_chat";

/// How the many servers of this wire differ. The default is what all of them take.
struct Quirks {
  /// The name of the output limit.
  enum class OutputLimit { kMaxTokens, kMaxCompletionTokens };
  OutputLimit output_limit = OutputLimit::kMaxTokens;
  /// How a model is told not to think.
  enum class ThinkingOff {
    /// There is no known way, or it thinks only where it is asked to.
    kNothing,
    /// reasoning_effort, on models that reason.
    kReasoningEffort,
    /// reasoning: {enabled: false}.
    kReasoningObject,
    /// chat_template_kwargs: {enable_thinking: false}.
    kTemplateArgument,
    /// By the model's name, where a server may have any: OpenAI's reasoning_effort, nothing for Claude, else the
    /// template's argument, as most servers of local models take it.
    kByModel,
  };
  ThinkingOff thinking_off = ThinkingOff::kNothing;
  /// What earlier reasoning goes back with the answer it led to.
  enum class ReasoningBack {
    kNone,
    /// As reasoning_content, where the model's template wants it.
    kContent,
    /// As reasoning_details, unchanged.
    kDetails,
  };
  ReasoningBack reasoning_back = ReasoningBack::kNone;
  common::CallIdStyle call_ids = common::CallIdStyle::kPlain;
  /// Usage comes only when asked for with stream_options.include_usage (else it comes by itself, or the option is
  /// refused).
  bool asks_for_usage = true;
  bool prompt_cache_key = false;
  /// cache_control marks on the messages of Claude models.
  bool cache_marks_for_claude = false;
  /// The output limit for Claude models when the request has none: behind a proxy they refuse a request without one.
  std::optional<std::int64_t> claude_output_tokens = std::nullopt;
  /// A schema for the answer can be given together with tools; else it goes into the system prompt then.
  bool schema_with_tools = true;
  /// Neighbouring user messages become one: templates of local models insist on turns that alternate.
  bool merge_user_messages = false;
  /// A user message may not follow a tool's result directly: a word of the assistant goes between.
  bool assistant_after_results = false;
  friend bool operator==(const Quirks&, const Quirks&) = default;
};
/// For a backend type of config: openai, openai-chat, vllm, llamacpp, openrouter, mistral, litellm, compatible.
[[nodiscard]] Quirks quirks_for(std::string_view backend_type);

/// The request's body. The same items give the same bytes, cache marks aside, so that request N+1 starts with the
/// messages of request N.
[[nodiscard]] std::string body_of(const ports::ModelRequest& request, const Quirks& quirks);

}  // namespace lathe::providers::openai_chat
