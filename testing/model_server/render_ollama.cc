#include "lathe/testing/model_server/render.h"

// Ollama's native chat: https://github.com/ollama/ollama/blob/main/docs/api.md.

namespace lathe::testing {

namespace {

using base::Json;

constexpr const char* kCreatedAt = "2026-11-20T00:00:00Z";

Json line_of(const RenderInput& input, Json message, bool done) {
  message["role"] = "assistant";
  if (!message.contains("content")) message["content"] = "";
  return {{"model", input.request.model}, {"created_at", kCreatedAt}, {"message", std::move(message)}, {"done", done}};
}

Json calls_of(const RenderInput& input) {
  Json calls = Json::array();
  for (const ReadyCall& call : input.calls) {
    calls.push_back({{"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return calls;
}

void add_closing(const RenderInput& input, Json& line) {
  if (input.answer.finish_reason) {
    line["done_reason"] = *input.answer.finish_reason == "auto" ? "stop" : *input.answer.finish_reason;
  }
  if (!input.answer.usage) return;
  line["total_duration"] = 3'000'000;
  line["load_duration"] = 1'000'000;
  line["prompt_eval_count"] = input.answer.usage->input;
  line["prompt_eval_duration"] = 1'000'000;
  line["eval_count"] = input.answer.usage->output;
  line["eval_duration"] = 1'000'000;
}

void stream_text(const RenderInput& input, const std::vector<Step>& steps, const char* member, StreamWriter& out) {
  static constexpr std::string_view kMark = "\"@\"";
  const std::string line = base::dump_json(line_of(input, {{member, "@"}}, /*done=*/false));
  const std::size_t at = line.find(kMark);
  const std::string head = line.substr(0, at);
  const std::string tail = line.substr(at + kMark.size());
  out.steps(steps, [&](const std::string& text) { out.raw_event("", with_text(head, text, tail)); });
}

}  // namespace

void stream_ollama(const RenderInput& input, StreamWriter& out) {
  const Answer& answer = input.answer;
  stream_text(input, answer.reasoning, "thinking", out);
  stream_text(input, answer.text, "content", out);
  if (!input.calls.empty()) out.event("", line_of(input, {{"tool_calls", calls_of(input)}}, /*done=*/false));
  out.steps(answer.before_end, [](const std::string&) {});
  if (answer.failed) return out.event("", {{"error", answer.failed->message}});
  Json last = line_of(input, Json::object(), /*done=*/true);
  add_closing(input, last);
  out.event("", last);
}

Json whole_ollama(const RenderInput& input) {
  Json message{{"content", input.text()}};
  if (!input.answer.reasoning.empty()) message["thinking"] = input.reasoning();
  if (!input.calls.empty()) message["tool_calls"] = calls_of(input);
  Json line = line_of(input, std::move(message), /*done=*/true);
  add_closing(input, line);
  return line;
}

}  // namespace lathe::testing
