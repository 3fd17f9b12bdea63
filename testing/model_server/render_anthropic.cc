#include "lathe/testing/model_server/render.h"

// Anthropic Messages: https://docs.anthropic.com/en/api/messages-streaming.

namespace lathe::testing {

namespace {

using base::Json;

Json stop_reason(const RenderInput& input) {
  if (!input.answer.finish_reason) return nullptr;
  if (*input.answer.finish_reason != "auto") return *input.answer.finish_reason;
  return input.calls.empty() ? "end_turn" : "tool_use";
}

/// This wire counts cached tokens apart from input tokens.
Json usage_of(const ScriptedUsage& usage, std::int64_t output) {
  return {{"input_tokens", usage.input - usage.cached - usage.cache_write},
          {"cache_creation_input_tokens", usage.cache_write},
          {"cache_read_input_tokens", usage.cached},
          {"output_tokens", output}};
}

Json message_of(const RenderInput& input) {
  return {{"id", input.id("msg_")},       {"type", "message"},        {"role", "assistant"},
          {"model", input.request.model}, {"content", Json::array()}, {"stop_reason", nullptr},
          {"stop_sequence", nullptr}};
}

/// The content blocks of one streamed message, in order.
class Blocks {
 public:
  explicit Blocks(StreamWriter& out) : out_(out) {}

  void begin(Json block) {
    out_.event("content_block_start",
               {{"type", "content_block_start"}, {"index", index_}, {"content_block", std::move(block)}});
  }
  void delta(std::string_view type, std::string_view member, std::string_view text) {
    const std::string head = R"({"type":"content_block_delta","index":)" + std::to_string(index_) +
                             R"(,"delta":{"type":")" + std::string(type) + R"(",")" + std::string(member) + "\":";
    out_.raw_event("content_block_delta", with_text(head, text, "}}"));
  }
  void end() { out_.event("content_block_stop", {{"type", "content_block_stop"}, {"index", index_++}}); }

 private:
  StreamWriter& out_;
  int index_ = 0;
};

void stream_blocks(const RenderInput& input, StreamWriter& out) {
  const Answer& answer = input.answer;
  Blocks blocks(out);
  if (!answer.reasoning.empty()) {
    blocks.begin({{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
    out.steps(answer.reasoning, [&](const std::string& text) { blocks.delta("thinking_delta", "thinking", text); });
    if (!answer.reasoning_opaque.empty()) blocks.delta("signature_delta", "signature", answer.reasoning_opaque);
    blocks.end();
  }
  if (!answer.text.empty()) {
    blocks.begin({{"type", "text"}, {"text", ""}});
    out.steps(answer.text, [&](const std::string& text) { blocks.delta("text_delta", "text", text); });
    blocks.end();
  }
  for (const ReadyCall& call : input.calls) {
    blocks.begin({{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", Json::object()}});
    for (const std::string& piece : pieces_of(call.arguments_text)) {
      blocks.delta("input_json_delta", "partial_json", piece);
    }
    blocks.end();
  }
}

}  // namespace

void stream_anthropic(const RenderInput& input, StreamWriter& out) {
  const Answer& answer = input.answer;
  Json message = message_of(input);
  if (answer.usage) message["usage"] = usage_of(*answer.usage, /*output=*/1);
  out.event("message_start", {{"type", "message_start"}, {"message", std::move(message)}});
  stream_blocks(input, out);
  out.steps(answer.before_end, [](const std::string&) {});
  if (answer.failed) {
    out.event("error",
              {{"type", "error"}, {"error", {{"type", answer.failed->code}, {"message", answer.failed->message}}}});
    return;
  }
  Json closing{{"type", "message_delta"}, {"delta", {{"stop_reason", stop_reason(input)}, {"stop_sequence", nullptr}}}};
  if (answer.usage) closing["usage"] = {{"output_tokens", answer.usage->output}};
  out.event("message_delta", closing);
  out.event("message_stop", {{"type", "message_stop"}});
}

Json whole_anthropic(const RenderInput& input) {
  const Answer& answer = input.answer;
  Json message = message_of(input);
  Json& content = message["content"];
  if (!answer.reasoning.empty()) {
    content.push_back({{"type", "thinking"}, {"thinking", input.reasoning()}, {"signature", answer.reasoning_opaque}});
  }
  if (!answer.text.empty()) content.push_back({{"type", "text"}, {"text", input.text()}});
  for (const ReadyCall& call : input.calls) {
    content.push_back({{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", call.arguments}});
  }
  message["stop_reason"] = stop_reason(input);
  if (answer.usage) message["usage"] = usage_of(*answer.usage, answer.usage->output);
  return message;
}

}  // namespace lathe::testing
