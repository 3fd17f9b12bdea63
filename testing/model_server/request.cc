#include "lathe/testing/model_server/request.h"

namespace lathe::testing {

namespace {

using base::Json;
using base::json_at;
using base::json_string;

bool is_result(Wire wire, const Json& item) {
  switch (wire) {
    case Wire::kOpenaiResponses:
      return json_string(item, "type").ends_with("_output");
    case Wire::kOpenaiChat:
    case Wire::kOllama:
      return json_string(item, "role") == "tool";
    case Wire::kAnthropic:
      return json_string(item, "type") == "tool_result";
  }
  return false;
}

std::int64_t count_results(Wire wire, const Json& messages) {
  std::int64_t count = 0;
  for (const Json& message : messages) {
    if (is_result(wire, message)) ++count;
    if (wire != Wire::kAnthropic || !json_at(message, "content").is_array()) continue;
    for (const Json& block : json_at(message, "content")) count += is_result(wire, block) ? 1 : 0;
  }
  return count;
}

/// All text of a message's content, which is a string or a list of blocks.
std::string text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array()) {
    for (const Json& block : content) text += json_string(block, "text");
  }
  return text;
}

std::string last_user_text(const Json& messages) {
  std::string text;
  for (const Json& message : messages) {
    if (json_string(message, "role") != "user") continue;
    if (std::string found = text_of(json_at(message, "content")); !found.empty()) text = std::move(found);
  }
  return text;
}

std::vector<OfferedTool> tools_of(const Json& body) {
  std::vector<OfferedTool> tools;
  for (const Json& entry : json_at(body, "tools")) {
    const Json& function = json_at(entry, "function").is_object() ? json_at(entry, "function") : entry;
    const Json& parameters = json_at(function, "parameters").is_object() ? json_at(function, "parameters")
                                                                         : json_at(function, "input_schema");
    tools.push_back({.name = json_string(function, "name", json_string(function, "type")),
                     .properties = json_at(parameters, "properties")});
  }
  return tools;
}

}  // namespace

std::string_view name_of(Wire wire) {
  switch (wire) {
    case Wire::kOpenaiResponses:
      return "openai_responses";
    case Wire::kOpenaiChat:
      return "openai_chat";
    case Wire::kAnthropic:
      return "anthropic";
    case Wire::kOllama:
      return "ollama";
  }
  return "";
}

std::optional<Wire> wire_of_path(std::string_view path) {
  if (path.ends_with("/responses")) return Wire::kOpenaiResponses;
  if (path.ends_with("/chat/completions")) return Wire::kOpenaiChat;
  if (path.ends_with("/messages")) return Wire::kAnthropic;
  if (path.ends_with("/api/chat")) return Wire::kOllama;
  return std::nullopt;
}

Json messages_of(Wire wire, const Json& body) {
  const Json& messages = json_at(body, wire == Wire::kOpenaiResponses ? "input" : "messages");
  if (messages.is_string()) return Json::array({{{"role", "user"}, {"content", messages}}});
  return messages.is_array() ? messages : Json::array();
}

ModelRequest read_request(Wire wire, Json body) {
  const Json messages = messages_of(wire, body);
  const Json& stream = json_at(body, "stream");
  ModelRequest request{.wire = wire,
                       .model = json_string(body, "model"),
                       // Ollama streams unless told not to; the others only when told to.
                       .stream = stream.is_boolean() ? stream.get<bool>() : wire == Wire::kOllama,
                       .last_user = last_user_text(messages),
                       .tool_results = count_results(wire, messages),
                       .tools = tools_of(body)};
  request.body = std::move(body);
  return request;
}

}  // namespace lathe::testing
