#include "lathe/providers/openai_chat/request.h"

#include <utility>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/providers/common/item_groups.h"
#include "lathe/providers/common/request_parts.h"

namespace lathe::providers::openai_chat {

using base::Json;
using common::ItemGroup;
using common::Speaker;

namespace {

constexpr std::string_view kNoOutput = "(no output)";
constexpr std::string_view kImagesOfTools = "Images that the tool calls above returned:";

/// Builds the messages of one request.
class Messages final {
 public:
  Messages(const Quirks& quirks, bool always_parts) : quirks_(quirks), always_parts_(always_parts) {}

  void add_system(const std::string& text) {
    if (!text.empty()) add("system", text_content(text));
  }
  void add(const ItemGroup& group) {
    switch (group.speaker) {
      case Speaker::kUser:
        add_user(group);
        break;
      case Speaker::kAssistant:
        add_assistant(group);
        break;
      case Speaker::kTools:
        add_results(group);
        break;
    }
  }
  [[nodiscard]] Json take() && { return std::move(messages_); }

 private:
  void add(std::string_view role, Json content) {
    messages_.push_back({{"role", role}, {"content", std::move(content)}});
  }
  [[nodiscard]] Json text_content(const std::string& text) const {
    if (!always_parts_) return text;
    return Json::array({{{"type", "text"}, {"text", text}}});
  }
  static void add_image(Json& parts, const ports::ModelImage& image) {
    parts.push_back({{"type", "image_url"}, {"image_url", {{"url", common::image_url_of(image)}}}});
  }

  /// Text alone is one string, which every server takes; parts only where there are images.
  [[nodiscard]] Json user_content(const std::vector<const ports::ModelPart*>& wanted) const {
    std::string text;
    Json parts = Json::array();
    bool images = false;
    for (const ports::ModelPart* part : wanted) {
      if (const auto* words = std::get_if<ports::ModelText>(part)) {
        if (words->text.empty()) continue;
        text += (text.empty() ? "" : "\n\n") + words->text;
        parts.push_back({{"type", "text"}, {"text", words->text}});
      } else {
        images = true;
        add_image(parts, std::get<ports::ModelImage>(*part));
      }
    }
    if (images || (always_parts_ && !parts.empty())) return parts;
    return text_content(text);
  }

  void add_user(const ItemGroup& group) {
    if (std::exchange(after_results_, false) && quirks_.assistant_after_results) add("assistant", "Understood.");
    std::vector<const ports::ModelPart*> parts;
    for (const ports::ModelItem& item : group.items) {
      for (const ports::ModelPart& part : std::get<ports::UserInputItem>(item).parts) parts.push_back(&part);
      if (quirks_.merge_user_messages) continue;
      if (!parts.empty()) add("user", user_content(parts));
      parts.clear();
    }
    if (!parts.empty()) add("user", user_content(parts));
  }

  void add_reasoning(const ports::AssistantReasoningItem& reasoning, Json& message) const {
    switch (quirks_.reasoning_back) {
      case Quirks::ReasoningBack::kNone:
        break;
      case Quirks::ReasoningBack::kContent:
        if (!reasoning.text.empty()) {
          message["reasoning_content"] = base::json_string(message, "reasoning_content") + reasoning.text;
        }
        break;
      case Quirks::ReasoningBack::kDetails:
        if (reasoning.provider != kProvider || !reasoning.opaque || !reasoning.opaque->is_array()) break;
        for (const Json& detail : *reasoning.opaque) message["reasoning_details"].push_back(detail);
        break;
    }
  }

  /// One answer is one message. An answer of which nothing may go back (reasoning only) is left out.
  void add_assistant(const ItemGroup& group) {
    after_results_ = false;
    Json message = {{"role", "assistant"}, {"content", nullptr}};
    std::string text;
    Json calls = Json::array();
    for (const ports::ModelItem& item : group.items) {
      if (const auto* said = std::get_if<ports::AssistantTextItem>(&item)) {
        if (!said->text.empty()) text += (text.empty() ? "" : "\n\n") + said->text;
      } else if (const auto* reasoning = std::get_if<ports::AssistantReasoningItem>(&item)) {
        add_reasoning(*reasoning, message);
      } else {
        const protocol::ToolCall& call = std::get<ports::AssistantCallItem>(item).call;
        calls.push_back({{"id", common::call_id_for(quirks_.call_ids, call.call_id)},
                         {"type", "function"},
                         {"function", {{"name", call.tool}, {"arguments", common::arguments_text(call)}}}});
      }
    }
    if (text.empty() && calls.empty()) return;
    if (!text.empty()) message["content"] = text_content(text);
    if (!calls.empty()) message["tool_calls"] = std::move(calls);
    messages_.push_back(std::move(message));
  }

  /// A result takes only text here; its images follow in a message of the user.
  void add_results(const ItemGroup& group) {
    Json images = Json::array();
    for (const ports::ModelItem& item : group.items) {
      const auto& result = std::get<ports::ToolResultItem>(item);
      messages_.push_back({{"role", "tool"},
                           {"tool_call_id", common::call_id_for(quirks_.call_ids, result.call_id)},
                           {"content", text_content(result.output.empty() ? std::string(kNoOutput) : result.output)}});
      for (const ports::ModelImage& image : result.images) add_image(images, image);
    }
    after_results_ = true;
    if (images.empty()) return;
    if (std::exchange(after_results_, false) && quirks_.assistant_after_results) add("assistant", "Understood.");
    images.insert(images.begin(), Json{{"type", "text"}, {"text", kImagesOfTools}});
    add("user", std::move(images));
  }

