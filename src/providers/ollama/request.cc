#include "lathe/providers/ollama/request.h"

#include <utility>

#include "lathe/base/json.h"
#include "lathe/providers/common/item_groups.h"
#include "lathe/providers/common/request_parts.h"

namespace lathe::providers::ollama {

using base::Json;
using common::ItemGroup;
using common::Speaker;

namespace {

/// Images are bare base64 beside the text; this API takes no addresses, which is said in their place.
void add_image(Json& images, std::string& text, const ports::ModelImage& image) {
  if (!image.base64.empty()) {
    images.push_back(image.base64);
  } else {
    text += (text.empty() ? "" : "\n\n") + ("[an image at " + image.url + " that this server cannot fetch]");
  }
}

Json message(std::string_view role, std::string text, Json images) {
  Json out = {{"role", role}, {"content", std::move(text)}};
  if (!images.empty()) out["images"] = std::move(images);
  return out;
}

void add_user(Json& messages, const ItemGroup& group) {
  for (const ports::ModelItem& item : group.items) {
    std::string text;
    Json images = Json::array();
    for (const ports::ModelPart& part : std::get<ports::UserInputItem>(item).parts) {
      if (const auto* words = std::get_if<ports::ModelText>(&part)) {
        if (!words->text.empty()) text += (text.empty() ? "" : "\n\n") + words->text;
      } else {
        add_image(images, text, std::get<ports::ModelImage>(part));
      }
    }
    if (!text.empty() || !images.empty()) messages.push_back(message("user", std::move(text), std::move(images)));
  }
}

void add_assistant(Json& messages, const ItemGroup& group) {
  std::string text;
  std::string thinking;
  Json calls = Json::array();
  for (const ports::ModelItem& item : group.items) {
    if (const auto* said = std::get_if<ports::AssistantTextItem>(&item)) {
      if (!said->text.empty()) text += (text.empty() ? "" : "\n\n") + said->text;
    } else if (const auto* reasoning = std::get_if<ports::AssistantReasoningItem>(&item)) {
      if (reasoning->provider == kProvider) thinking += reasoning->text;
    } else {
      const protocol::ToolCall& call = std::get<ports::AssistantCallItem>(item).call;
      calls.push_back(
          {{"id", call.call_id}, {"function", {{"name", call.tool}, {"arguments", common::arguments_object(call)}}}});
    }
  }
  if (text.empty() && calls.empty()) return;
  Json out = {{"role", "assistant"}, {"content", std::move(text)}};
  if (!thinking.empty()) out["thinking"] = std::move(thinking);
  if (!calls.empty()) out["tool_calls"] = std::move(calls);
  messages.push_back(std::move(out));
}

/// Templates show images only where the user speaks, so those of results follow in a message of the user.
void add_results(Json& messages, const ItemGroup& group) {
  std::string text = "Images that the tool calls above returned:";
  Json images = Json::array();
  bool any = false;
  for (const ports::ModelItem& item : group.items) {
    const auto& result = std::get<ports::ToolResultItem>(item);
    messages.push_back(
        {{"role", "tool"}, {"content", result.output}, {"tool_name", result.tool}, {"tool_call_id", result.call_id}});
    for (const ports::ModelImage& image : result.images) {
      add_image(images, text, image);
      any = true;
    }
  }
  if (any) messages.push_back(message("user", std::move(text), std::move(images)));
}

Json tools_of(const ports::ModelRequest& request) {
  Json tools = Json::array();
  for (const ports::ToolSpec& tool : request.tools) {
    tools.push_back(
        {{"type", "function"},
         {"function", {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}}}});
  }
  return tools;
}

}  // namespace

std::string body_of(const ports::ModelRequest& request, const Settings& settings) {
  // A format holds every token of the answer, so that no tool could be called any more.
  const bool wire_schema = request.output_schema && request.tools.empty();
  const std::string system =
      common::system_prompt_of(request, wire_schema ? common::SchemaBy::kWire : common::SchemaBy::kInstruction);
  Json messages = Json::array();
  if (!system.empty()) messages.push_back(message("system", system, Json::array()));
  for (const ItemGroup& group : common::groups_of(request.items)) {
    switch (group.speaker) {
      case Speaker::kUser:
        add_user(messages, group);
        break;
      case Speaker::kAssistant:
        add_assistant(messages, group);
        break;
      case Speaker::kTools:
        add_results(messages, group);
        break;
    }
  }

  Json body = {{"model", request.model}};
  if (!request.tools.empty()) body["tools"] = tools_of(request);
  body["messages"] = std::move(messages);
  body["stream"] = true;
  body["keep_alive"] = settings.keep_alive;
  body["options"] = {{"num_ctx", settings.num_ctx}};
  if (request.max_output_tokens) body["options"]["num_predict"] = *request.max_output_tokens;
  if (request.thinking == ports::Thinking::kOff) body["think"] = false;
  if (wire_schema) body["format"] = *request.output_schema;
  return base::dump_json(body);
}

}  // namespace lathe::providers::ollama
