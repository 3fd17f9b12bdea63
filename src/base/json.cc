#include "lathe/base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>

#include "lathe/base/utf8.h"

namespace lathe::base {
namespace {

constexpr std::size_t kMaxReasonBytes = 200;

/// The quote that ends the string whose first character is at `begin`; npos when there is none.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  std::size_t quote = text.find('"', begin);
  while (quote != std::string_view::npos) {
    std::size_t backslashes = 0;
    while (quote - backslashes > begin && text[quote - backslashes - 1] == '\\') ++backslashes;
    if (backslashes % 2 == 0) break;
    quote = text.find('"', quote + 1);
  }
  return quote;
}

/// At most `limit` bytes of what stands in a JSON string; neither a character nor an escape is cut.
std::size_t whole_part(std::string_view inside, std::size_t limit) {
  constexpr std::size_t kLongestEscape = 6;
  const std::size_t cut = utf8_prefix(inside, limit).size();
  const std::size_t from = cut - std::min(cut, kLongestEscape - 1);
  const std::size_t found = inside.substr(from, cut - from).rfind('\\');
  if (found == std::string_view::npos) return cut;
  const std::size_t backslash = from + found;
  std::size_t run = 1;
  while (run <= backslash && inside[backslash - run] == '\\') ++run;
  if (run % 2 == 0) return cut;
  const std::size_t length = inside.substr(backslash + 1).starts_with('u') ? kLongestEscape : 2;
  return backslash + length > cut ? backslash : cut;
}

/// Nesting depth of the text, strings skipped; stops counting past `limit`.
bool deeper_than(std::string_view text, std::size_t limit) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      i = end_of_string(text, i + 1);
      if (i == std::string_view::npos) return false;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return true;
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
    }
  }
  return false;
}

/// Bytes from `begin` on that stand in a JSON string as they are.
std::size_t plain_bytes(std::string_view text, std::size_t begin) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const auto holds_zero = [](std::uint64_t word) { return ((word - kOnes) & ~word & kHighs) != 0; };
  std::size_t at = begin;
  // Eight at a time, as long as none of them is below 0x20, a quote or a backslash.
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const bool control = ((word - 0x20 * kOnes) & ~word & kHighs) != 0;
    if (control || holds_zero(word ^ (kOnes * '"')) || holds_zero(word ^ (kOnes * '\\'))) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x20 && text[at] != '"' && text[at] != '\\') ++at;
  return at - begin;
}

/// What stands for one character after a backslash; nothing for what is none, and for \u of a character that is not
/// ASCII.
std::optional<char> unescaped(std::string_view escape) {
  switch (escape.front()) {
    case '"':
    case '\\':
    case '/':
      return escape.front();
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'u': {
      std::uint32_t code = 0;
      const char* const begin = escape.data() + 1;
      const char* const end = escape.data() + std::min<std::size_t>(escape.size(), 5);
      const auto [stop, error] = std::from_chars(begin, end, code, 16);
      if (error != std::errc() || stop - begin != 4 || code > 0x7f) return std::nullopt;
      return static_cast<char>(code);
    }
    default:
      return std::nullopt;
  }
}

/// The text that `inside` is as a JSON string; nothing where that takes a closer look.
std::optional<std::string> text_of_string(std::string_view inside) {
  if (!is_utf8(inside)) return std::nullopt;
  std::string out;
  out.reserve(inside.size());
  for (std::size_t at = 0; at < inside.size();) {
    const std::size_t plain = plain_bytes(inside, at);
    out.append(inside, at, plain);
    at += plain;
    if (at == inside.size()) break;
    if (inside[at] != '\\' || at + 1 == inside.size()) return std::nullopt;
    const std::optional<char> character = unescaped(inside.substr(at + 1));
    if (!character) return std::nullopt;
    out += *character;
    at += inside[at + 1] == 'u' ? 6 : 2;
  }
  return out;
}

/// The parser goes through strings character by character, which takes a quarter of a second for ten megabytes. So long
/// ones are left out of what it gets, are read here, and put where they stand: strings are counted, names of members
/// too.
class LongStrings {
 public:
  static constexpr std::size_t kLong = 16U << 10;

  /// The JSON with nothing in its long strings.
  std::string take_out(std::string_view text) {
    std::string brief;
    std::size_t copied = 0;
    for (std::size_t quote = text.find('"'); quote != std::string_view::npos; ++count_) {
      const std::size_t end = end_of_string(text, quote + 1);
      if (end == std::string_view::npos) break;
      const std::string_view inside = text.substr(quote + 1, end - quote - 1);
      if (inside.size() > kLong) {
        taken_.emplace(count_, inside);
        brief.append(text, copied, quote + 1 - copied);
        copied = end;
      }
      quote = text.find('"', end + 1);
    }
    brief.append(text, copied);
    return brief;
  }
  [[nodiscard]] bool none() const { return taken_.empty(); }

  /// Whether that could be done. A member that comes twice is one that the tree lacks, so that the count is another.
  bool put_back(Json& tree) { return visit(tree) && seen_ == count_; }

 private:
  bool visit(Json& value) {
    if (value.is_string()) {
      const auto found = taken_.find(seen_++);
      if (found == taken_.end()) return true;
      std::optional<std::string> text = text_of_string(found->second);
      if (!text) return false;
      value = *std::move(text);
      return true;
    }
    if (value.is_array()) return std::ranges::all_of(value, [this](Json& element) { return visit(element); });
    if (!value.is_object()) return true;
    for (auto member = value.begin(); member != value.end(); ++member) {
      if (taken_.contains(seen_++) || !visit(member.value())) return false;
    }
    return true;
  }

  /// By how many strings come before them.
  std::map<std::size_t, std::string_view> taken_;
  std::size_t count_ = 0;
  std::size_t seen_ = 0;
};

/// Throws what the parser throws.
Json parse_tree(std::string_view text) {
  if (text.size() > LongStrings::kLong) {
    LongStrings strings;
    const std::string brief = strings.take_out(text);
    if (!strings.none()) {
      Json tree = Json::parse(brief, nullptr, /*allow_exceptions=*/false);
      if (!tree.is_discarded() && strings.put_back(tree)) return tree;
    }
  }
  return Json::parse(text);
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
    return parse_tree(text);
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

std::string without_long_strings(std::string_view text, std::size_t limit, std::size_t kept_bytes) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t quote = text.find('"'); quote != std::string_view::npos;) {
    const std::size_t end = end_of_string(text, quote + 1);
    if (end == std::string_view::npos) break;
    if (end - quote - 1 > limit) {
      const std::string_view inside = text.substr(quote + 1, end - quote - 1);
      out.append(text, copied, quote + 1 + whole_part(inside, kept_bytes) - copied);
      copied = end;
    }
    quote = text.find('"', end + 1);
  }
  out.append(text, copied);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  if (!is_utf8(text)) {
    append_json_string(out, to_utf8(text));
    return;
  }
  out += '"';
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t plain = plain_bytes(text, at);
    out.append(text, at, plain);
    at += plain;
    if (at == text.size()) break;
    const auto c = static_cast<unsigned char>(text[at]);
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
