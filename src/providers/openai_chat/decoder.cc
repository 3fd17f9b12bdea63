#include "lathe/providers/openai_chat/decoder.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/providers/common/api_failure.h"
#include "lathe/providers/openai_chat/call_assembler.h"

// One answer of Chat Completions, which has no marks for the beginning and end of its parts: a block of reasoning ends
// when text or calls begin, a message when calls begin or the answer ends. finish_reason says that the content is
// whole; usage comes after it, then "[DONE]" or the end of the body, whichever the server cares to send. A body that
// ends with neither is a cut.

namespace lathe::providers::openai_chat {

using base::Json;
using common::Events;
using ports::ModelResult;

namespace {

ports::FinishReason reason_of(std::string_view name) {
  if (name == "stop" || name == "end_turn" || name == "eos" || name == "eos_token" || name == "stop_sequence") {
    return ports::FinishReason::kStop;
  }
  if (name == "tool_calls" || name == "function_call" || name == "tool_use") return ports::FinishReason::kToolCalls;
  if (name == "length" || name == "max_tokens" || name == "model_length") return ports::FinishReason::kLength;
  if (name == "content_filter" || name == "refusal") return ports::FinishReason::kContentFilter;
  return ports::FinishReason::kOther;
}

protocol::Usage usage_of(const Json& usage) {
  const Json& input = base::json_at(usage, "prompt_tokens_details");
  const Json& output = base::json_at(usage, "completion_tokens_details");
  protocol::Usage out;
  out.input_tokens = base::json_int(usage, "prompt_tokens");
  out.output_tokens = base::json_int(usage, "completion_tokens");
  out.reasoning_tokens = base::json_int(output, "reasoning_tokens");
  out.cached_input_tokens = base::json_int(input, "cached_tokens", base::json_int(usage, "prompt_cache_hit_tokens"));
  out.cache_write_tokens =
      base::json_int(input, "cache_write_tokens", base::json_int(usage, "cache_creation_input_tokens"));
  // Some servers count reasoning beside completion_tokens, not in it; their total tells.
  const std::int64_t total = base::json_int(usage, "total_tokens");
  if (out.reasoning_tokens > 0 && total == out.input_tokens + out.output_tokens + out.reasoning_tokens) {
    out.output_tokens += out.reasoning_tokens;
  }
  out.cached_input_tokens = std::clamp<std::int64_t>(out.cached_input_tokens, 0, out.input_tokens);
  out.cache_write_tokens =
      std::clamp<std::int64_t>(out.cache_write_tokens, 0, out.input_tokens - out.cached_input_tokens);
  return out;
}

/// Pieces of one reasoning detail come as several; the whole has to go back as one.
void merge_detail(Json& details, const Json& piece) {
  if (!piece.is_object()) return;
  const auto same = [&](const char* name) { return base::json_at(details.back(), name) == base::json_at(piece, name); };
  const bool extends = !details.empty() && same("type") && same("index") && same("format") &&
                       base::json_string(piece, "type") != "reasoning.encrypted";
  if (!extends) {
    details.push_back(piece);
    return;
  }
  for (const auto& [name, value] : piece.items()) {
    const bool grows = name == "text" || name == "summary";
    if (grows && value.is_string()) {
      Json& whole = details.back()[name];
      if (!whole.is_string()) whole = "";
      whole.get_ref<std::string&>() += value.get_ref<const std::string&>();
    } else if (!value.is_null()) {
      details.back()[name] = value;
    }
  }
}

class ChatDecoder final : public common::Decoder {
 public:
  explicit ChatDecoder(std::string call_seed) : calls_(std::move(call_seed)) {}

  ModelResult<void> on_message(std::string_view event, std::string_view data, Events& out) override {
    if (data == "[DONE]") return done(out);
    if (data.empty()) return {};
    auto chunk = common::read_message(data, std::exchange(first_, false));
    if (!chunk) return std::unexpected(std::move(chunk).error());
    return take_chunk(event, *chunk, out);
  }

  ModelResult<void> on_end(Events& out) override {
    if (!content_whole_) return std::unexpected(common::cut_off("finish_reason or [DONE]"));
    return done(out);
  }
  [[nodiscard]] bool finished() const override { return finished_; }

