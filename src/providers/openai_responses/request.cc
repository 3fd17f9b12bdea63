#include "lathe/providers/openai_responses/request.h"

#include <utility>

#include "lathe/base/json.h"
#include "lathe/providers/common/call_ids.h"
#include "lathe/providers/common/request_parts.h"

namespace lathe::providers::openai_responses {

using base::Json;

namespace {

Json text_part(std::string_view type, std::string_view text) { return {{"type", type}, {"text", text}}; }
Json image_part(const ports::ModelImage& image) {
  return {{"type", "input_image"}, {"image_url", common::image_url_of(image)}};
}
std::string call_id_of(std::string_view call_id) { return common::call_id_for(common::CallIdStyle::kPlain, call_id); }

/// The elements of `input`; each item gives one or none.
struct ToInput {
  Json& input;

  void operator()(const ports::UserInputItem& item) const {
    Json content = Json::array();
    for (const ports::ModelPart& part : item.parts) {
      if (const auto* image = std::get_if<ports::ModelImage>(&part)) {
        content.push_back(image_part(*image));
      } else if (const auto& text = std::get<ports::ModelText>(part).text; !text.empty()) {
        content.push_back(text_part("input_text", text));
      }
    }
    if (!content.empty()) add_message("user", std::move(content));
  }
  void operator()(const ports::AssistantTextItem& item) const {
    if (!item.text.empty()) add_message("assistant", Json::array({text_part("output_text", item.text)}));
  }
  /// Nothing is stored on the server, so only what carries its own encrypted content can go back.
  void operator()(const ports::AssistantReasoningItem& item) const {
    if (item.provider == kProvider && item.opaque) input.push_back(*item.opaque);
  }
  void operator()(const ports::AssistantCallItem& item) const {
    input.push_back({{"type", "function_call"},
                     {"call_id", call_id_of(item.call.call_id)},
                     {"name", item.call.tool},
                     {"arguments", common::arguments_text(item.call)}});
  }
  void operator()(const ports::ToolResultItem& item) const {
    Json output = item.output;
    if (!item.images.empty()) {
      output = Json::array();
      if (!item.output.empty()) output.push_back(text_part("input_text", item.output));
      for (const ports::ModelImage& image : item.images) output.push_back(image_part(image));
    }
    input.push_back(
        {{"type", "function_call_output"}, {"call_id", call_id_of(item.call_id)}, {"output", std::move(output)}});
  }

 private:
  void add_message(std::string_view role, Json content) const {
    input.push_back({{"type", "message"}, {"role", role}, {"content", std::move(content)}});
  }
};

Json tools_of(const ports::ModelRequest& request) {
  Json tools = Json::array();
  for (const ports::ToolSpec& tool : request.tools) {
    tools.push_back({{"type", "function"},
                     {"name", tool.name},
                     {"description", tool.description},
                     {"parameters", tool.parameters},
                     {"strict", false}});
  }
  return tools;
}

}  // namespace

Quirks quirks_for(std::string_view backend_type) { return {.prompt_cache_key = backend_type == "openai"}; }

std::string body_of(const ports::ModelRequest& request, const Quirks& quirks) {
  Json input = Json::array();
  for (const ports::ModelItem& item : request.items) std::visit(ToInput{input}, item);

  Json body = {{"model", request.model}};
  if (!request.system_prompt.empty()) body["instructions"] = request.system_prompt;
  if (!request.tools.empty()) {
    body["tools"] = tools_of(request);
    body["parallel_tool_calls"] = true;
  }
  body["input"] = std::move(input);
  body["stream"] = true;
  body["store"] = false;
  // Models that do not reason refuse both. A summary of the reasoning is not asked for: accounts that are not verified
  // are refused for it.
  if (common::is_openai_reasoning_model(request.model)) {
    body["include"] = Json::array({"reasoning.encrypted_content"});
    if (request.thinking == ports::Thinking::kOff) {
      body["reasoning"] = {{"effort", common::least_reasoning_effort(request.model)}};
    }
  }
  if (request.max_output_tokens) body["max_output_tokens"] = *request.max_output_tokens;
  if (request.output_schema) {
    body["text"] = {{"format",
                     {{"type", "json_schema"},
                      {"name", "answer"},
                      {"strict", common::is_strict_schema(*request.output_schema)},
                      {"schema", *request.output_schema}}}};
  }
  if (quirks.prompt_cache_key && !request.cache_key.empty()) body["prompt_cache_key"] = request.cache_key;
  return base::dump_json(body);
}

}  // namespace lathe::providers::openai_responses
