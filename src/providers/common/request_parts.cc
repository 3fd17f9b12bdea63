#include "lathe/providers/common/request_parts.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "lathe/base/strings.h"

namespace lathe::providers::common {
namespace {

constexpr std::size_t kSchemaDepth = 32;

template <class Predicate>
bool every_object(const base::Json& schema, const Predicate& holds, std::size_t depth = 0) {
  if (depth > kSchemaDepth) return false;
  if (schema.is_array()) {
    return std::ranges::all_of(schema, [&](const base::Json& one) { return every_object(one, holds, depth + 1); });
  }
  if (!schema.is_object()) return true;
  const bool is_object = base::json_string(schema, "type") == "object" || schema.contains("properties");
  if (is_object && !holds(schema)) return false;
  for (const char* group : {"properties", "$defs", "definitions"}) {
    const base::Json& members = base::json_at(schema, group);
    if (!members.is_object()) continue;
    for (const base::Json& member : members) {
      if (!every_object(member, holds, depth + 1)) return false;
    }
  }
  return std::ranges::all_of(std::array{"items", "anyOf", "oneOf", "allOf"}, [&](const char* name) {
    return every_object(base::json_at(schema, name), holds, depth + 1);
  });
}

bool is_closed(const base::Json& object) {
  const base::Json& more = base::json_at(object, "additionalProperties");
  return more.is_boolean() && !more.get<bool>();
}

bool requires_all(const base::Json& object) {
  const base::Json& properties = base::json_at(object, "properties");
  const base::Json& required = base::json_at(object, "required");
  if (!properties.is_object()) return true;
  return std::ranges::all_of(properties.items(), [&](const auto& member) {
    return required.is_array() && std::ranges::find(required, base::Json(member.key())) != required.end();
  });
}

/// "openai/gpt-5.1" -> "gpt-5.1".
std::string bare_name(std::string_view model) {
  const std::size_t slash = model.rfind('/');
  return base::lower(slash == std::string_view::npos ? model : model.substr(slash + 1));
}

bool is_o_series(std::string_view name) {
  return name.size() >= 2 && name[0] == 'o' && std::isdigit(static_cast<unsigned char>(name[1])) != 0;
}

}  // namespace

base::Json arguments_object(const protocol::ToolCall& call) {
  if (base::trim(call.arguments).empty()) return base::Json::object();
  auto parsed = base::parse_json(call.arguments);
  if (parsed.ok() && parsed->is_object()) return std::move(parsed).value();
  return {{"invalid_arguments", call.arguments}};
}

std::string arguments_text(const protocol::ToolCall& call) {
  const auto parsed = base::parse_json(call.arguments);
  return parsed.ok() && parsed->is_object() ? call.arguments : base::dump_json(arguments_object(call));
}

bool is_closed_schema(const base::Json& schema) { return every_object(schema, is_closed); }

bool is_strict_schema(const base::Json& schema) {
  return every_object(schema, [](const base::Json& object) { return is_closed(object) && requires_all(object); });
}

std::string schema_instruction(const base::Json& schema) {
  return "When you are done, the whole text of your last message must be one JSON value that follows this JSON Schema, "
         "with nothing before or after it and no code fence:\n" +
         base::dump_json(schema);
}

std::string system_prompt_of(const ports::ModelRequest& request, SchemaBy schema_by) {
  if (schema_by == SchemaBy::kWire || !request.output_schema) return request.system_prompt;
  const std::string instruction = schema_instruction(*request.output_schema);
  return request.system_prompt.empty() ? instruction : request.system_prompt + "\n\n" + instruction;
}

std::string image_url_of(const ports::ModelImage& image) {
  if (image.base64.empty()) return image.url;
  return "data:" + image.media_type + ";base64," + image.base64;
}

bool is_openai_reasoning_model(std::string_view model) {
  const std::string name = bare_name(model);
  if (name.find("-chat") != std::string::npos) return false;
  return is_o_series(name) || name.starts_with("gpt-5") || name.starts_with("gpt-6") || name.starts_with("gpt-oss") ||
         name.starts_with("codex");
}

std::string_view least_reasoning_effort(std::string_view model) {
  const std::string name = bare_name(model);
  if (is_o_series(name) || name.starts_with("gpt-oss") || name.find("codex") != std::string::npos) return "low";
  const bool first_gpt5 = name == "gpt-5" || name.starts_with("gpt-5-");
  return first_gpt5 ? "minimal" : "none";
}

}  // namespace lathe::providers::common
