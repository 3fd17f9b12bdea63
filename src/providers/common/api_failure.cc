#include "lathe/providers/common/api_failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/net/retry_after.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::providers::common {

namespace codes = protocol::error_codes;
using ports::ModelFailure;
using ports::RetryClass;

namespace {

constexpr std::size_t kShownBytes = 600;

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

/// One line, at most kShownBytes.
std::string shortened(std::string_view text) {
  std::string line;
  for (const char c : base::to_utf8(base::utf8_prefix(text, kShownBytes))) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
  }
  if (text.size() > kShownBytes) line += "…";
  return std::string(base::trim_right(line));
}

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void read_code(const base::Json& code, ApiError& out) {
  if (code.is_number_integer())
    out.status = static_cast<int>(std::clamp<std::int64_t>(code.get<std::int64_t>(), 0, 999));
  if (!code.is_string()) return;
  const auto& text = code.get_ref<const std::string&>();
  if (const auto number = number_of(text)) {
    out.status = std::clamp(*number, 0, 999);
  } else {
    out.code = base::lower(text);
  }
}

/// `detail` of web frameworks: a text, or a list of {loc, msg}.
std::string detail_text(const base::Json& detail) {
  if (detail.is_string()) return detail.get<std::string>();
  if (!detail.is_array()) return {};
  std::vector<std::string> parts;
  for (const base::Json& one : detail) {
    std::string place;
    for (const base::Json& step : base::json_at(one, "loc")) {
      place += (place.empty() ? "" : ".") + (step.is_string() ? step.get<std::string>() : base::dump_json(step));
    }
    parts.push_back(place.empty() ? base::json_string(one, "msg") : place + ": " + base::json_string(one, "msg"));
  }
  return base::join(parts, "; ");
}

ApiError read_error_object(const base::Json& error) {
  ApiError out{.message = base::json_string(error, "message"), .type = base::lower(base::json_string(error, "type"))};
  read_code(base::json_at(error, "code"), out);
  // Routers wrap the words of the server behind them.
  const std::string raw = base::json_string(base::json_at(error, "metadata"), "raw");
  if (!raw.empty()) out.message += (out.message.empty() ? "" : ": ") + raw;
  if (out.message.empty()) out.message = detail_text(base::json_at(error, "detail"));
  return out;
}

enum class Kind {
  kContext,
  kQuota,
  kRefused,
  kAuth,
  kPermission,
  kNoModel,
  kNoEndpoint,
  kRateLimit,
  kTimeout,
  kUpstream,
  kBadRequest,
  kGarbage,
};

bool says_quota_spent(const ApiError& error, std::string_view text) {
  return contains_any(error.code + " " + error.type, {"insufficient_quota", "billing", "insufficient_balance",
                                                      "usage_not_included", "payment_required"}) ||
         contains_any(text, {"credit balance is too low", "insufficient credit", "insufficient balance",
                             "out of credits", "requires more credits"});
}

bool says_no_model(const ApiError& error, std::string_view text) {
  if (contains_any(error.code + " " + error.type, {"model_not_found", "invalid_model", "model_not_available"}))
    return true;
  // Anthropic names only the model.
  if (error.type == "not_found_error" && text.starts_with("model:")) return true;
  return text.find("model") != std::string_view::npos &&
         contains_any(
             text, {"does not exist", "not found", "not_found", "invalid model", "not a valid model", "unknown model",
                    "no such model", "have access to", "is not available", "no endpoints found"});
}

bool says_no_endpoint(std::string_view text) {
  return contains_any(text,
                      {"unknown request url", "unrecognized request url", "unknown endpoint", "invalid url",
                       "unsupported endpoint", "endpoint not supported", "endpoint is not supported", "unsupported api",
                       "unsupported operation", "responses api is not", "responses is not", "not support the responses",
                       "not support responses", "unsupported legacy protocol", "/responses is not", "/responses not"});
}

bool says_refused(const ApiError& error) {
  return contains_any(error.code + " " + error.type,
                      {"content_policy", "content_filter", "cyber_policy", "bio_policy", "invalid_prompt", "refusal"});
}

