#include "lathe/providers/cassette/shapes.h"

#include <array>
#include <utility>

#include "lathe/protocol/frames.h"

namespace lathe::providers::cassette {

using base::Json;
using base::Result;

namespace {

constexpr std::array kRetryNames{
    std::pair{ports::RetryClass::kConnect, "connect"}, std::pair{ports::RetryClass::kRequest, "request"},
    std::pair{ports::RetryClass::kStream, "stream"}, std::pair{ports::RetryClass::kNever, "never"}};
constexpr std::array kVerdictNames{
    std::pair{ports::GateAnswer::Verdict::kRun, "run"}, std::pair{ports::GateAnswer::Verdict::kDeclined, "declined"},
    std::pair{ports::GateAnswer::Verdict::kAbort, "abort"}, std::pair{ports::GateAnswer::Verdict::kParked, "parked"}};
constexpr std::array kReasons{ports::FinishReason::kStop, ports::FinishReason::kToolCalls, ports::FinishReason::kLength,
                              ports::FinishReason::kContentFilter, ports::FinishReason::kOther};

Json image_to_json(const ports::ModelImage& image) {
  return {{"type", "image"}, {"media_type", image.media_type}, {"base64", image.base64}, {"url", image.url}};
}

Json call_to_json(const protocol::ToolCall& call) {
  return {{"type", "call"}, {"call_id", call.call_id}, {"tool", call.tool}, {"arguments", call.arguments}};
}

struct ItemToJson {
  Json operator()(const ports::UserInputItem& item) const {
    Json parts = Json::array();
    for (const ports::ModelPart& part : item.parts) {
      if (const auto* image = std::get_if<ports::ModelImage>(&part)) {
        parts.push_back(image_to_json(*image));
      } else {
        parts.push_back({{"type", "text"}, {"text", std::get<ports::ModelText>(part).text}});
      }
    }
    return {{"type", "user"}, {"parts", std::move(parts)}};
  }
  Json operator()(const ports::AssistantTextItem& item) const { return {{"type", "text"}, {"text", item.text}}; }
  Json operator()(const ports::AssistantReasoningItem& item) const {
    Json out = {{"type", "reasoning"}, {"text", item.text}};
    if (item.opaque) out["opaque"] = *item.opaque;
    return out;
  }
  Json operator()(const ports::AssistantCallItem& item) const { return call_to_json(item.call); }
  Json operator()(const ports::ToolResultItem& item) const {
    Json images = Json::array();
    for (const ports::ModelImage& image : item.images) images.push_back(image_to_json(image));
    return {{"type", "result"},      {"call_id", item.call_id}, {"tool", item.tool},
            {"output", item.output}, {"failed", item.failed},   {"images", std::move(images)}};
  }
};

struct EventToJson {
  Json operator()(const ports::TextDelta& event) const { return {{"type", "text"}, {"text", event.text}}; }
  Json operator()(const ports::TextDone&) const { return {{"type", "text_done"}}; }
  Json operator()(const ports::ReasoningDelta& event) const { return {{"type", "reasoning"}, {"text", event.text}}; }
  Json operator()(const ports::ReasoningDone& event) const {
    Json out = {{"type", "reasoning_done"}};
    if (event.text) out["text"] = *event.text;
    if (event.opaque) out["opaque"] = *event.opaque;
    return out;
  }
  Json operator()(const ports::CallDone& event) const { return call_to_json(event.call); }
  Json operator()(const ports::Finished& event) const {
    Json out = {{"type", "finished"}, {"reason", name_of(event.reason)}, {"response_id", event.provider_response_id}};
    if (event.usage) {
      out["usage"] = {{"input_tokens", event.usage->input_tokens},
                      {"cached_input_tokens", event.usage->cached_input_tokens},
                      {"cache_write_tokens", event.usage->cache_write_tokens},
                      {"output_tokens", event.usage->output_tokens},
                      {"reasoning_tokens", event.usage->reasoning_tokens}};
    }
    return out;
  }
  Json operator()(const ports::ModelNotice& event) const {
    return {{"type", "notice"}, {"code", event.code}, {"message", event.message}};
  }
};

std::optional<Json> member(const Json& json, std::string_view name) {
  const Json& value = base::json_at(json, name);
  return value.is_null() ? std::nullopt : std::optional(value);
}

ports::Finished finished_from_json(const Json& json) {
  ports::Finished out{.reason = ports::FinishReason::kOther,
                      .usage = std::nullopt,
                      .provider_response_id = base::json_string(json, "response_id")};
  for (const ports::FinishReason reason : kReasons) {
    if (name_of(reason) == base::json_string(json, "reason")) out.reason = reason;
  }
  if (const auto usage = member(json, "usage")) {
    out.usage = protocol::Usage{.input_tokens = base::json_int(*usage, "input_tokens"),
                                .cached_input_tokens = base::json_int(*usage, "cached_input_tokens"),
                                .cache_write_tokens = base::json_int(*usage, "cache_write_tokens"),
                                .output_tokens = base::json_int(*usage, "output_tokens"),
                                .reasoning_tokens = base::json_int(*usage, "reasoning_tokens")};
  }
  return out;
}

Result<ports::ModelEvent> event_from_json(const Json& json) {
  const std::string type = base::json_string(json, "type");
  const std::string text = base::json_string(json, "text");
  if (type == "text") return ports::ModelEvent(ports::TextDelta{text});
  if (type == "text_done") return ports::ModelEvent(ports::TextDone{});
  if (type == "reasoning") return ports::ModelEvent(ports::ReasoningDelta{text});
  if (type == "reasoning_done") {
    ports::ReasoningDone done{.text = std::nullopt, .opaque = member(json, "opaque")};
    if (json.contains("text")) done.text = text;
    return ports::ModelEvent(std::move(done));
  }
  if (type == "call") {
    return ports::ModelEvent(ports::CallDone{{.call_id = base::json_string(json, "call_id"),
                                              .tool = base::json_string(json, "tool"),
                                              .arguments = base::json_string(json, "arguments")}});
  }
  if (type == "finished") return ports::ModelEvent(finished_from_json(json));
  if (type == "notice") {
    return ports::ModelEvent(ports::ModelNotice{base::json_string(json, "code"), base::json_string(json, "message")});
  }
  return base::Error{.code = base::codes::kCorrupt, .message = "unknown kind of event \"" + type + "\""};
}

}  // namespace

Json request_to_json(const ports::ModelRequest& request) {
  Json tools = Json::array();
  for (const ports::ToolSpec& tool : request.tools) {
    tools.push_back({{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}});
  }
  Json items = Json::array();
  for (const ports::ModelItem& item : request.items) items.push_back(std::visit(ItemToJson{}, item));
  Json out = {{"model", request.model},
              {"system_prompt", request.system_prompt},
              {"tools", std::move(tools)},
              {"items", std::move(items)}};
  if (request.output_schema) out["output_schema"] = *request.output_schema;
  if (request.max_output_tokens) out["max_output_tokens"] = *request.max_output_tokens;
  if (request.thinking == ports::Thinking::kOff) out["thinking"] = "off";
  return out;
}

Json events_to_json(const std::vector<ports::ModelEvent>& events) {
  Json out = Json::array();
  for (const ports::ModelEvent& event : events) out.push_back(std::visit(EventToJson{}, event));
  return out;
}

Result<std::vector<ports::ModelEvent>> events_from_json(const Json& json) {
  std::vector<ports::ModelEvent> events;
  for (const Json& one : json) {
    TRY(ports::ModelEvent event, event_from_json(one));
    events.push_back(std::move(event));
  }
  return events;
}

Json error_to_json(const base::Error& error) {
  return {{"code", error.code}, {"message", error.message}, {"hint", error.hint}, {"retryable", error.retryable}};
}

base::Error error_from_json(const Json& json) {
  const Json& retryable = base::json_at(json, "retryable");
  return {.code = base::json_string(json, "code", base::codes::kInternal),
          .message = base::json_string(json, "message"),
          .hint = base::json_string(json, "hint"),
          .retryable = retryable.is_boolean() && retryable.get<bool>()};
}

Json failure_to_json(const ports::ModelFailure& failure) {
  Json out = {{"error", error_to_json(failure.error)}};
  for (const auto& [retry, name] : kRetryNames) {
    if (retry == failure.retry) out["retry"] = name;
  }
  if (failure.retry_after) out["retry_after_ms"] = failure.retry_after->count();
  return out;
}

ports::ModelFailure failure_from_json(const Json& json) {
  ports::ModelFailure out{.error = error_from_json(base::json_at(json, "error"))};
  for (const auto& [retry, name] : kRetryNames) {
    if (name == base::json_string(json, "retry")) out.retry = retry;
  }
  if (json.contains("retry_after_ms"))
    out.retry_after = std::chrono::milliseconds(base::json_int(json, "retry_after_ms"));
  return out;
}

Json messages_to_json(const std::vector<protocol::EventMsg>& messages) {
  Json out = Json::array();
  for (const protocol::EventMsg& msg : messages) out.push_back(protocol::msg_to_json(msg));
  return out;
}

Result<std::vector<protocol::EventMsg>> messages_from_json(const Json& json) {
  std::vector<protocol::EventMsg> messages;
  for (const Json& msg : json) {
    const Json frame = {{"v", protocol::kRecordVersion}, {"session", ""}, {"id", ""}, {"ts", 0}, {"msg", msg}};
    TRY(protocol::Event event, protocol::decode_event(base::dump_json(frame)));
    messages.push_back(std::move(event.msg));
  }
  return messages;
}

Json begin_to_json(const ports::Action& action) {
  switch (action.kind) {
    case ports::Action::Kind::kCommand:
      return messages_to_json({protocol::ExecCommandBegin{.call_id = action.call_id,
                                                          .command = action.command,
                                                          .cwd = action.cwd,
                                                          .sandbox = action.sandbox,
                                                          .job = action.job}});
    case ports::Action::Kind::kFileChange:
      return messages_to_json({protocol::PatchApplyBegin{.call_id = action.call_id, .changes = action.changes}});
    case ports::Action::Kind::kRead:
    case ports::Action::Kind::kNetwork:
    case ports::Action::Kind::kOther:
      break;
  }
  return Json::array();
}

Result<ports::Action> with_begin(ports::Action action, const Json& begin) {
  TRY(std::vector<protocol::EventMsg> messages, messages_from_json(begin));
  for (protocol::EventMsg& msg : messages) {
    if (auto* command = std::get_if<protocol::ExecCommandBegin>(&msg)) {
      action.kind = ports::Action::Kind::kCommand;
      action.command = std::move(command->command);
      action.cwd = std::move(command->cwd);
      action.sandbox = std::move(command->sandbox);
      action.job = std::move(command->job);
    } else if (auto* patch = std::get_if<protocol::PatchApplyBegin>(&msg)) {
      action.kind = ports::Action::Kind::kFileChange;
      action.changes = std::move(patch->changes);
    }
  }
  return action;
}

Json gate_answer_to_json(const ports::GateAnswer& answer) {
  Json out = {{"note", answer.note}, {"asked", answer.asked}};
  for (const auto& [verdict, name] : kVerdictNames) {
    if (verdict == answer.verdict) out["verdict"] = name;
  }
  if (answer.amended_arguments) out["amended_arguments"] = *answer.amended_arguments;
  return out;
}

ports::GateAnswer gate_answer_from_json(const Json& json) {
  ports::GateAnswer out{.note = base::json_string(json, "note"), .asked = base::json_at(json, "asked") == true};
  for (const auto& [verdict, name] : kVerdictNames) {
    if (name == base::json_string(json, "verdict")) out.verdict = verdict;
  }
  if (json.contains("amended_arguments")) out.amended_arguments = base::json_string(json, "amended_arguments");
  return out;
}

Json run_result_to_json(const ports::RunResult& result) {
  Json out = {{"status", protocol::name_of(result.status)}, {"header", result.header}, {"diff", result.diff}};
  if (result.exit_code) out["exit_code"] = *result.exit_code;
  Json images = Json::array();
  for (const protocol::ContentPart& part : result.images) {
    if (const auto* image = std::get_if<protocol::ImagePart>(&part)) {
      images.push_back({{"path", image->path},
                        {"image_url", image->image_url},
                        {"blob", image->blob},
                        {"media_type", image->media_type}});
    }
  }
  if (!images.empty()) out["images"] = std::move(images);
  if (!result.events.empty()) out["events"] = messages_to_json(result.events);
  if (!result.refused.empty()) out["refused"] = result.refused;
  return out;
}

Result<ports::RunResult> run_result_from_json(const Json& json) {
  ports::RunResult out{.header = base::json_string(json, "header"), .diff = base::json_string(json, "diff")};
  for (const auto& entry : enum_names(protocol::CallStatus{})) {
    if (entry.name == base::json_string(json, "status")) out.status = entry.value;
  }
  if (json.contains("exit_code")) out.exit_code = base::json_int(json, "exit_code");
  for (const Json& image : base::json_at(json, "images")) {
    out.images.emplace_back(protocol::ImagePart{.path = base::json_string(image, "path"),
                                                .image_url = base::json_string(image, "image_url"),
                                                .blob = base::json_string(image, "blob"),
                                                .media_type = base::json_string(image, "media_type")});
  }
  TRY(out.events, messages_from_json(base::json_at(json, "events")));
  out.refused = base::json_string(json, "refused");
  return out;
}

}  // namespace lathe::providers::cassette
