#pragma once

#include <array>
#include <string_view>

namespace lathe::protocol {

/// One stable error code of the wire, as `error.code` and in error replies.
struct ErrorCode {
  std::string_view code;
  /// The same request may succeed later without anyone changing anything.
  bool retryable;
  std::string_view meaning;
};

/// Codes beyond base::codes. Categories of failed model work follow the agent runtimes in the field.
namespace error_codes {
inline constexpr const char* kModelNotFound = "model_not_found";
inline constexpr const char* kAuth = "auth_error";
inline constexpr const char* kRateLimit = "rate_limit";
inline constexpr const char* kUpstream = "upstream_api_error";
inline constexpr const char* kUnreachable = "unreachable";
inline constexpr const char* kStream = "stream_error";
inline constexpr const char* kContextWindow = "context_window_exceeded";
inline constexpr const char* kBadRequest = "bad_request";
inline constexpr const char* kQuota = "quota_exceeded";
inline constexpr const char* kRefused = "content_refused";
inline constexpr const char* kInterrupted = "interrupted";
inline constexpr const char* kBudget = "budget_exceeded";
inline constexpr const char* kLoop = "repeated_call";
inline constexpr const char* kCompaction = "compaction_failed";
inline constexpr const char* kApprovalAborted = "approval_aborted";
inline constexpr const char* kParked = "parked";
inline constexpr const char* kNotConfigured = "not_configured";
inline constexpr const char* kUnknownOp = "unknown_op";
inline constexpr const char* kUnknownCall = "unknown_call";
inline constexpr const char* kNoBackend = "no_backend";
inline constexpr const char* kNoKey = "no_api_key";
inline constexpr const char* kCassette = "cassette_mismatch";
inline constexpr const char* kPriceUnknown = "price_unknown";
inline constexpr const char* kTrustChanged = "trust_changed";
inline constexpr const char* kOutputSchema = "output_schema";
inline constexpr const char* kClaimed = "claimed";
inline constexpr const char* kHandingOver = "handing_over";
inline constexpr const char* kSettled = "settled";
}  // namespace error_codes

inline constexpr std::array<ErrorCode, 44> kErrorCodes{{
    {"cancelled", false, "the work was cancelled before it was done"},
    {"timeout", true, "the deadline passed"},
    {"not_found", false, "no such thing"},
    {"exists", false, "a thing of that name is there already"},
    {"invalid", false, "the input is not what it should be"},
    {"permission_denied", false, "not allowed"},
    {"io_error", false, "a file or device failed"},
    {"no_space", false, "the disk is full; reads go on"},
    {"locked", true, "another process holds it"},
    {"corrupt", false, "stored bytes are damaged; the message names the place"},
    {"limit_exceeded", false, "a bound was reached"},
    {"unavailable", true, "not there at the moment"},
    {"unsupported", false, "this build or this backend cannot do it"},
    {"internal", false, "a bug of Lathe"},
    {"model_not_found", false, "the model does not exist or is not open to this key"},
    {"auth_error", false, "the key was refused"},
    {"rate_limit", true, "too many requests"},
    {"upstream_api_error", true, "the provider failed (5xx, overloaded)"},
    {"unreachable", true, "no connection to the backend"},
    {"stream_error", true, "the answer's stream broke, stalled or was not a stream"},
    {"context_window_exceeded", false, "the conversation does not fit the model's window"},
    {"bad_request", false, "the provider refused the request"},
    {"quota_exceeded", false, "the account has no credit left"},
    {"content_refused", false, "the provider refused the content"},
    {"interrupted", false, "the person interrupted the Task"},
    {"budget_exceeded", false, "a budget is spent"},
    {"repeated_call", false, "the model repeated one call with one result"},
    {"compaction_failed", false, "the conversation could not be made smaller"},
    {"approval_aborted", false, "the person answered a question with abort"},
    {"parked", false, "the Task waits for a person"},
    {"not_configured", false, "no session was configured on this connection"},
    {"unknown_op", false, "no such op; the hint has the nearest name"},
    {"unknown_call", false, "no such call; the hint has the nearest name"},
    {"no_backend", false, "no backend is configured or found"},
    {"no_api_key", false, "the backend's key is not set"},
    {"cassette_mismatch", false, "a request differs from the recording"},
    {"price_unknown", false, "a USD limit needs a price that is not known"},
    {"trust_changed", false, "rules of the project changed since they were trusted"},
    {"output_schema", false, "the final answer does not follow the schema asked for"},
    {"claimed", true, "another client has claimed the session; the message names it"},
    {"handing_over", true, "another daemon is about to take the place of this one, which takes no new work"},
    {"settled", false, "the question has an answer already; the message names it and who gave it"},
    {"startup_crash", false, "an outside agent ended before it did anything"},
    {"duplicate_session", true, "an outside agent says that the session is in use"},
}};

}  // namespace lathe::protocol