/// The status that an error in a stream would have had as an answer; 0 when its words say nothing.
int implied_status(const ApiError& error) {
  const std::string words = error.code + " " + error.type;
  if (contains_any(words, {"overloaded", "slow_down", "unavailable"})) return 529;
  if (contains_any(words, {"rate_limit", "too_many_requests", "resource_exhausted"})) return 429;
  if (contains_any(words, {"authentication", "invalid_api_key", "unauthorized"})) return 401;
  if (contains_any(words, {"permission"})) return 403;
  if (contains_any(words, {"not_found"})) return 404;
  if (contains_any(words, {"too_large"})) return 413;
  if (contains_any(words, {"timeout"})) return 408;
  if (contains_any(words, {"invalid_request", "invalid_image", "unsupported"})) return 400;
  return error.status;
}

Kind kind_of(int status, const ApiError& error) {
  const std::string text = base::lower(error.message);
  const std::string words = error.code + " " + error.type;
  const bool limited = status == 429 || contains_any(words, {"rate_limit"});
  if (contains_any(words, {"context_length", "context_window", "contextwindow", "exceed_context"}))
    return Kind::kContext;
  if (says_quota_spent(error, text) || status == 402) return Kind::kQuota;
  if (limited) {
    const bool spent = text.find("exceeded your current quota") != std::string::npos && !retry_after_in_text(text);
    return spent ? Kind::kQuota : Kind::kRateLimit;
  }
  if (status == 401) return Kind::kAuth;
  if (status != 403 && status != 404 && says_context_exceeded(text)) return Kind::kContext;
  if (says_refused(error)) return Kind::kRefused;
  if ((status == 400 || status == 403 || status == 404 || status == 422) && says_no_model(error, text)) {
    return Kind::kNoModel;
  }
  if (status == 404 || status == 405 || status == 501) return Kind::kNoEndpoint;
  if (status == 400 && says_no_endpoint(text)) return Kind::kNoEndpoint;
  if (status == 403) return Kind::kPermission;
  if (status == 408) return Kind::kTimeout;
  if (status == 409 || status == 425 || status >= 500) return Kind::kUpstream;
  if (status == 413) return Kind::kContext;
  return status >= 200 && status < 300 ? Kind::kGarbage : Kind::kBadRequest;
}

struct Meaning {
  const char* code;
  RetryClass retry;
  std::string_view words;
};

Meaning meaning_of(Kind kind) {
  switch (kind) {
    case Kind::kContext:
      return {codes::kContextWindow, RetryClass::kNever, "the conversation does not fit the model"};
    case Kind::kQuota:
      return {codes::kQuota, RetryClass::kNever, "the account has no credit left"};
    case Kind::kRefused:
      return {codes::kRefused, RetryClass::kNever, "the content was refused"};
    case Kind::kAuth:
      return {codes::kAuth, RetryClass::kNever, "the key was refused"};
    case Kind::kPermission:
      return {base::codes::kPermission, RetryClass::kNever, "the server does not permit it"};
    case Kind::kNoModel:
      return {codes::kModelNotFound, RetryClass::kNever, "the model does not exist or is not open to this key"};
    case Kind::kNoEndpoint:
      return {base::codes::kUnsupported, RetryClass::kNever, "the server has no such path"};
    case Kind::kRateLimit:
      return {codes::kRateLimit, RetryClass::kRequest, "too many requests"};
    case Kind::kTimeout:
      return {base::codes::kTimeout, RetryClass::kRequest, "the server gave up waiting"};
    case Kind::kUpstream:
      return {codes::kUpstream, RetryClass::kRequest, "the server failed"};
    case Kind::kBadRequest:
      return {codes::kBadRequest, RetryClass::kNever, "the request was refused"};
    case Kind::kGarbage:
      return {codes::kStream, RetryClass::kNever, "the answer is not a stream of this wire"};
  }
  return {codes::kUpstream, RetryClass::kRequest, ""};
}

