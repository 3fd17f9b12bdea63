#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/crypto/sha256.h"
#include "lathe/templates/functions.h"
#include "lathe/templates/go_date.h"
#include "lathe/templates/print.h"

// JSON as Go's encoding/json writes it (names sorted, <, > and & escaped), base64, SHA-256, and times in UTC.

namespace lathe::templates {

using base::Result;

namespace {

constexpr std::size_t kMaxJsonDepth = 200;
/// What a value of a tree takes for each byte of its text, at most.
constexpr std::size_t kTreeBytesPerByte = 10;

enum class Escape { kHtml, kPlain };

class JsonWriter {
 public:
  JsonWriter(Heap& heap, Escape escape) : heap_(heap), escape_(escape) {}

  Result<std::string> write(const Value& value) {
    TRY_OK(add(value, kMaxValueDepth));
    return std::move(out_);
  }

 private:
  Result<void> add(const Value& value, int depth) {
    if (depth == 0) heap_.too_deep();
    if (!heap_.spend(1) || !heap_.fits(out_.size())) return {};
    switch (value.kind) {
      case Kind::kMissing:
      case Kind::kNil:
        out_ += "null";
        return {};
      case Kind::kBool:
        out_ += value.whole != 0 ? "true" : "false";
        return {};
      case Kind::kInt:
        out_ += fmt::format("{}", value.whole);
        return {};
      case Kind::kFloat:
        return number(value.real);
      case Kind::kText:
        if (heap_.fits(out_.size() + value.text.size())) text(value.text);
        return {};
      case Kind::kTime:
        text(go_date(value.whole, kNowLayout));
        return {};
      case Kind::kList:
        return list(value, depth - 1);
      case Kind::kMap:
        break;
    }
    return map(value, depth - 1);
  }

  Result<void> number(double number) {
    if (!std::isfinite(number)) return wrong("JSON has no such number");
    const double size = std::fabs(number);
    if (size == 0 || (size >= 1e-6 && size < 1e21)) {
      out_ += go_float(number, 'f', -1);
      return {};
    }
    std::string digits = go_float(number, 'e', -1);
    // e-07 is e-7 here.
    const std::size_t zero = digits.size() - 2;
    if (digits[zero] == '0' && digits[zero - 1] == '-') digits.erase(zero, 1);
    out_ += digits;
    return {};
  }

  void text(std::string_view text) {
    std::string quoted;
    base::append_json_string(quoted, text);
    if (escape_ == Escape::kPlain) {
      out_ += quoted;
      return;
    }
    for (std::size_t at = 0; at < quoted.size(); ++at) {
      const char c = quoted[at];
      if (c == '<' || c == '>' || c == '&') {
        out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out_ += c;
      }
    }
  }

  Result<void> list(const Value& list, int depth) {
    out_ += '[';
    for (std::size_t i = 0; i < size_of(list) && !heap_.exhausted(); ++i) {
      if (i > 0) out_ += ',';
      TRY_OK(add(item_of(list, i), depth));
    }
    out_ += ']';
    return {};
  }

  Result<void> map(const Value& map, int depth) {
    out_ += '{';
    bool first = true;
    for (const auto& [name, value] : members_of(map)) {
      if (heap_.exhausted()) return {};
      if (!first) out_ += ',';
      first = false;
      text(name);
      out_ += ':';
      TRY_OK(add(value, depth));
    }
    out_ += '}';
    return {};
  }

  Heap& heap_;
  Escape escape_;
  std::string out_;
};

Result<Value> to_json_call(Heap& heap, Arguments arguments) {
  TRY(std::string json, JsonWriter(heap, Escape::kHtml).write(arguments[0]));
  return heap.text(std::move(json));
}

Result<Value> to_raw_json_call(Heap& heap, Arguments arguments) {
  TRY(std::string json, JsonWriter(heap, Escape::kPlain).write(arguments[0]));
  return heap.text(std::move(json));
}

Result<Value> to_pretty_json_call(Heap& heap, Arguments arguments) {
  TRY(std::string json, JsonWriter(heap, Escape::kHtml).write(arguments[0]));
  if (heap.exhausted()) return Value{};
  return heap.text(base::indent_json(json));
}

Result<Value> must_from_json_call(Heap& heap, Arguments arguments) {
  const std::string_view text = arguments[0].text;
  if (!heap.hold(kTreeBytesPerByte * text.size())) return Value{};
  TRY(base::Json json, base::parse_json(text, {.max_bytes = text.size(), .max_depth = kMaxJsonDepth}));
  return heap.tree(std::move(json));
}

/// As in Sprig, what is no JSON is nil.
Result<Value> from_json_call(Heap& heap, Arguments arguments) {
  return must_from_json_call(heap, arguments).value_or(Value{});
}

Result<Value> b64enc_call(Heap& heap, Arguments arguments) { return heap.text(base::base64(arguments[0].text)); }

Result<Value> b64dec_call(Heap& heap, Arguments arguments) {
  TRY(std::string bytes, base::base64_decode(arguments[0].text));
  return heap.text(std::move(bytes));
}

Result<Value> sha256sum_call(Heap& heap, Arguments arguments) { return heap.text(crypto::sha256(arguments[0].text)); }

Result<Value> now_call(Heap& heap, Arguments) { return time_value(heap.now_seconds()); }

Result<Value> date_call(Heap& heap, Arguments arguments) {
  const Value& time = arguments[1];
  if (time.kind != Kind::kTime && time.kind != Kind::kInt && time.kind != Kind::kFloat) {
    return wrong(fmt::format("argument 2 must be a time or seconds since 1970, not {}", kind_name(time)));
  }
  return heap.text(go_date(time.kind == Kind::kTime ? time.whole : to_int(time), arguments[0].text));
}

Result<Value> date_in_zone_call(Heap& heap, Arguments arguments) {
  static constexpr std::array<std::string_view, 5> kZones = {"", "UTC", "GMT", "Etc/UTC", "Local"};
  if (std::ranges::find(kZones, arguments[2].text) == kZones.end()) {
    return wrong(fmt::format("there is no zone \"{}\" here: times are in UTC", arguments[2].text));
  }
  return date_call(heap, arguments.first(2));
}

constexpr auto kEncodings = std::to_array<Function>({
    {"toJson", "a", to_json_call},
    {"toRawJson", "a", to_raw_json_call},
    {"toPrettyJson", "a", to_pretty_json_call},
    {"fromJson", "s", from_json_call},
    {"mustFromJson", "s", must_from_json_call},
    {"b64enc", "s", b64enc_call},
    {"b64dec", "s", b64dec_call},
    {"sha256sum", "s", sha256sum_call},
    {"now", "", now_call},
    {"date", "sa", date_call},
    {"dateInZone", "sas", date_in_zone_call},
});

}  // namespace

std::span<const Function> encoding_functions() { return kEncodings; }

}  // namespace lathe::templates
