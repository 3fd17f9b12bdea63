#include "lathe/providers/anthropic/request.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/providers/common/call_ids.h"
#include "lathe/providers/common/item_groups.h"
#include "lathe/providers/common/request_parts.h"

namespace lathe::providers::anthropic {

using base::Json;
using common::ItemGroup;
using common::Speaker;

namespace {

constexpr std::string_view kNoOutput = "(no output)";
constexpr std::int64_t kSmallestThinkingBudget = 1'024;

/// How a model is asked to think. Old ones are given a budget, new ones decide for themselves and refuse a budget.
enum class ThinkingStyle { kNone, kBudget, kAdaptive };

/// "claude-opus-4-6", "anthropic.claude-sonnet-4.5-20250929", "claude-3-7-sonnet-latest" -> 406, 405, 307; 0 when the
/// name has no version.
int version_of(std::string_view model) {
  const std::string name = base::lower(model);
  const std::size_t claude = name.find("claude");
  if (claude == std::string::npos) return 0;
  std::size_t at = name.find_first_of("0123456789", claude);
  int parts[2] = {0, 0};
  for (int& part : parts) {
    if (at >= name.size()) break;
    const std::size_t end = std::min(name.find_first_not_of("0123456789", at), name.size());
    if (end - at > 2 || end == at) break;  // a date, or no number
    std::from_chars(name.data() + at, name.data() + end, part);
    at = end + 1;
  }
  return parts[0] * 100 + parts[1];
}

ThinkingStyle thinking_style(std::string_view model) {
  const int version = version_of(model);
  const bool haiku_4 = base::lower(model).find("haiku") != std::string::npos && version < 500;
  if (version >= 406 && !haiku_4) return ThinkingStyle::kAdaptive;
  if (version >= 400 || version == 307) return ThinkingStyle::kBudget;
  return ThinkingStyle::kNone;
}

/// From Claude 4.5 on the API itself holds the answer to a schema; it wants every object closed.
bool takes_schema(const ports::ModelRequest& request) {
  return request.output_schema && version_of(request.model) >= 405 && common::is_closed_schema(*request.output_schema);
}

std::string call_id_of(std::string_view call_id) { return common::call_id_for(common::CallIdStyle::kPlain, call_id); }

/// Blocks of nothing but white space are refused.
void add_text(Json& blocks, const std::string& text) {
  if (!base::trim(text).empty()) blocks.push_back({{"type", "text"}, {"text", text}});
}

Json image_block(const ports::ModelImage& image) {
  if (image.base64.empty()) return {{"type", "image"}, {"source", {{"type", "url"}, {"url", image.url}}}};
  return {{"type", "image"},
          {"source", {{"type", "base64"}, {"media_type", image.media_type}, {"data", image.base64}}}};
}

Json result_block(const ports::ToolResultItem& result) {
  Json block = {{"type", "tool_result"}, {"tool_use_id", call_id_of(result.call_id)}};
  const std::string text(base::trim(result.output).empty() ? kNoOutput : std::string_view(result.output));
  if (result.images.empty()) {
    block["content"] = text;
  } else {
    block["content"] = Json::array();
    add_text(block["content"], result.output);
    for (const ports::ModelImage& image : result.images) block["content"].push_back(image_block(image));
  }
  if (result.failed) block["is_error"] = true;
  return block;
}

bool is_thinking(const Json& block) {
  const std::string type = base::json_string(block, "type");
  return type == "thinking" || type == "redacted_thinking";
}

Json assistant_blocks(const ItemGroup& group) {
  Json blocks = Json::array();
  for (const ports::ModelItem& item : group.items) {
    if (const auto* text = std::get_if<ports::AssistantTextItem>(&item)) {
      add_text(blocks, text->text);
    } else if (const auto* reasoning = std::get_if<ports::AssistantReasoningItem>(&item)) {
      if (reasoning->provider == kProvider && reasoning->opaque) blocks.push_back(*reasoning->opaque);
    } else {
      const protocol::ToolCall& call = std::get<ports::AssistantCallItem>(item).call;
      blocks.push_back({{"type", "tool_use"},
                        {"id", call_id_of(call.call_id)},
                        {"name", call.tool},
                        {"input", common::arguments_object(call)}});
    }
  }
  // A message may not end with thinking.
  while (!blocks.empty() && is_thinking(blocks.back())) blocks.erase(blocks.size() - 1);
  return blocks;
}

Json user_blocks(const ItemGroup& group) {
  Json blocks = Json::array();
  for (const ports::ModelItem& item : group.items) {
    if (const auto* result = std::get_if<ports::ToolResultItem>(&item)) {
      blocks.push_back(result_block(*result));
      continue;
    }
    for (const ports::ModelPart& part : std::get<ports::UserInputItem>(item).parts) {
      if (const auto* image = std::get_if<ports::ModelImage>(&part)) {
        blocks.push_back(image_block(*image));
      } else {
        add_text(blocks, std::get<ports::ModelText>(part).text);
      }
    }
  }
  return blocks;
}

/// Roles alternate and the user begins: results and what the user says after them are one message, results first.
Json messages_of(const ports::ModelRequest& request) {
  Json messages = Json::array();
  for (const ItemGroup& group : common::groups_of(request.items)) {
    const bool assistant = group.speaker == Speaker::kAssistant;
    Json blocks = assistant ? assistant_blocks(group) : user_blocks(group);
    if (blocks.empty()) continue;
    const std::string_view role = assistant ? "assistant" : "user";
    if (messages.empty() && assistant) {
      messages.push_back({{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", "Go on."}}})}});
    }
    if (!messages.empty() && messages.back()["role"] == role) {
      for (Json& block : blocks) messages.back()["content"].push_back(std::move(block));
    } else {
      messages.push_back({{"role", role}, {"content", std::move(blocks)}});
    }
  }
  return messages;
}

/// With thinking on, the answers since the user last spoke must begin with a thinking block; those of another provider,
/// or of a time without thinking, do not.
bool history_allows_thinking(const ports::ModelRequest& request) {
  const auto last_user = std::ranges::find_if(request.items.rbegin(), request.items.rend(), [](const auto& item) {
    return std::holds_alternative<ports::UserInputItem>(item);
  });
  if (last_user.base() == request.items.end()) return true;
  const auto* reasoning = std::get_if<ports::AssistantReasoningItem>(&*last_user.base());
  return reasoning != nullptr && reasoning->provider == kProvider && reasoning->opaque;
}

void mark(Json& block) { block["cache_control"] = {{"type", "ephemeral"}}; }

/// The ends of the last two user messages: what is read from the cache now, and what the next request will read.
void mark_messages(Json& messages) {
  int left = 2;
  for (auto message = messages.rbegin(); message != messages.rend() && left > 0; ++message) {
    if ((*message)["role"] != "user") continue;
    mark((*message)["content"].back());
    --left;
  }
}

Json tools_of(const ports::ModelRequest& request) {
  Json tools = Json::array();
  for (const ports::ToolSpec& tool : request.tools) {
    tools.push_back({{"name", tool.name}, {"description", tool.description}, {"input_schema", tool.parameters}});
  }
  if (!tools.empty()) mark(tools.back());
  return tools;
}

void add_thinking(Json& body, const ports::ModelRequest& request, const Settings& settings, std::int64_t max_tokens) {
  if (request.thinking == ports::Thinking::kOff) return;
  const std::int64_t budget = std::min(settings.thinking_budget_tokens, max_tokens / 2);
  switch (thinking_style(request.model)) {
    case ThinkingStyle::kNone:
      break;
    case ThinkingStyle::kAdaptive:
      body["thinking"] = {{"type", "adaptive"}};
      break;
    case ThinkingStyle::kBudget:
      if (budget < kSmallestThinkingBudget || !history_allows_thinking(request)) break;
      body["thinking"] = {{"type", "enabled"}, {"budget_tokens", budget}};
      break;
  }
}

}  // namespace

std::string body_of(const ports::ModelRequest& request, const Settings& settings) {
  const bool wire_schema = takes_schema(request);
  const std::int64_t max_tokens = request.max_output_tokens.value_or(settings.default_max_output_tokens);
  Json messages = messages_of(request);
  mark_messages(messages);

  Json body = {{"model", request.model}, {"max_tokens", max_tokens}};
  if (!request.tools.empty()) body["tools"] = tools_of(request);
  const std::string system =
      common::system_prompt_of(request, wire_schema ? common::SchemaBy::kWire : common::SchemaBy::kInstruction);
  if (!base::trim(system).empty()) {
    body["system"] = Json::array({{{"type", "text"}, {"text", system}}});
    mark(body["system"].back());
  }
  body["messages"] = std::move(messages);
  body["stream"] = true;
  add_thinking(body, request, settings, max_tokens);
  if (wire_schema) {
    body["output_config"] = {{"format", {{"type", "json_schema"}, {"schema", *request.output_schema}}}};
  }
  return base::dump_json(body);
}

}  // namespace lathe::providers::anthropic
