#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <compare>
#include <optional>

#include "lathe/templates/functions.h"
#include "lathe/templates/letters.h"
#include "lathe/templates/print.h"

// The functions of Go's text/template itself.

namespace lathe::templates {

using base::Error;
using base::Result;

namespace {

/// The evaluator does these itself.
Result<Value> lazy_call(Heap&, Arguments arguments) { return arguments.back(); }

Result<Value> not_call(Heap&, Arguments arguments) { return bool_value(!truth(arguments[0])); }

bool is_number(const Value& value) { return value.kind == Kind::kInt || value.kind == Kind::kFloat; }

Error incomparable(const Value& a, const Value& b) {
  return wrong(fmt::format("{} cannot be compared with {}", kind_name(a), kind_name(b)));
}

Result<std::partial_ordering> order_of(const Value& a, const Value& b) {
  if (a.kind == Kind::kText && b.kind == Kind::kText) return std::partial_ordering(a.text <=> b.text);
  const bool same_kind = a.kind == b.kind && (a.kind == Kind::kInt || a.kind == Kind::kTime);
  if (same_kind) return std::partial_ordering(a.whole <=> b.whole);
  if (is_number(a) && is_number(b)) return to_float(a) <=> to_float(b);
  return incomparable(a, b);
}

Result<Value> eq_call(Heap& heap, Arguments arguments) {
  const auto holds_more = [](const Value& value) { return value.kind == Kind::kList || value.kind == Kind::kMap; };
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const Value& a = arguments[0];
    const Value& b = arguments[i];
    const bool comparable = a.kind == b.kind || (is_number(a) && is_number(b)) || a.absent() || b.absent();
    if (!comparable || ((holds_more(a) || holds_more(b)) && !a.absent() && !b.absent())) return incomparable(a, b);
    if (same(heap, a, b)) return bool_value(true);
  }
  return bool_value(false);
}

Result<Value> ne_call(Heap& heap, Arguments arguments) {
  TRY(const Value equal, eq_call(heap, arguments));
  return bool_value(equal.whole == 0);
}

Result<Value> lt_call(Heap&, Arguments arguments) {
  TRY(const auto order, order_of(arguments[0], arguments[1]));
  return bool_value(order < 0);
}

Result<Value> le_call(Heap&, Arguments arguments) {
  TRY(const auto order, order_of(arguments[0], arguments[1]));
  return bool_value(order <= 0);
}

Result<Value> gt_call(Heap&, Arguments arguments) {
  TRY(const auto order, order_of(arguments[0], arguments[1]));
  return bool_value(order > 0);
}

Result<Value> ge_call(Heap&, Arguments arguments) {
  TRY(const auto order, order_of(arguments[0], arguments[1]));
  return bool_value(order >= 0);
}

Result<Value> len_call(Heap&, Arguments arguments) {
  const Value& value = arguments[0];
  if (value.kind == Kind::kText) return int_value(static_cast<std::int64_t>(value.text.size()));
  if (value.kind == Kind::kList || value.kind == Kind::kMap)
    return int_value(static_cast<std::int64_t>(size_of(value)));
  return wrong(fmt::format("{} has no length", kind_name(value)));
}

Result<Value> index_one(const Value& value, const Value& key) {
  if (value.kind == Kind::kMap) {
    if (key.kind != Kind::kText) return wrong(fmt::format("a map is indexed by text, not by {}", kind_name(key)));
    return member_of(value, key.text).value_or(Value{});
  }
  const bool text = value.kind == Kind::kText;
  if (value.kind != Kind::kList && !text) return wrong(fmt::format("{} cannot be indexed", kind_name(value)));
  if (key.kind != Kind::kInt) return wrong(fmt::format("a whole number must be the index, not {}", kind_name(key)));
  const std::size_t size = text ? value.text.size() : size_of(value);
  if (key.whole < 0 || key.whole >= static_cast<std::int64_t>(size)) {
    return wrong(fmt::format("index {} is out of range: there are {}", key.whole, size));
  }
  const auto at = static_cast<std::size_t>(key.whole);
  return text ? int_value(static_cast<unsigned char>(value.text[at])) : item_of(value, at);
}

Result<Value> index_call(Heap&, Arguments arguments) {
  Value value = arguments[0];
  for (const Value& key : arguments.subspan(1)) {
    TRY(value, index_one(value, key));
  }
  return value;
}

Result<Value> slice_call(Heap& heap, Arguments arguments) {
  const Value& value = arguments[0];
  const bool text = value.kind == Kind::kText;
  if (!text && value.kind != Kind::kList) return wrong(fmt::format("{} cannot be sliced", kind_name(value)));
  if (arguments.size() > 3) return wrong("takes a list or text, and at most two places");
  const auto size = static_cast<std::int64_t>(text ? value.text.size() : size_of(value));
  std::array<std::int64_t, 2> places = {0, size};
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    places[i - 1] = arguments[i].whole;
    if (arguments[i].whole < 0 || arguments[i].whole > size) {
      return wrong(fmt::format("place {} is out of range: there are {}", arguments[i].whole, size));
    }
  }
  if (places[0] > places[1]) return wrong(fmt::format("place {} lies behind place {}", places[0], places[1]));
  const auto begin = static_cast<std::size_t>(places[0]);
  const auto end = static_cast<std::size_t>(places[1]);
  if (text) return text_value(value.text.substr(begin, end - begin));
  Items items;
  if (!heap.hold((end - begin) * sizeof(Value))) return Value{};
  for (std::size_t i = begin; i < end; ++i) items.push_back(item_of(value, i));
  return heap.list(std::move(items));
}