 private:
  ModelResult<void> take_chunk(std::string_view event, const Json& chunk, Events& out) {
    const bool is_error =
        !base::json_at(chunk, "error").is_null() || event == "error" || base::json_string(chunk, "object") == "error";
    if (is_error) {
      return std::unexpected(common::failure_in_stream(common::read_api_error(chunk).value_or(common::ApiError{})));
    }
    if (response_id_.empty()) response_id_ = base::json_string(chunk, "id");
    if (const Json& usage = base::json_at(chunk, "usage"); usage.is_object()) usage_ = usage_of(usage);
    const Json& choices = base::json_at(chunk, "choices");
    if (!choices.is_array() || choices.empty()) return {};
    const Json& choice = choices.front();
    const Json& delta = base::json_at(choice, "delta");
    take_delta(delta.is_object() ? delta : base::json_at(choice, "message"), out);
    const Json& reason = base::json_at(choice, "finish_reason");
    if (reason.is_string() && !reason.get_ref<const std::string&>().empty()) {
      reason_ = reason_of(reason.get_ref<const std::string&>());
      end_content(out);
    }
    return {};
  }

  void take_delta(const Json& delta, Events& out) {
    // The same reasoning may stand under two of these names.
    for (const char* name : std::array{"reasoning_content", "reasoning", "reasoning_text"}) {
      const Json& piece = base::json_at(delta, name);
      if (!piece.is_string() || piece.get_ref<const std::string&>().empty()) continue;
      add_reasoning(piece.get_ref<const std::string&>(), out);
      break;
    }
    for (const Json& detail : base::json_at(delta, "reasoning_details")) {
      reasoning_open_ = true;
      merge_detail(details_, detail);
    }
    take_content(base::json_at(delta, "content"), out);
    if (const Json& refusal = base::json_at(delta, "refusal"); refusal.is_string()) {
      add_text(refusal.get_ref<const std::string&>(), out);
    }
    const Json& calls = base::json_at(delta, "tool_calls");
    if (!calls.is_array() || calls.empty()) return;
    end_reasoning(out);
    for (const Json& call : calls) calls_.add(call);
  }

  void take_content(const Json& content, Events& out) {
    if (content.is_string()) add_text(content.get_ref<const std::string&>(), out);
    if (!content.is_array()) return;
    for (const Json& part : content) {
      if (base::json_string(part, "type") == "thinking") {
        for (const Json& piece : base::json_at(part, "thinking")) add_reasoning(base::json_string(piece, "text"), out);
      } else {
        add_text(base::json_string(part, "text"), out);
      }
    }
  }

  void add_reasoning(std::string_view text, Events& out) {
    if (text.empty()) return;
    reasoning_open_ = true;
    common::append_reasoning(out, text);
  }
  void add_text(std::string_view text, Events& out) {
    if (text.empty()) return;
    end_reasoning(out);
    text_open_ = true;
    common::append_text(out, text);
  }
  void end_reasoning(Events& out) {
    if (!std::exchange(reasoning_open_, false)) return;
    ports::ReasoningDone whole;
    if (!details_.empty()) whole.opaque = std::exchange(details_, Json::array());
    out.emplace_back(std::move(whole));
  }
  void end_content(Events& out) {
    content_whole_ = true;
    end_reasoning(out);
    if (std::exchange(text_open_, false)) out.emplace_back(ports::TextDone{});
    for (protocol::ToolCall& call : calls_.take()) {
      called_ = true;
      out.emplace_back(ports::CallDone{std::move(call)});
    }
  }

  ModelResult<void> done(Events& out) {
    if (finished_) return {};
    end_content(out);
    finished_ = true;
    // What the calls say counts for more than a reason that is missing, odd or wrong.
    auto reason = reason_.value_or(ports::FinishReason::kStop);
    const bool says_whole = reason == ports::FinishReason::kStop || reason == ports::FinishReason::kOther;
    if (called_ && says_whole) reason = ports::FinishReason::kToolCalls;
    if (!called_ && reason == ports::FinishReason::kToolCalls) reason = ports::FinishReason::kStop;
    out.emplace_back(ports::Finished{.reason = reason, .usage = usage_, .provider_response_id = response_id_});
    return {};
  }

  CallAssembler calls_;
  std::string response_id_;
  std::optional<protocol::Usage> usage_;
  std::optional<ports::FinishReason> reason_;
  Json details_ = Json::array();
  bool first_ = true;
  bool reasoning_open_ = false;
  bool text_open_ = false;
  bool content_whole_ = false;
  bool called_ = false;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<common::Decoder> make_decoder(std::string call_seed) {
  return std::make_unique<ChatDecoder>(std::move(call_seed));
}

}  // namespace lathe::providers::openai_chat
