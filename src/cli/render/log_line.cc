#include "lathe/cli/render/log_line.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdint>
#include <ctime>

#include "lathe/base/json.h"
#include "lathe/base/utf8.h"

namespace lathe::cli {

namespace {

std::string time_text(std::int64_t unix_millis) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(unix_millis / 1'000)));
}

}  // namespace

std::string log_line_text(std::string_view line) {
  const auto json = base::parse_json(line);
  if (!json.ok() || !json->is_object() || !json->contains("msg") || !json->contains("ts") ||
      !json->at("ts").is_number_integer()) {
    return base::terminal_safe(line) + "\n";
  }
  std::string level = base::json_string(*json, "level");
  if (level.empty()) level = "info";
  std::string text = fmt::format("{}  {:7}  ", time_text(json->at("ts").get<std::int64_t>()), level);
  if (json->contains("pid")) text += json->at("pid").dump() + "  ";
  text += base::json_string(*json, "msg");
  for (const auto& [name, value] : json->items()) {
    if (name == "ts" || name == "level" || name == "pid" || name == "msg") continue;
    text += fmt::format("  {}={}", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return base::terminal_safe(text) + "\n";
}

}  // namespace lathe::cli
