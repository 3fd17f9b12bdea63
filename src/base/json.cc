#include "lathe/base/json.h"

#include <fmt/format.h>

#include "lathe/base/utf8.h"

namespace lathe::base {
namespace {

constexpr std::size_t kMaxReasonBytes = 200;

/// Nesting depth of the text, strings skipped; stops counting past `limit`.
bool deeper_than(std::string_view text, std::size_t limit) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return true;
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
    }
  }
  return false;
}

/// What the parser says, without its name and number; it may end with all of a token that has no end.
std::string reason_of(std::string_view what) {
  const std::size_t colon = what.find(": ");
  if (colon != std::string_view::npos) what.remove_prefix(colon + 2);
  const std::string_view shown = utf8_prefix(what, kMaxReasonBytes);
  return to_utf8(shown) + (shown.size() < what.size() ? "…" : "");
}

std::string place_of(std::string_view text, std::size_t byte) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return fmt::format("line {}, column {}", line, column);
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    return Error{
        .code = codes::kLimit,
        .message = fmt::format("JSON text of {} bytes is over the limit of {}", text.size(), limits.max_bytes)};
  }
  if (deeper_than(text, limits.max_depth)) {
    return Error{.code = codes::kLimit, .message = fmt::format("JSON is nested deeper than {}", limits.max_depth)};
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& bug) {
    return Error{.code = codes::kInvalid,
                 .message = fmt::format("not JSON at {}: {}", place_of(text, bug.byte), reason_of(bug.what()))};
  } catch (const Json::exception& bug) {
    return Error{.code = codes::kInvalid, .message = fmt::format("not JSON: {}", reason_of(bug.what()))};
  }
}

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string dump_json_pretty(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace); }

std::string indent_json(std::string_view compact) {
  std::string out;
  out.reserve(compact.size() + compact.size() / 2);
  std::size_t depth = 0;
  const auto new_line = [&] {
    out += '\n';
    out.append(2 * depth, ' ');
  };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    const std::size_t begin = i;
    switch (c) {
      case '"':
        for (++i; i < compact.size() && compact[i] != '"'; ++i) i += compact[i] == '\\' ? 1 : 0;
        out.append(compact.substr(begin, i + 1 - begin));
        break;
      case '{':
      case '[':
        out += c;
        if (i + 1 < compact.size() && (compact[i + 1] == '}' || compact[i + 1] == ']')) {
          out += compact[++i];
        } else {
          ++depth;
          new_line();
        }
        break;
      case '}':
      case ']':
        depth -= depth > 0 ? 1 : 0;
        new_line();
        out += c;
        break;
      case ',':
        out += c;
        new_line();
        break;
      case ':':
        out += ": ";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  if (!is_utf8(text)) {
    append_json_string(out, to_utf8(text));
    return;
  }
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += fmt::format("\\u{:04x}", c);
    }
  }
  out.append(text, plain);
  out += '"';
}

const Json& json_at(const Json& object, std::string_view name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string json_string(const Json& object, std::string_view name, std::string_view fallback) {
  const Json& member = json_at(object, name);
  return member.is_string() ? member.get<std::string>() : std::string(fallback);
}

std::int64_t json_int(const Json& object, std::string_view name, std::int64_t fallback) {
  const Json& member = json_at(object, name);
  return member.is_number_integer() ? member.get<std::int64_t>() : fallback;
}

}  // namespace lathe::base
