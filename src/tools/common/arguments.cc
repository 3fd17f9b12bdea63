#include "lathe/tools/common/arguments.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/common/schema_check.h"

namespace lathe::tools::common {

using base::Error;
using base::Json;
using base::Result;

namespace {

Error invalid(std::string message, std::string hint = "") {
  return {.code = base::codes::kInvalid, .message = std::move(message), .hint = std::move(hint)};
}

}  // namespace

Result<Arguments> Arguments::parse(const ports::ToolSpec& spec, const protocol::ToolCall& call) {
  // Some models send nothing at all where no argument is needed.
  const bool blank = base::trim(call.arguments).empty();
  auto parsed = base::parse_json(blank ? "{}" : std::string_view(call.arguments));
  if (!parsed.ok()) {
    return invalid(fmt::format("{}: the arguments are not JSON: {}", spec.name, parsed.error().message),
                   "send one JSON object");
  }
  if (!parsed->is_object()) {
    return invalid(fmt::format("{}: the arguments must be a JSON object, not {}", spec.name, kind_words(*parsed)));
  }
  std::vector<std::string> known;
  for (const auto& [name, schema] : spec.parameters.at("properties").items()) known.push_back(name);
  for (const auto& [name, value] : parsed->items()) {
    if (spec.parameters["properties"].contains(name)) continue;
    std::string hint = base::did_you_mean(name, known);
    if (hint.empty()) hint = "the arguments are: " + base::join(known, ", ");
    return invalid(fmt::format("{}: \"{}\" is not an argument", spec.name, base::utf8_prefix(name, 80)), hint);
  }
  Arguments arguments(spec.name, *std::move(parsed));
  if (const Json& required = base::json_at(spec.parameters, "required"); required.is_array()) {
    for (const Json& name : required) {
      const auto& text = name.get_ref<const std::string&>();
      if (!arguments.has(text)) return arguments.wrong(text, "is missing");
    }
  }
  for (const auto& [name, value] : arguments.members_.items()) {
    if (value.is_null()) continue;
    const auto problem = schema_problem(spec.parameters["properties"][name], value, name);
    if (problem) return invalid(fmt::format("{}: {}", spec.name, *problem));
  }
  return arguments;
}

bool Arguments::has(std::string_view name) const { return !base::json_at(members_, name).is_null(); }

Error Arguments::wrong(std::string_view name, std::string_view what) const {
  return invalid(fmt::format("{}: {} {}", tool_, name, what));
}

Result<std::string> Arguments::text(std::string_view name) const {
  TRY(auto value, optional_text(name));
  if (!value) return wrong(name, "is missing");
  return *std::move(value);
}

Result<std::optional<std::string>> Arguments::optional_text(std::string_view name) const {
  if (!has(name)) return std::optional<std::string>();
  const Json& value = base::json_at(members_, name);
  if (!value.is_string()) return wrong(name, fmt::format("must be a string, not {}", kind_words(value)));
  const auto& text = value.get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) return wrong(name, "holds a NUL byte");
  return std::optional<std::string>(text);
}

Result<std::optional<std::int64_t>> Arguments::optional_number(std::string_view name, std::int64_t least,
                                                               std::int64_t most) const {
  if (!has(name)) return std::optional<std::int64_t>();
  const Json& value = base::json_at(members_, name);
  const auto outside = [&] {
    return wrong(name, fmt::format("must be from {} to {}, not {}", least, most, value.dump()));
  };
  if (value.is_number_float()) {
    // 10.0 is a whole number too.
    const auto real = value.get<double>();
    if (!(std::fabs(real) < 9e15)) return outside();
    if (real != std::floor(real)) return wrong(name, fmt::format("must be a whole number, not {}", value.dump()));
    const auto whole = static_cast<std::int64_t>(real);
    if (whole < least || whole > most) return outside();
    return std::optional(whole);
  }
  if (!value.is_number_integer()) return wrong(name, fmt::format("must be a whole number, not {}", kind_words(value)));
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    return outside();
  const auto whole = value.get<std::int64_t>();
  if (whole < least || whole > most) return outside();
  return std::optional(whole);
}

Result<bool> Arguments::flag(std::string_view name, bool fallback) const {
  if (!has(name)) return fallback;
  const Json& value = base::json_at(members_, name);
  if (!value.is_boolean()) return wrong(name, fmt::format("must be true or false, not {}", kind_words(value)));
  return value.get<bool>();
}

Result<Json> Arguments::list(std::string_view name) const {
  const Json& value = base::json_at(members_, name);
  if (!value.is_array()) return wrong(name, fmt::format("must be a list, not {}", kind_words(value)));
  return value;
}

Result<std::map<std::string, std::string>> Arguments::texts(std::string_view name) const {
  std::map<std::string, std::string> out;
  if (!has(name)) return out;
  const Json& value = base::json_at(members_, name);
  if (!value.is_object()) return wrong(name, fmt::format("must be an object, not {}", kind_words(value)));
  for (const auto& [key, member] : value.items()) {
    const std::string path = fmt::format("{}.{}", name, base::utf8_prefix(key, 80));
    if (!member.is_string()) return wrong(path, fmt::format("must be a string, not {}", kind_words(member)));
    auto text = member.get<std::string>();
    if (text.find('\0') != std::string::npos) return wrong(path, "holds a NUL byte");
    out.emplace(key, std::move(text));
  }
  return out;
}

}  // namespace lathe::tools::common