std::string hint_of(Kind kind, const FailureContext& context) {
  const Endpoint& endpoint = *context.endpoint;
  switch (kind) {
    case Kind::kAuth:
      if (!endpoint.key_source.empty()) {
        return endpoint.api_key.empty() ? "set " + endpoint.key_source : "check the key in " + endpoint.key_source;
      }
      return fmt::format("`lathe backend list` shows where backend \"{}\" takes its key from", endpoint.backend);
    case Kind::kPermission:
      return fmt::format("check what the key{} may do, or choose another model with --model",
                         endpoint.key_source.empty() ? "" : " in " + endpoint.key_source);
    case Kind::kNoModel:
      return fmt::format("`lathe model list --backend {}` shows the models there", base::shell_quote(endpoint.backend));
    case Kind::kQuota:
      return "add credit to the account, or choose another backend with --backend";
    case Kind::kContext:
      return fmt::format(
          "compact the conversation (/compact in lathe chat), or choose a model with a larger window "
          "(`lathe model list --backend {}`)",
          base::shell_quote(endpoint.backend));
    case Kind::kRateLimit:
    case Kind::kTimeout:
    case Kind::kUpstream:
      return "try again later, or choose another backend with --backend";
    case Kind::kNoEndpoint:
    case Kind::kGarbage:
      return "check the backend's URL and type: `lathe backend list`";
    case Kind::kRefused:
      return "rephrase the request, or choose another model with --model";
    case Kind::kBadRequest:
      return fmt::format(
          "the server says what it did not like; `lathe backend test {} --ask` shows whether it answers "
          "at all",
          base::shell_quote(endpoint.backend));
  }
  return {};
}

struct Unit {
  std::string_view name;
  double millis;
};
// Longer names before their prefixes.
constexpr Unit kUnits[] = {{"milliseconds", 1}, {"millisecond", 1}, {"ms", 1},        {"seconds", 1000},
                           {"second", 1000},    {"secs", 1000},     {"sec", 1000},    {"s", 1000},
                           {"minutes", 60'000}, {"minute", 60'000}, {"mins", 60'000}, {"min", 60'000},
                           {"m", 60'000},       {"hours", 3.6e6},   {"hour", 3.6e6},  {"h", 3.6e6}};

/// "6m0s", "1.5 s", "20 seconds" at the start of `text`.
std::optional<double> leading_duration(std::string_view text) {
  constexpr double kMost = 24 * 3.6e6;
  std::optional<double> sum;
  while (true) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || value < 0) return sum;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    const auto* const unit = std::ranges::find_if(kUnits, [&](const Unit& one) { return text.starts_with(one.name); });
    if (unit == std::end(kUnits)) return sum;
    text.remove_prefix(unit->name.size());
    sum = std::min(sum.value_or(0) + value * unit->millis, kMost);
  }
}

}  // namespace