std::string all_of(Heap& heap, Arguments arguments) { return printed_all(heap, {arguments.begin(), arguments.end()}); }

Result<Value> print_call(Heap& heap, Arguments arguments) { return heap.text(all_of(heap, arguments)); }

Result<Value> println_call(Heap& heap, Arguments arguments) {
  std::string out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) out += ' ';
    append_printed(heap, out, arguments[i]);
  }
  return heap.text(out + '\n');
}

Result<Value> html_call(Heap& heap, Arguments arguments) {
  std::string out;
  for (const char c : all_of(heap, arguments)) {
    static constexpr std::string_view kSpecial("\0\"'&<>", 6);
    static constexpr std::array<std::string_view, 6> kEscapes = {"\xef\xbf\xbd", "&#34;", "&#39;",
                                                                 "&amp;",        "&lt;",  "&gt;"};
    const std::size_t special = kSpecial.find(c);
    if (special == std::string_view::npos) {
      out += c;
    } else {
      out += kEscapes[special];
    }
  }
  return heap.text(std::move(out));
}

Result<Value> js_call(Heap& heap, Arguments arguments) {
  const std::string text = all_of(heap, arguments);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    const auto c = letter.code < 0x80 ? static_cast<char>(letter.code) : '\0';
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += c;
    } else if (letter.code < ' ' || c == '<' || c == '>' || c == '&' || c == '=' || !is_printable(letter.code)) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(letter.code));
    } else {
      append_letter(out, letter.code);
    }
    at += letter.bytes;
  }
  return heap.text(std::move(out));
}

Result<Value> urlquery_call(Heap& heap, Arguments arguments) {
  std::string out;
  for (const char c : all_of(heap, arguments)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      out += '+';
    } else if (byte < 0x80 && (is_word(byte) || c == '-' || c == '.' || c == '~')) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return heap.text(std::move(out));
}

constexpr auto kBuiltins = std::to_array<Function>({
    {kAnd, "aa*", lazy_call, Function::Missing::kIsAnAnswer},
    {kOr, "aa*", lazy_call, Function::Missing::kIsAnAnswer},
    {"not", "a", not_call, Function::Missing::kIsAnAnswer},
    {"eq", "aaa*", eq_call},
    {"ne", "aa", ne_call},
    {"lt", "aa", lt_call},
    {"le", "aa", le_call},
    {"gt", "aa", gt_call},
    {"ge", "aa", ge_call},
    {"len", "a", len_call},
    {"index", "aa*", index_call},
    {"slice", "ai*", slice_call},
    {"print", "a*", print_call},
    {"println", "a*", println_call},
    {"printf", "sa*", format_call},
    {"html", "a*", html_call},
    {"js", "a*", js_call},
    {"urlquery", "a*", urlquery_call},
});

}  // namespace

std::span<const Function> builtin_functions() { return kBuiltins; }

}  // namespace lathe::templates
