#include "lathe/tools/common/schema.h"

#include <algorithm>
#include <utility>

namespace lathe::tools::common {

using base::Json;

Json text_schema(std::string_view description) { return {{"description", description}, {"type", "string"}}; }

Json number_schema(std::string_view description, std::int64_t least) {
  return {{"description", description}, {"minimum", least}, {"type", "integer"}};
}

Json flag_schema(std::string_view description) { return {{"description", description}, {"type", "boolean"}}; }

Json choice_schema(std::string_view description, const std::vector<std::string>& values) {
  return {{"description", description}, {"enum", values}, {"type", "string"}};
}

Json list_schema(std::string_view description, Json element) {
  return {{"description", description}, {"items", std::move(element)}, {"type", "array"}};
}

Json text_map_schema(std::string_view description) {
  return {{"additionalProperties", {{"type", "string"}}}, {"description", description}, {"type", "object"}};
}

Json object_schema(std::vector<Property> properties) {
  std::ranges::sort(properties, {}, &Property::name);
  Json members = Json::object();
  Json required = Json::array();
  for (Property& property : properties) {
    members[property.name] = std::move(property.schema);
    if (property.need == Need::kRequired) required.push_back(property.name);
  }
  Json schema = Json::object();
  schema["additionalProperties"] = false;
  schema["properties"] = std::move(members);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["type"] = "object";
  return schema;
}

}  // namespace lathe::tools::common