  const Quirks& quirks_;
  const bool always_parts_;
  bool after_results_ = false;
  Json messages_ = Json::array();
};

void mark(Json& message) {
  Json& content = message["content"];
  if (content.is_array() && !content.empty()) content.back()["cache_control"] = {{"type", "ephemeral"}};
}

/// Marks the system prompt and the last two messages that are not the assistant's: what the next request repeats.
void mark_for_cache(Json& messages) {
  int left = 2;
  for (auto message = messages.rbegin(); message != messages.rend() && left > 0; ++message) {
    const std::string role = base::json_string(*message, "role");
    if (role == "assistant" || role == "system") continue;
    mark(*message);
    --left;
  }
  if (!messages.empty() && base::json_string(messages.front(), "role") == "system") mark(messages.front());
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

bool is_claude(std::string_view model) { return base::lower(model).find("claude") != std::string::npos; }

/// How the maker of a model has it told not to think.
Quirks::ThinkingOff thinking_off_of(std::string_view model) {
  if (is_claude(model)) return Quirks::ThinkingOff::kNothing;
  return common::is_openai_reasoning_model(model) ? Quirks::ThinkingOff::kReasoningEffort
                                                  : Quirks::ThinkingOff::kTemplateArgument;
}

void add_thinking(Json& body, const ports::ModelRequest& request, Quirks::ThinkingOff way) {
  if (request.thinking != ports::Thinking::kOff) return;
  switch (way) {
    case Quirks::ThinkingOff::kNothing:
      break;
    case Quirks::ThinkingOff::kByModel:
      add_thinking(body, request, thinking_off_of(request.model));
      break;
    case Quirks::ThinkingOff::kReasoningEffort:
      if (common::is_openai_reasoning_model(request.model)) {
        body["reasoning_effort"] = common::least_reasoning_effort(request.model);
      }
      break;
    case Quirks::ThinkingOff::kReasoningObject:
      body["reasoning"] = {{"enabled", false}};
      break;
    case Quirks::ThinkingOff::kTemplateArgument:
      body["chat_template_kwargs"] = {{"enable_thinking", false}};
      break;
  }
}

}  // namespace

Quirks quirks_for(std::string_view backend_type) {
  using Q = Quirks;
  if (backend_type == "openai" || backend_type == "openai-chat") {
    return {.output_limit = Q::OutputLimit::kMaxCompletionTokens,
            .thinking_off = Q::ThinkingOff::kReasoningEffort,
            .prompt_cache_key = true};
  }
  if (backend_type == "openrouter") {
    return {.thinking_off = Q::ThinkingOff::kReasoningObject,
            .reasoning_back = Q::ReasoningBack::kDetails,
            .cache_marks_for_claude = true};
  }
  if (backend_type == "litellm") {
    return {.thinking_off = Q::ThinkingOff::kByModel, .cache_marks_for_claude = true, .claude_output_tokens = 20'480};
  }
  if (backend_type == "mistral") {
    return {.call_ids = common::CallIdStyle::kNine,
            .asks_for_usage = false,
            .merge_user_messages = true,
            .assistant_after_results = true};
  }
  if (backend_type == "vllm") {
    return {.thinking_off = Q::ThinkingOff::kTemplateArgument, .schema_with_tools = false, .merge_user_messages = true};
  }
  if (backend_type == "llamacpp") {
    return {.thinking_off = Q::ThinkingOff::kTemplateArgument,
            .reasoning_back = Q::ReasoningBack::kContent,
            .schema_with_tools = false,
            .merge_user_messages = true};
  }
  return {.thinking_off = Q::ThinkingOff::kByModel};
}

std::string body_of(const ports::ModelRequest& request, const Quirks& quirks) {
  const bool claude = is_claude(request.model);
  const bool marks = quirks.cache_marks_for_claude && claude;
  const bool native_schema = request.output_schema && (quirks.schema_with_tools || request.tools.empty());
  const auto schema_by = native_schema ? common::SchemaBy::kWire : common::SchemaBy::kInstruction;

  Messages messages(quirks, /*always_parts=*/marks);
  messages.add_system(common::system_prompt_of(request, schema_by));
  for (const ItemGroup& group : common::groups_of(request.items)) messages.add(group);
  Json all = std::move(messages).take();
  if (marks) mark_for_cache(all);

  Json body = {{"model", request.model}};
  if (!request.tools.empty()) body["tools"] = tools_of(request);
  body["messages"] = std::move(all);
  body["stream"] = true;
  if (quirks.asks_for_usage) body["stream_options"] = {{"include_usage", true}};
  std::optional<std::int64_t> limit = request.max_output_tokens;
  if (!limit && claude) limit = quirks.claude_output_tokens;
  if (limit) {
    const bool completion = quirks.output_limit == Quirks::OutputLimit::kMaxCompletionTokens;
    body[completion ? "max_completion_tokens" : "max_tokens"] = *limit;
  }
  if (native_schema) {
    body["response_format"] = {{"type", "json_schema"},
                               {"json_schema",
                                {{"name", "answer"},
                                 {"strict", common::is_strict_schema(*request.output_schema)},
                                 {"schema", *request.output_schema}}}};
  }
  add_thinking(body, request, quirks.thinking_off);
  if (quirks.prompt_cache_key && !request.cache_key.empty()) body["prompt_cache_key"] = request.cache_key;
  return base::dump_json(body);
}

}  // namespace lathe::providers::openai_chat
