#include "lathe/providers/openai_responses/decoder.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/providers/common/api_failure.h"

// One answer of the Responses API. Deltas are only for showing; response.output_item.done has the whole item and is
// what counts. Servers that send neither for an item have it in the closing response object.

namespace lathe::providers::openai_responses {

using base::Json;
using common::Events;
using ports::ModelResult;

namespace {

// The text of a long answer comes again with the end of its text, of its part, of its item and of the response. Reading
// megabytes takes its time, so those are looked at without their texts first.
constexpr std::size_t kLongMessageBytes = 64U << 10;
/// What a message is told by is shorter.
constexpr std::size_t kBriefStringBytes = 4U << 10;

std::optional<protocol::Usage> usage_of(const Json& usage) {
  if (!usage.is_object()) return std::nullopt;
  protocol::Usage out;
  out.input_tokens = base::json_int(usage, "input_tokens");
  out.cached_input_tokens = std::clamp<std::int64_t>(
      base::json_int(base::json_at(usage, "input_tokens_details"), "cached_tokens"), 0, out.input_tokens);
  out.output_tokens = base::json_int(usage, "output_tokens");
  out.reasoning_tokens = base::json_int(base::json_at(usage, "output_tokens_details"), "reasoning_tokens");
  return out;
}

/// The texts of a list of parts.
std::string joined_text(const Json& parts, std::string_view separator) {
  std::string text;
  for (const Json& part : parts) {
    const std::string piece = base::json_string(part, "text", base::json_string(part, "refusal"));
    if (!piece.empty()) text += (text.empty() ? "" : std::string(separator)) + piece;
  }
  return text;
}

/// What of a reasoning item goes back: all but its id, which means nothing to a server that stored nothing.
std::optional<Json> reasoning_to_echo(const Json& item) {
  if (!base::json_at(item, "encrypted_content").is_string()) return std::nullopt;
  Json echo = {{"type", "reasoning"}, {"summary", Json::array()}};
  if (base::json_at(item, "summary").is_array()) echo["summary"] = item["summary"];
  echo["encrypted_content"] = item["encrypted_content"];
  return echo;
}

class ResponsesDecoder final : public common::Decoder {
 public:
  explicit ResponsesDecoder(std::string call_seed) : call_seed_(std::move(call_seed)) {}

  ModelResult<void> on_message(std::string_view event, std::string_view data, Events& out) override {
    if (data.empty() || data == "[DONE]") return {};
    const bool first = std::exchange(first_, false);
    if (!first && data.size() > kLongMessageBytes) {
      const auto brief = common::read_message(base::without_long_strings(data, kBriefStringBytes), first);
      if (brief && !tells_text(event, *brief)) return take_message(event, *brief, out);
    }
    auto message = common::read_message(data, first);
    if (!message) return std::unexpected(std::move(message).error());
    return take_message(event, *message, out);
  }

  ModelResult<void> on_end(Events&) override { return std::unexpected(common::cut_off("response.completed")); }
  [[nodiscard]] bool finished() const override { return finished_; }

 private:
  static ModelResult<void> fail(const Json& message) {
    common::ApiError error = common::read_api_error(message).value_or(common::ApiError{});
    // Of a bare {"type": "error", …} the type is only the event's.
    if (error.type == "error") error.type.clear();
    return std::unexpected(common::failure_in_stream(error));
  }

  ModelResult<void> take_message(std::string_view event, const Json& message, Events& out) {
    const std::string type = base::json_string(message, "type", event);
    if (type == "error" || !base::json_at(message, "error").is_null()) return fail(message);
    if (type == "response.failed") return fail(base::json_at(message, "response"));
    take(type, message, out);
    return {};
  }

  /// Whether anything is taken from the long texts of the message.
  [[nodiscard]] bool tells_text(std::string_view event, const Json& message) const {
    const std::string type = base::json_string(message, "type", event);
    if (type == "response.output_item.done") {
      return base::json_string(base::json_at(message, "item"), "type") != "message" || !text_shown_;
    }
    if (type == "response.completed" || type == "response.done" || type == "response.incomplete") return !items_seen_;
    const bool repeats =
        type == "response.output_text.done" || type == "response.refusal.done" ||
        type == "response.content_part.done" || type == "response.reasoning_text.done" ||
        type == "response.reasoning_summary_text.done" || type == "response.reasoning_summary_part.done" ||
        type == "response.function_call_arguments.delta" || type == "response.function_call_arguments.done";
    return !repeats;
  }

