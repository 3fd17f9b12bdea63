#include "lathe/testing/model_server/render.h"

// OpenAI Responses: https://platform.openai.com/docs/api-reference/responses-streaming.

namespace lathe::testing {

namespace {

using base::Json;

constexpr std::int64_t kResponseCreated = 1'795'000'000;

Json response_usage(const ScriptedUsage& usage) {
  return {{"input_tokens", usage.input},
          {"input_tokens_details", {{"cached_tokens", usage.cached}}},
          {"output_tokens", usage.output},
          {"output_tokens_details", {{"reasoning_tokens", usage.reasoning}}},
          {"total_tokens", usage.input + usage.output}};
}

Json reasoning_item(const RenderInput& input) {
  Json item{{"id", input.id("rs_")},
            {"type", "reasoning"},
            {"summary", Json::array({{{"type", "summary_text"}, {"text", input.reasoning()}}})}};
  if (!input.answer.reasoning_opaque.empty()) item["encrypted_content"] = input.answer.reasoning_opaque;
  return item;
}

Json text_part(const std::string& text) {
  return {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}};
}

Json message_item(const RenderInput& input) {
  return {{"id", input.id("msg_")},
          {"type", "message"},
          {"role", "assistant"},
          {"status", "completed"},
          {"content", Json::array({text_part(input.text())})}};
}

Json call_item(const ReadyCall& call) {
  return {{"id", "fc_" + call.id}, {"type", "function_call"}, {"status", "completed"},
          {"call_id", call.id},    {"name", call.name},       {"arguments", call.arguments_text}};
}

Json response_of(const RenderInput& input, std::string_view status) {
  return {{"id", input.id("resp_")},
          {"object", "response"},
          {"created_at", kResponseCreated},
          {"status", status},
          {"error", nullptr},
          {"incomplete_details", nullptr},
          {"instructions", nullptr},
          {"metadata", Json::object()},
          {"model", input.request.model},
          {"output", Json::array()},
          {"parallel_tool_calls", true},
          {"tool_choice", "auto"},
          {"tools", Json::array()},
          {"temperature", nullptr},
          {"top_p", nullptr},
          {"usage", nullptr}};
}

/// The response when all is said; `reason` is the finish reason.
Json closed_response(const RenderInput& input, const std::string& reason) {
  const bool incomplete = reason == "max_output_tokens" || reason == "content_filter";
  Json response = response_of(input, incomplete ? "incomplete" : "completed");
  if (incomplete) response["incomplete_details"] = {{"reason", reason}};
  Json& output = response["output"];
  if (!input.answer.reasoning.empty()) output.push_back(reasoning_item(input));
  if (!input.answer.text.empty()) output.push_back(message_item(input));
  for (const ReadyCall& call : input.calls) output.push_back(call_item(call));
  if (input.answer.usage) response["usage"] = response_usage(*input.answer.usage);
  return response;
}

/// Numbers the events and places the output items.
class Events {
 public:
  explicit Events(StreamWriter& out) : out_(out) {}

  void send(std::string_view type, Json members) {
    Json event{{"type", type}, {"sequence_number", sequence_++}};
    event.update(members);
    out_.event(type, event);
  }
  /// For an event of the current item.
  void item(std::string_view type, Json members) {
    members["output_index"] = index_;
    send(type, std::move(members));
  }
  void delta(std::string_view type, const std::string& item_id, std::string_view place, std::string_view text) {
    const std::string head = R"({"type":")" + std::string(type) + R"(","sequence_number":)" +
                             std::to_string(sequence_++) + R"(,"item_id":")" + item_id + R"(","output_index":)" +
                             std::to_string(index_) + "," + std::string(place) + "\"delta\":";
    out_.raw_event(type, with_text(head, text, "}"));
  }
  void next_item() { ++index_; }

 private:
  StreamWriter& out_;
  int sequence_ = 0;
  int index_ = 0;
};

void stream_reasoning(const RenderInput& input, Events& events, StreamWriter& out) {
  const std::string id = input.id("rs_");
  events.item("response.output_item.added",
              {{"item", {{"id", id}, {"type", "reasoning"}, {"summary", Json::array()}}}});
  const auto part = [&](const std::string& text) {
    return Json{{"item_id", id}, {"summary_index", 0}, {"part", {{"type", "summary_text"}, {"text", text}}}};
  };
  events.item("response.reasoning_summary_part.added", part(""));
  out.steps(input.answer.reasoning, [&](const std::string& text) {
    events.delta("response.reasoning_summary_text.delta", id, R"("summary_index":0,)", text);
  });
  events.item("response.reasoning_summary_text.done",
              {{"item_id", id}, {"summary_index", 0}, {"text", input.reasoning()}});
  events.item("response.reasoning_summary_part.done", part(input.reasoning()));
  events.item("response.output_item.done", {{"item", reasoning_item(input)}});
  events.next_item();
}

void stream_message(const RenderInput& input, Events& events, StreamWriter& out) {
  const std::string id = input.id("msg_");
  Json begun = message_item(input);
  begun["status"] = "in_progress";
  begun["content"] = Json::array();
  events.item("response.output_item.added", {{"item", std::move(begun)}});
  events.item("response.content_part.added", {{"item_id", id}, {"content_index", 0}, {"part", text_part("")}});
  out.steps(input.answer.text, [&](const std::string& text) {
    events.delta("response.output_text.delta", id, R"("content_index":0,"logprobs":[],)", text);
  });
  const std::string text = input.text();
  events.item("response.output_text.done",
              {{"item_id", id}, {"content_index", 0}, {"text", text}, {"logprobs", Json::array()}});
  events.item("response.content_part.done", {{"item_id", id}, {"content_index", 0}, {"part", text_part(text)}});
  events.item("response.output_item.done", {{"item", message_item(input)}});
  events.next_item();
}

void stream_call(const ReadyCall& call, Events& events) {
  Json begun = call_item(call);
  begun["status"] = "in_progress";
  begun["arguments"] = "";
  events.item("response.output_item.added", {{"item", std::move(begun)}});
  for (const std::string& piece : pieces_of(call.arguments_text)) {
    events.delta("response.function_call_arguments.delta", "fc_" + call.id, "", piece);
  }
  events.item("response.function_call_arguments.done",
              {{"item_id", "fc_" + call.id}, {"name", call.name}, {"arguments", call.arguments_text}});
  events.item("response.output_item.done", {{"item", call_item(call)}});
  events.next_item();
}

}  // namespace

void stream_responses(const RenderInput& input, StreamWriter& out) {
  const Answer& answer = input.answer;
  Events events(out);
  events.send("response.created", {{"response", response_of(input, "in_progress")}});
  events.send("response.in_progress", {{"response", response_of(input, "in_progress")}});
  if (!answer.reasoning.empty()) stream_reasoning(input, events, out);
  if (!answer.text.empty()) stream_message(input, events, out);
  for (const ReadyCall& call : input.calls) stream_call(call, events);
  out.steps(answer.before_end, [](const std::string&) {});
  if (answer.failed) {
    Json response = response_of(input, "failed");
    response["error"] = {{"code", answer.failed->code}, {"message", answer.failed->message}};
    return events.send("response.failed", {{"response", std::move(response)}});
  }
  if (!answer.finish_reason) return;
  Json response = closed_response(input, *answer.finish_reason);
  const std::string type = "response." + response["status"].get<std::string>();
  events.send(type, {{"response", std::move(response)}});
}

Json whole_responses(const RenderInput& input) {
  return closed_response(input, input.answer.finish_reason.value_or("auto"));
}

}  // namespace lathe::testing
