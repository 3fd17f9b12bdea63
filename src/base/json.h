#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace lathe::base {

/// JSON that keeps the order in which members were written.
using Json = nlohmann::ordered_json;

struct JsonLimits {
  std::size_t max_bytes = 64U << 20;
  std::size_t max_depth = 200;
};

/// Parses one JSON text. Errors carry line and column. Never throws; deep or large input is an error.
[[nodiscard]] Result<Json> parse_json(std::string_view text, JsonLimits limits = {});
/// Compact text; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dump_json(const Json& value);
[[nodiscard]] std::string dump_json_pretty(const Json& value);
/// Compact JSON text over lines, as dump_json_pretty() lays it out; no tree is built.
/// What is no JSON comes out as is.
[[nodiscard]] std::string indent_json(std::string_view compact);
/// The same JSON with at most `kept_bytes` of each string that is longer than `limit` bytes as it stands there: for
/// looking at what a large message is without reading its texts. What is no JSON comes out as something that is none,
/// or as some JSON.
[[nodiscard]] std::string without_long_strings(std::string_view text, std::size_t limit, std::size_t kept_bytes = 0);
/// Appends `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// The member, or null when `object` is no object or has no such member.
[[nodiscard]] const Json& json_at(const Json& object, std::string_view name);
/// The member as a string, or `fallback` when it is not one.
[[nodiscard]] std::string json_string(const Json& object, std::string_view name, std::string_view fallback = "");
/// The member as a whole number, or `fallback` when it is not one.
[[nodiscard]] std::int64_t json_int(const Json& object, std::string_view name, std::int64_t fallback = 0);

}  // namespace lathe::base
