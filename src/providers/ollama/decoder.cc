#include "lathe/providers/ollama/decoder.h"

#include <optional>
#include <set>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/providers/common/api_failure.h"

// One answer of Ollama: lines with a piece of the message each, whole tool calls in one of them, and a last line with
// "done": true that carries the reason and the counts.

namespace lathe::providers::ollama {

using base::Json;
using common::Events;
using ports::ModelResult;

namespace {

class OllamaDecoder final : public common::Decoder {
 public:
  explicit OllamaDecoder(std::string call_seed) : call_seed_(std::move(call_seed)) {}

  ModelResult<void> on_message(std::string_view, std::string_view data, Events& out) override {
    auto line = common::read_message(data, std::exchange(first_, false));
    if (!line) return std::unexpected(std::move(line).error());
    if (!base::json_at(*line, "error").is_null()) {
      return std::unexpected(common::failure_in_stream(common::read_api_error(*line).value_or(common::ApiError{})));
    }
    take_message(base::json_at(*line, "message"), out);
    const Json& done = base::json_at(*line, "done");
    if (done.is_boolean() && done.get<bool>()) close(*line, out);
    return {};
  }

  ModelResult<void> on_end(Events&) override { return std::unexpected(common::cut_off("\"done\": true")); }
  [[nodiscard]] bool finished() const override { return finished_; }

 private:
  void take_message(const Json& message, Events& out) {
    if (const std::string thinking = base::json_string(message, "thinking"); !thinking.empty()) {
      reasoning_open_ = true;
      common::append_reasoning(out, thinking);
    }
    if (const std::string text = base::json_string(message, "content"); !text.empty()) {
      end_reasoning(out);
      text_open_ = true;
      common::append_text(out, text);
    }
    for (const Json& call : base::json_at(message, "tool_calls")) take_call(call, out);
  }

  void take_call(const Json& call, Events& out) {
    const Json& function = base::json_at(call, "function");
    if (!function.is_object()) return;
    end_reasoning(out);
    end_text(out);
    const Json& arguments = base::json_at(function, "arguments");
    protocol::ToolCall whole{.call_id = base::json_string(call, "id"), .tool = base::json_string(function, "name")};
    whole.arguments = arguments.is_string() ? arguments.get<std::string>()
                      : arguments.is_null() ? "{}"
                                            : base::dump_json(arguments);
    if (whole.call_id.empty() || used_ids_.contains(whole.call_id)) {
      whole.call_id = call_seed_ + "_" + std::to_string(++made_ids_);
    }
    used_ids_.insert(whole.call_id);
    called_ = true;
    out.emplace_back(ports::CallDone{std::move(whole)});
  }

  void end_reasoning(Events& out) {
    if (std::exchange(reasoning_open_, false)) out.emplace_back(ports::ReasoningDone{});
  }
  void end_text(Events& out) {
    if (std::exchange(text_open_, false)) out.emplace_back(ports::TextDone{});
  }

  void close(const Json& line, Events& out) {
    if (finished_) return;
    end_reasoning(out);
    end_text(out);
    const std::string why = base::json_string(line, "done_reason", "stop");
    auto reason = ports::FinishReason::kOther;
    if (why == "length") {
      reason = ports::FinishReason::kLength;
    } else if (called_) {
      reason = ports::FinishReason::kToolCalls;
    } else if (why == "stop") {
      reason = ports::FinishReason::kStop;
    }
    ports::Finished end{.reason = reason, .usage = std::nullopt, .provider_response_id = {}};
    if (!base::json_at(line, "prompt_eval_count").is_null() || !base::json_at(line, "eval_count").is_null()) {
      end.usage = protocol::Usage{.input_tokens = base::json_int(line, "prompt_eval_count"),
                                  .output_tokens = base::json_int(line, "eval_count")};
    }
    finished_ = true;
    out.emplace_back(std::move(end));
  }

  std::string call_seed_;
  std::set<std::string> used_ids_;
  std::size_t made_ids_ = 0;
  bool first_ = true;
  bool reasoning_open_ = false;
  bool text_open_ = false;
  bool called_ = false;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<common::Decoder> make_decoder(std::string call_seed) {
  return std::make_unique<OllamaDecoder>(std::move(call_seed));
}

}  // namespace lathe::providers::ollama