std::optional<ApiError> read_api_error(const base::Json& body) {
  if (body.is_array()) return body.empty() ? std::nullopt : read_api_error(body.front());
  const base::Json& error = base::json_at(body, "error");
  if (error.is_object()) return read_error_object(error);
  if (error.is_string()) {
    ApiError out{.message = error.get<std::string>(), .type = base::lower(base::json_string(body, "type"))};
    read_code(base::json_at(body, "code"), out);
    return out;
  }
  const bool has_words = base::json_at(body, "message").is_string() || !base::json_at(body, "detail").is_null();
  if (has_words) return read_error_object(body);
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> retry_after_in_text(std::string_view text) {
  const std::string lower = base::lower(text);
  for (const std::string_view lead :
       {"try again in ", "retry after ", "retry in ", "\"retrydelay\": \"", "\"retrydelay\":\""}) {
    const std::size_t at = lower.find(lead);
    if (at == std::string::npos) continue;
    if (const auto millis = leading_duration(std::string_view(lower).substr(at + lead.size()))) {
      return std::chrono::milliseconds(static_cast<std::int64_t>(*millis));
    }
  }
  return std::nullopt;
}

bool says_context_exceeded(std::string_view text) {
  const std::string lower = base::lower(text);
  return contains_any(lower, {"maximum context length",
                              "context length exceeded",
                              "context_length_exceeded",
                              "exceeds the context",
                              "exceed the context",
                              "exceeds the available context",
                              "exceed context limit",
                              "exceeds the model's context",
                              "model's context length",
                              "exceeded max context length",
                              "max context length",
                              "context window of",
                              "exceeds the context window",
                              "context window exceeded",
                              "contextwindowexceeded",
                              "prompt is too long",
                              "prompt too long",
                              "input is too long",
                              "input too long",
                              "maximum prompt length",
                              "reduce the length of",
                              "exceeds the maximum number of tokens",
                              "exceeded model token limit",
                              "too large for model with",
                              "must have less than",
                              "`inputs` tokens + `max_new_tokens`",
                              "larger than the context",
                              "total tokens exceed",
                              "request too large for model",
                              "too many input tokens"});
}

ModelFailure failure_of(const RefusedAnswer& answer, const FailureContext& context, base::UnixMillis now) {
  const auto parsed = base::parse_json(base::to_utf8(answer.body));
  const auto told = parsed.ok() ? read_api_error(*parsed) : std::nullopt;
  int status = answer.head.status;
  const bool success = status >= 200 && status < 300;
  // An error object under a status of success counts as the error that it is.
  if (success && told) status = implied_status(*told) != 0 ? implied_status(*told) : 500;
  const ApiError error = told.value_or(ApiError{.message = answer.body});
  const Kind kind = kind_of(status, error);
  const Meaning meaning = meaning_of(kind);

  const std::string said = shortened(error.message);
  const std::string type = std::string(answer.head.header("content-type"));
  std::string message = fmt::format("backend \"{}\": {} (HTTP {}{} from {})", context.endpoint->backend, meaning.words,
                                    answer.head.status, success && !type.empty() ? ", " + type : "",
                                    shown_url(url_of(*context.endpoint, context.path)));
  if (kind == Kind::kNoModel) message += fmt::format(": model \"{}\"", context.model);
  if (!said.empty()) message += ": " + said;
  ModelFailure failure{.error = {.code = meaning.code,
                                 .message = without_secrets(*context.endpoint, std::move(message)),
                                 .hint = hint_of(kind, context),
                                 .retryable = meaning.retry != RetryClass::kNever},
                       .retry = meaning.retry};
  if (meaning.retry == RetryClass::kRequest) {
    failure.retry_after = net::retry_after(answer.head, now);
    if (!failure.retry_after) failure.retry_after = retry_after_in_text(answer.body);
  }
  return failure;
}

ModelFailure failure_in_stream(const ApiError& error) {
  const int implied = implied_status(error);
  const Kind kind = kind_of(implied != 0 ? implied : 500, error);
  const Meaning meaning = meaning_of(kind);
  const bool may_pass = meaning.retry != RetryClass::kNever;
  std::string message = std::string(meaning.words);
  if (!error.message.empty()) message += ": " + shortened(error.message);
  const std::string& name = error.code.empty() ? error.type : error.code;
  if (!name.empty()) message += " (" + shortened(name) + ")";
  return {.error = {.code = meaning.code, .message = std::move(message), .retryable = may_pass},
          .retry = may_pass ? RetryClass::kStream : RetryClass::kNever,
          .retry_after = may_pass ? retry_after_in_text(error.message) : std::nullopt};
}

std::string hint_to_try(const Endpoint& endpoint) {
  return fmt::format("try again; `lathe backend test {} --ask` shows whether it answers at all",
                     base::shell_quote(endpoint.backend));
}

ModelFailure failure_to_connect(base::Error error, const FailureContext& context) {
  const std::string url = shown_url(context.endpoint->base_url);
  const std::string place = fmt::format("backend \"{}\" at {}", context.endpoint->backend, url);
  ModelFailure failure{.error = std::move(error), .retry = RetryClass::kConnect};
  if (failure.error.code == base::codes::kTimeout) {
    // A deadline that passed says nothing of the server: it may have been spoken to.
    failure.error.retryable = true;
    failure.retry = RetryClass::kStream;
  }
  if (!failure.error.retryable) {
    failure.retry = RetryClass::kNever;
  } else if (failure.error.code == codes::kStream) {
    failure.retry = RetryClass::kStream;
    failure.error = failure.error.or_hint(hint_to_try(*context.endpoint));
  } else {
    failure.error.code = codes::kUnreachable;
    const std::string cause = failure.error.or_hint("is the server running?").hint;
    failure.error.hint = fmt::format("{}{}`lathe backend test {}` asks it", cause, cause.ends_with('?') ? " " : "; ",
                                     base::shell_quote(context.endpoint->backend));
  }
  failure.error.message = without_secrets(*context.endpoint, place + ": " + failure.error.message);
  return failure;
}

}  // namespace lathe::providers::common
