#include "lathe/testing/model_server/render.h"

// OpenAI Chat Completions: https://platform.openai.com/docs/api-reference/chat and its streaming chunks.

namespace lathe::testing {

namespace {

using base::Json;

constexpr std::int64_t kCreated = 1'795'000'000;

std::string finish_reason(const RenderInput& input) {
  if (*input.answer.finish_reason != "auto") return *input.answer.finish_reason;
  return input.calls.empty() ? "stop" : "tool_calls";
}

Json usage_of(const ScriptedUsage& usage) {
  return {{"prompt_tokens", usage.input},
          {"completion_tokens", usage.output},
          {"total_tokens", usage.input + usage.output},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning}}}};
}

Json frame_of(const RenderInput& input, std::string_view object) {
  return {{"id", input.id("chatcmpl-")}, {"object", object}, {"created", kCreated}, {"model", input.request.model}};
}

Json chunk_of(const RenderInput& input, Json choices) {
  Json chunk = frame_of(input, "chat.completion.chunk");
  chunk["choices"] = std::move(choices);
  return chunk;
}

Json choice_of(Json delta, Json reason = nullptr) {
  return Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}}});
}

void stream_calls(const RenderInput& input, StreamWriter& out) {
  const auto send = [&](Json call) {
    out.event("", chunk_of(input, choice_of({{"tool_calls", Json::array({std::move(call)})}})));
  };
  const auto begin = [&](std::size_t i) {
    const ReadyCall& call = input.calls[i];
    send({{"index", i}, {"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", ""}}}});
  };
  const auto piece = [&](std::size_t i, std::size_t n) {
    const auto pieces = pieces_of(input.calls[i].arguments_text);
    if (n < pieces.size()) send({{"index", i}, {"function", {{"arguments", pieces[n]}}}});
  };
  if (input.answer.interleave_calls) {
    for (std::size_t i = 0; i < input.calls.size(); ++i) begin(i);
    for (std::size_t n = 0; n < 2; ++n) {
      for (std::size_t i = 0; i < input.calls.size(); ++i) piece(i, n);
    }
    return;
  }
  for (std::size_t i = 0; i < input.calls.size(); ++i) {
    begin(i);
    piece(i, 0);
    piece(i, 1);
  }
}

/// A chunk whose delta has one text member, in two parts around that text.
std::pair<std::string, std::string> around(const RenderInput& input, const std::string& member) {
  static constexpr std::string_view kMark = "\"@\"";
  const std::string chunk = base::dump_json(chunk_of(input, choice_of({{member, "@"}})));
  const std::size_t at = chunk.rfind(kMark);
  return {chunk.substr(0, at), chunk.substr(at + kMark.size())};
}

}  // namespace

void stream_chat(const RenderInput& input, StreamWriter& out) {
  const Answer& answer = input.answer;
  if (answer.empty_choices) out.event("", chunk_of(input, Json::array()));
  out.event("", chunk_of(input, choice_of({{"role", "assistant"}, {"content", ""}})));
  const auto [reasoning_head, reasoning_tail] = around(input, answer.reasoning_field);
  out.steps(answer.reasoning,
            [&](const std::string& text) { out.raw_event("", with_text(reasoning_head, text, reasoning_tail)); });
  const auto [text_head, text_tail] = around(input, "content");
  out.steps(answer.text, [&](const std::string& text) { out.raw_event("", with_text(text_head, text, text_tail)); });
  stream_calls(input, out);
  out.steps(answer.before_end, [](const std::string&) {});
  if (answer.failed) {
    out.event("", {{"error",
                    {{"message", answer.failed->message}, {"type", "server_error"}, {"code", answer.failed->code}}}});
    return;
  }
  if (answer.finish_reason) out.event("", chunk_of(input, choice_of(Json::object(), finish_reason(input))));
  const Json& options = base::json_at(input.request.body, "stream_options");
  if (answer.usage && base::json_at(options, "include_usage") == true) {
    Json chunk = chunk_of(input, Json::array());
    chunk["usage"] = usage_of(*answer.usage);
    out.event("", chunk);
  }
  out.raw_event("", "[DONE]");
}

Json whole_chat(const RenderInput& input) {
  const Answer& answer = input.answer;
  Json message{{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  if (!answer.text.empty()) message["content"] = input.text();
  if (!answer.reasoning.empty()) message[answer.reasoning_field] = input.reasoning();
  for (const ReadyCall& call : input.calls) {
    message["tool_calls"].push_back({{"id", call.id},
                                     {"type", "function"},
                                     {"function", {{"name", call.name}, {"arguments", call.arguments_text}}}});
  }
  Json choice{{"index", 0}, {"message", std::move(message)}, {"logprobs", nullptr}};
  if (answer.finish_reason) choice["finish_reason"] = finish_reason(input);
  Json document = frame_of(input, "chat.completion");
  document["choices"] = Json::array({std::move(choice)});
  if (answer.usage) document["usage"] = usage_of(*answer.usage);
  return document;
}

}  // namespace lathe::testing
