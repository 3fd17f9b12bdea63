#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/protocol/items.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/cancel_after.h"
#include "lathe/runtime/deadline.h"

// What the agent asks of a model and what comes back, free of any vendor's words. Each provider translates.

namespace lathe::ports {

// ---- request

struct ModelText {
  std::string text;
  friend bool operator==(const ModelText&, const ModelText&) = default;
};
/// Either inline bytes (base64) or a remote URL.
struct ModelImage {
  std::string media_type;
  std::string base64;
  std::string url;
  friend bool operator==(const ModelImage&, const ModelImage&) = default;
};
using ModelPart = std::variant<ModelText, ModelImage>;

struct UserInputItem {
  std::vector<ModelPart> parts;
  friend bool operator==(const UserInputItem&, const UserInputItem&) = default;
};
struct AssistantTextItem {
  std::string text;
  friend bool operator==(const AssistantTextItem&, const AssistantTextItem&) = default;
};
/// `opaque` goes back unchanged to the wire named by `provider`; every other wire drops it.
struct AssistantReasoningItem {
  std::string text;
  std::string provider;
  std::optional<base::Json> opaque;
  friend bool operator==(const AssistantReasoningItem&, const AssistantReasoningItem&) = default;
};
struct AssistantCallItem {
  protocol::ToolCall call;
  friend bool operator==(const AssistantCallItem&, const AssistantCallItem&) = default;
};
/// Exactly one per call, after all calls of that answer, in call order.
struct ToolResultItem {
  std::string call_id;
  std::string tool;
  std::string output;
  bool failed = false;
  std::vector<ModelImage> images;
  friend bool operator==(const ToolResultItem&, const ToolResultItem&) = default;
};
using ModelItem =
    std::variant<UserInputItem, AssistantTextItem, AssistantReasoningItem, AssistantCallItem, ToolResultItem>;

/// A tool as the model sees it. `parameters` is a JSON Schema object with sorted, stable members.
struct ToolSpec {
  std::string name;
  std::string description;
  base::Json parameters;
  friend bool operator==(const ToolSpec&, const ToolSpec&) = default;
};

enum class Thinking { kDefault, kOff };

struct ModelRequest {
  std::string model;
  std::string system_prompt;
  std::vector<ToolSpec> tools;
  std::vector<ModelItem> items;
  /// The final answer must follow this JSON Schema.
  std::optional<base::Json> output_schema = std::nullopt;
  std::optional<std::int64_t> max_output_tokens = std::nullopt;
  Thinking thinking = Thinking::kDefault;
  /// Same for all requests of a session, so that a provider can find its warm cache.
  std::string cache_key = {};
  friend bool operator==(const ModelRequest&, const ModelRequest&) = default;
};

// ---- answer

/// More text of the message that is being written.
struct TextDelta {
  std::string text;
  friend bool operator==(const TextDelta&, const TextDelta&) = default;
};
/// The message is whole; a later TextDelta starts another one.
struct TextDone {
  friend bool operator==(const TextDone&, const TextDone&) = default;
};
struct ReasoningDelta {
  std::string text;
  friend bool operator==(const ReasoningDelta&, const ReasoningDelta&) = default;
};
/// The reasoning block is whole. Its text is what the deltas said, unless `text` has a better one.
struct ReasoningDone {
  std::optional<std::string> text;
  std::optional<base::Json> opaque;
  friend bool operator==(const ReasoningDone&, const ReasoningDone&) = default;
};
/// A tool call is whole. Calls come in the model's order.
struct CallDone {
  protocol::ToolCall call;
  friend bool operator==(const CallDone&, const CallDone&) = default;
};
enum class FinishReason { kStop, kToolCalls, kLength, kContentFilter, kOther };
[[nodiscard]] constexpr std::string_view name_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kToolCalls:
      return "tool_calls";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContentFilter:
      return "content_filter";
    case FinishReason::kOther:
      return "other";
  }
  return "other";
}
/// Last event of every stream that did not fail.
struct Finished {
  FinishReason reason = FinishReason::kStop;
  /// Absent when the provider gave no numbers.
  std::optional<protocol::Usage> usage;
  std::string provider_response_id;
  friend bool operator==(const Finished&, const Finished&) = default;
};
/// Something a person should know, such as a switch of the wire. The stream goes on.
struct ModelNotice {
  std::string code;
  std::string message;
  friend bool operator==(const ModelNotice&, const ModelNotice&) = default;
};
using ModelEvent = std::variant<TextDelta, TextDone, ReasoningDelta, ReasoningDone, CallDone, Finished, ModelNotice>;

/// Which of the agent's retry counts a failure falls under (ARCHITECTURE 4.5).
enum class RetryClass {
  /// No connection was made.
  kConnect,
  /// The server answered with an error that may pass (429, 5xx, 408).
  kRequest,
  /// The answer broke off or stalled.
  kStream,
  /// Trying again the same way is of no use.
  kNever,
};
struct ModelFailure {
  base::Error error;
  RetryClass retry = RetryClass::kNever;
  /// What the server asked for.
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;
  friend bool operator==(const ModelFailure&, const ModelFailure&) = default;
};
template <class T>
using ModelResult = std::expected<T, ModelFailure>;

/// One answer that is being received. Dropping it closes the connection.
class ModelStream {
 public:
  virtual ~ModelStream() = default;
  /// The next events, at least one; empty after Finished was given. The deadline is one of silence: bytes of any kind
  /// put it off. `timeout` counts as kStream.
  virtual runtime::Async<ModelResult<std::vector<ModelEvent>>> next(runtime::CancelToken cancel,
                                                                    runtime::Deadline deadline) = 0;
};

struct ModelListing {
  std::string model;
  /// Tokens; 0 when the server does not say.
  std::int64_t context_window = 0;
  friend bool operator==(const ModelListing&, const ModelListing&) = default;
};

/// One backend. Lives on the loop thread; the network does not.
class Model {
 public:
  virtual ~Model() = default;
  /// Wire format, as in events: openai_responses, openai_chat, anthropic, ollama, cassette.
  [[nodiscard]] virtual std::string_view provider() const = 0;
  /// Sends the request; done when the server has begun to answer with a stream. One attempt, no retries.
  virtual runtime::Async<ModelResult<std::unique_ptr<ModelStream>>> open(ModelRequest request,
                                                                         runtime::CancelToken cancel) = 0;
  virtual runtime::Async<ModelResult<std::vector<ModelListing>>> list_models(runtime::CancelToken cancel) = 0;
};

/// list_models() with a limit on the time it takes; `timeout` past it.
inline runtime::Async<ModelResult<std::vector<ModelListing>>> list_models_within(runtime::Loop* loop, Model* model,
                                                                                 base::Millis span) {
  base::Error late{.code = base::codes::kTimeout, .message = "the server does not tell its models", .retryable = true};
  const runtime::CancelAfter limit(*loop, runtime::CancelToken(), span, std::move(late));
  co_return co_await model->list_models(limit.token());
}

}  // namespace lathe::ports
