#include "lathe/providers/anthropic/decoder.h"

#include <map>
#include <optional>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/providers/common/api_failure.h"

// One answer of the Messages API: message_start, then blocks (start, deltas, stop) by index, then message_delta with
// the reason and the usage, then message_stop.

namespace lathe::providers::anthropic {

using base::Json;
using common::Events;
using ports::ModelResult;

namespace {

ports::FinishReason reason_of(std::string_view name) {
  if (name == "end_turn" || name == "stop_sequence") return ports::FinishReason::kStop;
  if (name == "tool_use") return ports::FinishReason::kToolCalls;
  if (name == "max_tokens" || name == "model_context_window_exceeded") return ports::FinishReason::kLength;
  if (name == "refusal") return ports::FinishReason::kContentFilter;
  return ports::FinishReason::kOther;
}

struct Block {
  std::string type;
  /// Thinking or signature so far, as its type goes.
  std::string text;
  std::string signature;
  /// Of a call.
  std::string id;
  std::string name;
  std::string arguments;
  Json start;
};

class MessagesDecoder final : public common::Decoder {
 public:
  explicit MessagesDecoder(std::string call_seed) : call_seed_(std::move(call_seed)) {}

  ModelResult<void> on_message(std::string_view event, std::string_view data, Events& out) override {
    if (data.empty() || data == "[DONE]") return {};
    auto message = common::read_message(data, std::exchange(first_, false));
    if (!message) return std::unexpected(std::move(message).error());
    const std::string type = base::json_string(*message, "type", event);
    if (type == "error" || !base::json_at(*message, "error").is_null()) {
      return std::unexpected(common::failure_in_stream(common::read_api_error(*message).value_or(common::ApiError{})));
    }
    take(type, *message, out);
    return {};
  }

  ModelResult<void> on_end(Events& out) override {
    if (!reason_) return std::unexpected(common::cut_off("message_stop"));
    close(out);
    return {};
  }
  [[nodiscard]] bool finished() const override { return finished_; }

 private:
  void take(std::string_view type, const Json& message, Events& out) {
    const std::int64_t index = base::json_int(message, "index");
    if (type == "message_start") {
      const Json& whole = base::json_at(message, "message");
      response_id_ = base::json_string(whole, "id");
      take_usage(base::json_at(whole, "usage"));
    } else if (type == "content_block_start") {
      begin(index, base::json_at(message, "content_block"), out);
    } else if (type == "content_block_delta") {
      if (const auto block = open_.find(index); block != open_.end()) {
        extend(block->second, base::json_at(message, "delta"), out);
      }
    } else if (type == "content_block_stop") {
      if (auto block = open_.extract(index)) end(std::move(block.mapped()), out);
    } else if (type == "message_delta") {
      const Json& reason = base::json_at(base::json_at(message, "delta"), "stop_reason");
      if (reason.is_string()) reason_ = reason_of(reason.get_ref<const std::string&>());
      take_usage(base::json_at(message, "usage"));
    } else if (type == "message_stop") {
      close(out);
    }
  }

  void begin(std::int64_t index, const Json& start, Events& out) {
    Block& block = open_[index];
    block = Block{.type = base::json_string(start, "type"),
                  .text = base::json_string(start, "thinking"),
                  .signature = base::json_string(start, "signature"),
                  .id = base::json_string(start, "id"),
                  .name = base::json_string(start, "name"),
                  .start = start};
    if (block.type == "text") {
      block.text = base::json_string(start, "text");
      common::append_text(out, block.text);
    }
    if (block.type == "thinking") common::append_reasoning(out, block.text);
  }

  static void extend(Block& block, const Json& delta, Events& out) {
    const std::string type = base::json_string(delta, "type");
    if (type == "text_delta") {
      const std::string text = base::json_string(delta, "text");
      block.text += text;
      common::append_text(out, text);
    } else if (type == "thinking_delta") {
      const std::string text = base::json_string(delta, "thinking");
      block.text += text;
      common::append_reasoning(out, text);
    } else if (type == "signature_delta") {
      block.signature += base::json_string(delta, "signature");
    } else if (type == "input_json_delta") {
      block.arguments += base::json_string(delta, "partial_json");
    }
  }

  void end(Block block, Events& out) {
    if (block.type == "text") {
      if (!block.text.empty()) out.emplace_back(ports::TextDone{});
    } else if (block.type == "thinking") {
      Json echo = {{"type", "thinking"}, {"thinking", block.text}, {"signature", block.signature}};
      out.emplace_back(ports::ReasoningDone{.text = std::nullopt, .opaque = std::move(echo)});
    } else if (block.type == "redacted_thinking") {
      out.emplace_back(ports::ReasoningDone{.text = std::nullopt, .opaque = std::move(block.start)});
    } else if (block.type == "tool_use") {
      const Json& input = base::json_at(block.start, "input");
      if (block.arguments.empty()) block.arguments = input.is_object() ? base::dump_json(input) : "{}";
      if (block.id.empty()) block.id = call_seed_ + "_" + std::to_string(++made_ids_);
      called_ = true;
      out.emplace_back(ports::CallDone{{.call_id = block.id, .tool = block.name, .arguments = block.arguments}});
    }
  }

  /// The numbers are cumulative; a later message may leave some out.
  void take_usage(const Json& usage) {
    if (!usage.is_object()) return;
    usage_known_ = true;
    fresh_ = base::json_int(usage, "input_tokens", fresh_);
    cache_read_ = base::json_int(usage, "cache_read_input_tokens", cache_read_);
    cache_write_ = base::json_int(usage, "cache_creation_input_tokens", cache_write_);
    output_ = base::json_int(usage, "output_tokens", output_);
  }

  void close(Events& out) {
    if (finished_) return;
    for (auto& [index, block] : std::exchange(open_, {})) end(std::move(block), out);
    auto reason = reason_.value_or(called_ ? ports::FinishReason::kToolCalls : ports::FinishReason::kStop);
    if (called_ && reason == ports::FinishReason::kStop) reason = ports::FinishReason::kToolCalls;
    ports::Finished end{.reason = reason, .usage = std::nullopt, .provider_response_id = response_id_};
    if (usage_known_) {
      end.usage = protocol::Usage{.input_tokens = fresh_ + cache_read_ + cache_write_,
                                  .cached_input_tokens = cache_read_,
                                  .cache_write_tokens = cache_write_,
                                  .output_tokens = output_};
    }
    finished_ = true;
    out.emplace_back(std::move(end));
  }

  std::string call_seed_;
  std::string response_id_;
  std::map<std::int64_t, Block> open_;
  std::optional<ports::FinishReason> reason_;
  std::size_t made_ids_ = 0;
  /// Input that neither came from nor went into the cache.
  std::int64_t fresh_ = 0;
  std::int64_t cache_read_ = 0;
  std::int64_t cache_write_ = 0;
  std::int64_t output_ = 0;
  bool usage_known_ = false;
  bool first_ = true;
  bool called_ = false;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<common::Decoder> make_decoder(std::string call_seed) {
  return std::make_unique<MessagesDecoder>(std::move(call_seed));
}

}  // namespace lathe::providers::anthropic
