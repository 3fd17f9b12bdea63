#include "lathe/providers/cassette/difference.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/utf8.h"

namespace lathe::providers::cassette {

using base::Json;

namespace {

constexpr std::size_t kBefore = 40;
constexpr std::size_t kAfter = 60;
constexpr std::size_t kShownBytes = 120;

std::string around(const std::string& text, std::size_t at) {
  const std::size_t begin = at > kBefore ? at - kBefore : 0;
  const std::string piece = base::to_utf8(std::string_view(text).substr(begin, at - begin + kAfter));
  return fmt::format("{}{}{}", begin > 0 ? "…" : "", base::dump_json(Json(piece)),
                     at + kAfter < text.size() ? "…" : "");
}

std::string shown(const Json& value) {
  const std::string text = base::dump_json(value);
  return text.size() <= kShownBytes ? text : std::string(base::utf8_prefix(text, kShownBytes)) + "…";
}

std::optional<std::string> differ(const Json& expected, const Json& got, const std::string& path);

std::optional<std::string> differ_as_objects(const Json& expected, const Json& got, const std::string& path) {
  const auto below = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
  for (const auto& [name, value] : expected.items()) {
    if (!got.contains(name)) return fmt::format("{}: expected {}, got nothing", below(name), shown(value));
    if (auto found = differ(value, got[name], below(name))) return found;
  }
  for (const auto& [name, value] : got.items()) {
    if (!expected.contains(name)) return fmt::format("{}: expected nothing, got {}", below(name), shown(value));
  }
  return std::nullopt;
}

std::optional<std::string> differ_as_lists(const Json& expected, const Json& got, const std::string& path) {
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    const std::string here = fmt::format("{}[{}]", path, i);
    if (i >= got.size()) return fmt::format("{}: expected {}, got nothing", here, shown(expected[i]));
    if (i >= expected.size()) return fmt::format("{}: expected nothing, got {}", here, shown(got[i]));
    if (auto found = differ(expected[i], got[i], here)) return found;
  }
  return std::nullopt;
}

std::optional<std::string> differ(const Json& expected, const Json& got, const std::string& path) {
  if (expected.is_object() && got.is_object()) return differ_as_objects(expected, got, path);
  if (expected.is_array() && got.is_array()) return differ_as_lists(expected, got, path);
  if (expected == got) return std::nullopt;
  if (!expected.is_string() || !got.is_string()) {
    return fmt::format("{}: expected {}, got {}", path, shown(expected), shown(got));
  }
  const auto& a = expected.get_ref<const std::string&>();
  const auto& b = got.get_ref<const std::string&>();
  const auto place = std::ranges::mismatch(a, b);
  const auto at = static_cast<std::size_t>(place.in1 - a.begin());
  return fmt::format("{}: expected {}, got {} (at byte {})", path, around(a, at), around(b, at), at);
}

}  // namespace

std::optional<std::string> first_difference(const Json& expected, const Json& got) { return differ(expected, got, ""); }

}  // namespace lathe::providers::cassette
