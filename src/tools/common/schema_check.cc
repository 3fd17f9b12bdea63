#include "lathe/tools/common/schema_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::tools::common {

using base::Json;

namespace {

std::optional<std::string> type_problem(const std::string& type, const Json& value, const std::string& name) {
  const auto must_be = [&](std::string_view what) {
    return fmt::format("{} must be {}, not {}", name, what, kind_words(value));
  };
  if (type == "string" && !value.is_string()) return must_be("a string");
  if (type == "string" && value.get_ref<const std::string&>().contains('\0')) {
    return fmt::format("{} holds a NUL byte", name);
  }
  if (type == "boolean" && !value.is_boolean()) return must_be("true or false");
  if (type == "integer" && !value.is_number()) return must_be("a whole number");
  if (type == "array" && !value.is_array()) return must_be("a list");
  if (type == "object" && !value.is_object()) return must_be("an object");
  return std::nullopt;
}

std::optional<std::string> members_problem(const Json& schema, const Json& value, const std::string& name) {
  const Json& properties = base::json_at(schema, "properties");
  std::vector<std::string> known;
  for (const auto& [member, unused] : properties.items()) known.push_back(member);
  for (const auto& [member, part] : value.items()) {
    if (!properties.contains(member)) {
      const std::string hint = base::did_you_mean(member, known);
      return fmt::format("{}.{} is not an argument ({})", name, base::utf8_prefix(member, 80),
                         hint.empty() ? "there are: " + base::join(known, ", ") : hint);
    }
    if (part.is_null()) continue;
    if (auto problem = schema_problem(properties[member], part, name + "." + member)) return problem;
  }
  for (const Json& required : base::json_at(schema, "required")) {
    const auto& member = required.get_ref<const std::string&>();
    if (base::json_at(value, member).is_null()) return fmt::format("{}.{} is missing", name, member);
  }
  return std::nullopt;
}

}  // namespace

std::string kind_words(const Json& value) {
  if (value.is_null()) return "null";
  return fmt::format("{} {}", value.is_array() || value.is_object() ? "an" : "a", value.type_name());
}

std::optional<std::string> schema_problem(const Json& schema, const Json& value, const std::string& name) {
  const std::string type = base::json_string(schema, "type");
  if (auto problem = type_problem(type, value, name)) return problem;
  const Json& choices = base::json_at(schema, "enum");
  if (choices.is_array() && std::ranges::find(choices, value) == choices.end()) {
    return fmt::format("{} must be one of {}, not {}", name, base::dump_json(choices),
                       base::utf8_prefix(base::dump_json(value), 80));
  }
  if (type == "array") {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (auto problem = schema_problem(base::json_at(schema, "items"), value[i], fmt::format("{}[{}]", name, i))) {
        return problem;
      }
    }
  }
  if (type == "object" && schema.contains("properties")) return members_problem(schema, value, name);
  return std::nullopt;
}

}  // namespace lathe::tools::common
