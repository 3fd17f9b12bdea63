#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"

// JSON Schemas of tool arguments. Members come out sorted by name, so that the text a model sees never changes
// between builds or runs.

namespace lathe::tools::common {

enum class Need { kRequired, kOptional };

struct Property {
  std::string name;
  Need need = Need::kOptional;
  base::Json schema;
};

[[nodiscard]] base::Json text_schema(std::string_view description);
[[nodiscard]] base::Json number_schema(std::string_view description, std::int64_t least);
[[nodiscard]] base::Json flag_schema(std::string_view description);
[[nodiscard]] base::Json choice_schema(std::string_view description, const std::vector<std::string>& values);
[[nodiscard]] base::Json list_schema(std::string_view description, base::Json element);
/// An object whose members are all strings.
[[nodiscard]] base::Json text_map_schema(std::string_view description);
/// An object with exactly these members.
[[nodiscard]] base::Json object_schema(std::vector<Property> properties);

}  // namespace lathe::tools::common