  void take(std::string_view type, const Json& message, Events& out) {
    if (type == "response.output_text.delta" || type == "response.refusal.delta") {
      text_shown_ = true;
      common::append_text(out, base::json_string(message, "delta"));
    } else if (type == "response.reasoning_summary_text.delta" || type == "response.reasoning_text.delta") {
      reasoning_shown_ = true;
      common::append_reasoning(out, base::json_string(message, "delta"));
    } else if (type == "response.reasoning_summary_part.added") {
      if (reasoning_shown_) common::append_reasoning(out, "\n\n");
    } else if (type == "response.output_item.done") {
      take_item(base::json_at(message, "item"), out);
    } else if (type == "response.created" || type == "response.in_progress") {
      response_id_ = base::json_string(base::json_at(message, "response"), "id", response_id_);
    } else if (type == "response.completed" || type == "response.done" || type == "response.incomplete") {
      close(base::json_at(message, "response"), out);
    }
  }

  void take_item(const Json& item, Events& out) {
    items_seen_ = true;
    const std::string type = base::json_string(item, "type");
    if (type == "message") {
      if (!std::exchange(text_shown_, false)) {
        const std::string text = joined_text(base::json_at(item, "content"), "");
        if (text.empty()) return;
        common::append_text(out, text);
      }
      out.emplace_back(ports::TextDone{});
    } else if (type == "reasoning") {
      take_reasoning(item, out);
    } else if (type == "function_call") {
      out.emplace_back(ports::CallDone{{.call_id = call_id_of(base::json_string(item, "call_id")),
                                        .tool = base::json_string(item, "name"),
                                        .arguments = base::json_string(item, "arguments")}});
      called_ = true;
    }
  }

  void take_reasoning(const Json& item, Events& out) {
    ports::ReasoningDone whole{.text = std::nullopt, .opaque = reasoning_to_echo(item)};
    if (!std::exchange(reasoning_shown_, false)) {
      std::string text = joined_text(base::json_at(item, "summary"), "\n\n");
      if (text.empty()) text = joined_text(base::json_at(item, "content"), "\n\n");
      if (text.empty() && !whole.opaque) return;
      if (!text.empty()) whole.text = std::move(text);
    }
    out.emplace_back(std::move(whole));
  }

  std::string call_id_of(std::string id) {
    if (id.empty() || used_ids_.contains(id)) id = call_seed_ + "_" + std::to_string(++made_ids_);
    used_ids_.insert(id);
    return id;
  }

  /// completed and incomplete carry the whole response.
  void close(const Json& response, Events& out) {
    if (finished_) return;
    if (!items_seen_) {
      for (const Json& item : base::json_at(response, "output")) take_item(item, out);
    }
    if (std::exchange(text_shown_, false)) out.emplace_back(ports::TextDone{});
    if (std::exchange(reasoning_shown_, false)) out.emplace_back(ports::ReasoningDone{});
    auto reason = called_ ? ports::FinishReason::kToolCalls : ports::FinishReason::kStop;
    const Json& details = base::json_at(response, "incomplete_details");
    if (const std::string why = base::json_string(details, "reason"); why == "max_output_tokens") {
      reason = ports::FinishReason::kLength;
    } else if (why == "content_filter") {
      reason = ports::FinishReason::kContentFilter;
    } else if (base::json_string(response, "status") == "incomplete") {
      reason = ports::FinishReason::kOther;
    }
    finished_ = true;
    out.emplace_back(ports::Finished{.reason = reason,
                                     .usage = usage_of(base::json_at(response, "usage")),
                                     .provider_response_id = base::json_string(response, "id", response_id_)});
  }

  std::string call_seed_;
  std::string response_id_;
  std::set<std::string> used_ids_;
  std::size_t made_ids_ = 0;
  bool first_ = true;
  bool items_seen_ = false;
  bool text_shown_ = false;
  bool reasoning_shown_ = false;
  bool called_ = false;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<common::Decoder> make_decoder(std::string call_seed) {
  return std::make_unique<ResponsesDecoder>(std::move(call_seed));
}

}  // namespace lathe::providers::openai_responses
