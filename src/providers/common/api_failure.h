#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/model.h"
#include "lathe/providers/common/endpoint.h"

// Every server says no in its own way: an HTTP status with a JSON body of one of six shapes, an error object in the
// middle of a stream, a Retry-After header or a sentence. This file turns them all into one ModelFailure.

namespace lathe::providers::common {

/// What an error body says, whatever its shape.
struct ApiError {
  std::string message;
  /// `type` and `code` of the body, lower case; a numeric code is in `status`.
  std::string type;
  std::string code;
  /// 0 when the body names none.
  int status = 0;
  friend bool operator==(const ApiError&, const ApiError&) = default;
};

/// Reads `{"error": {…}}`, `{"error": "text"}`, `{"message": …}`, `{"detail": …}` and their relatives; nothing when
/// `body` is none of these.
[[nodiscard]] std::optional<ApiError> read_api_error(const base::Json& body);

/// The place of a failure, for its message and hint.
struct FailureContext {
  const Endpoint* endpoint = nullptr;
  /// "/chat/completions".
  std::string path;
  std::string model;
};

/// An answer that is not a stream: its head and the start of its body.
struct RefusedAnswer {
  net::ResponseHead head;
  std::string body;
};

/// The failure of a request that was refused. A path that the server does not have is `unsupported`, which is what
/// FallbackModel looks for; a model it does not have is `model_not_found`.
[[nodiscard]] ports::ModelFailure failure_of(const RefusedAnswer& answer, const FailureContext& context,
                                             base::UnixMillis now);
/// The failure of an error object inside a stream. What may pass counts as kStream: the answer had begun.
[[nodiscard]] ports::ModelFailure failure_in_stream(const ApiError& error);
/// A transport error (net::BodySink::on_end) before the answer began. What is not `retryable` (a refused certificate)
/// keeps its hint and is not tried again.
[[nodiscard]] ports::ModelFailure failure_to_connect(base::Error error, const FailureContext& context);

/// What to do about an answer that broke off.
[[nodiscard]] std::string hint_to_try(const Endpoint& endpoint);

/// "try again in 1.5s", "retry after 20 seconds", "in 6m0s": how long a sentence asks to wait.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after_in_text(std::string_view text);
/// Whether a message says that the conversation does not fit the model, in any of the known wordings.
[[nodiscard]] bool says_context_exceeded(std::string_view text);

}  // namespace lathe::providers::common
