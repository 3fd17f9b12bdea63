#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/templates/functions.h"
#include "lathe/templates/letters.h"
#include "lathe/templates/print.h"

// Sprig's functions that make text of other things, lay it out, take it apart, and choose between values.

namespace lathe::templates {

using base::Result;

namespace {

Result<Value> default_call(Heap&, Arguments arguments) {
  return arguments.size() > 1 && truth(arguments[1]) ? arguments[1] : arguments[0];
}

Result<Value> empty_call(Heap&, Arguments arguments) { return bool_value(!truth(arguments[0])); }

Result<Value> coalesce_call(Heap&, Arguments arguments) {
  const auto found = std::ranges::find_if(arguments, truth);
  return found == arguments.end() ? Value{} : *found;
}

Result<Value> ternary_call(Heap&, Arguments arguments) { return arguments[truth(arguments[2]) ? 0 : 1]; }

Result<Value> all_call(Heap&, Arguments arguments) { return bool_value(std::ranges::all_of(arguments, truth)); }
Result<Value> any_call(Heap&, Arguments arguments) { return bool_value(std::ranges::any_of(arguments, truth)); }

Result<Value> fail_call(Heap&, Arguments arguments) { return wrong(arguments[0].text); }

Result<Value> quote_call(Heap& heap, Arguments arguments) {
  std::string out;
  for (const Value& value : arguments) {
    if (value.absent()) continue;
    if (!out.empty()) out += ' ';
    out += go_quoted(text_of(heap, value));
  }
  return heap.text(std::move(out));
}

Result<Value> squote_call(Heap& heap, Arguments arguments) {
  std::string out;
  for (const Value& value : arguments) {
    if (value.absent()) continue;
    if (!out.empty()) out += ' ';
    out += "'" + text_of(heap, value) + "'";
  }
  return heap.text(std::move(out));
}

Result<Value> cat_call(Heap& heap, Arguments arguments) {
  std::string out;
  bool first = true;
  for (const Value& value : arguments) {
    if (value.absent()) continue;
    if (!first) out += ' ';
    first = false;
    append_printed(heap, out, value);
  }
  return heap.text(std::move(out));
}

std::string indented(Heap& heap, Arguments arguments, std::string_view before) {
  const std::string_view text = arguments[1].text;
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  const auto spaces = static_cast<std::size_t>(std::max<std::int64_t>(arguments[0].whole, 0));
  if (!heap.fits(spaces) || !heap.fits(text.size() + lines * spaces)) return "";
  const std::string pad(spaces, ' ');
  std::string out = std::string(before) + pad;
  out.reserve(out.size() + text.size() + lines * spaces);
  for (const char c : text) {
    out += c;
    if (c == '\n') out += pad;
  }
  return out;
}

Result<Value> indent_call(Heap& heap, Arguments arguments) { return heap.text(indented(heap, arguments, "")); }
Result<Value> nindent_call(Heap& heap, Arguments arguments) { return heap.text(indented(heap, arguments, "\n")); }

/// Lines of at most so many bytes where words allow it; line breaks that are there stay.
Result<Value> wrap_call(Heap& heap, Arguments arguments) {
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(arguments[0].whole, 1));
  std::string out;
  for (const std::string_view line : base::split(arguments[1].text, '\n')) {
    std::size_t column = 0;
    bool first = true;
    for (const std::string_view word : base::split(line, ' ')) {
      if (!first && column > 0 && column + 1 + word.size() > width) {
        out += '\n';
        column = 0;
      } else if (!first) {
        out += ' ';
        ++column;
      }
      first = false;
      out += word;
      column += word.size();
    }
    out += '\n';
  }
  // A line break stands between lines, and behind the last one there was none.
  out.pop_back();
  return heap.text(std::move(out));
}

Result<Value> plural_call(Heap&, Arguments arguments) { return arguments[arguments[2].whole == 1 ? 0 : 1]; }

/// At most `most` parts; without a separator, each character is one.
std::vector<std::string_view> parts_of(Heap& heap, std::string_view text, std::string_view separator,
                                       std::size_t most) {
  std::vector<std::string_view> out;
  while (out.size() + 1 < most && heap.spend(1) && heap.hold(sizeof(std::string_view))) {
    const std::size_t letter = text.empty() ? 0 : letter_at(text, 0).bytes;
    const std::size_t found = separator.empty() ? letter : text.find(separator);
    if (found == std::string_view::npos || (separator.empty() && letter == text.size())) break;
    out.push_back(text.substr(0, found));
    text.remove_prefix(found + separator.size());
  }
  out.push_back(text);
  return out;
}

constexpr std::size_t kAllParts = std::string::npos;

Value split_map(Heap& heap, std::string_view text, std::string_view separator, std::size_t most) {
  Members out;
  std::size_t count = 0;
  for (const std::string_view part : parts_of(heap, text, separator, most)) {
    if (!heap.hold(sizeof(Members::value_type))) break;
    out.emplace(fmt::format("_{}", count++), text_value(part));
  }
  return heap.map(std::move(out));
}

Result<Value> split_call(Heap& heap, Arguments arguments) {
  return split_map(heap, arguments[1].text, arguments[0].text, kAllParts);
}

Result<Value> splitn_call(Heap& heap, Arguments arguments) {
  if (arguments[1].whole < 1) return wrong("the number of parts must be one at least");
  return split_map(heap, arguments[2].text, arguments[0].text, static_cast<std::size_t>(arguments[1].whole));
}

Result<Value> split_list_call(Heap& heap, Arguments arguments) {
  Items out;
  for (const std::string_view part : parts_of(heap, arguments[1].text, arguments[0].text, kAllParts)) {
    if (!heap.hold(sizeof(Value))) break;
    out.push_back(text_value(part));
  }
  return heap.list(std::move(out));
}

Result<Value> join_call(Heap& heap, Arguments arguments) {
  std::string out;
  bool first = true;
  for (const std::string& text : texts_of(heap, arguments[1])) {
    if (!first) out += arguments[0].text;
    first = false;
    out += text;
    if (!heap.fits(out.size())) return Value{};
  }
  return heap.text(std::move(out));
}

Value list_of_texts(Heap& heap, const std::vector<std::string>& texts) {
  Items out;
  for (const std::string& text : texts) out.push_back(heap.text(text));
  return heap.list(std::move(out));
}

Result<Value> sort_alpha_call(Heap& heap, Arguments arguments) {
  std::vector<std::string> texts = texts_of(heap, arguments[0]);
  std::ranges::sort(texts);
  return list_of_texts(heap, texts);
}

Result<Value> to_string_call(Heap& heap, Arguments arguments) { return heap.text(text_of(heap, arguments[0])); }
Result<Value> to_strings_call(Heap& heap, Arguments arguments) {
  return list_of_texts(heap, texts_of(heap, arguments[0]));
}

std::string_view go_kind(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kNil:
      return "invalid";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float64";
    case Kind::kText:
      return "string";
    case Kind::kTime:
      return "struct";
    case Kind::kList:
      return "slice";
    case Kind::kMap:
      break;
  }
  return "map";
}

Result<Value> kind_of_call(Heap&, Arguments arguments) { return text_value(go_kind(arguments[0])); }
Result<Value> kind_is_call(Heap&, Arguments arguments) {
  return bool_value(arguments[0].text == go_kind(arguments[1]));
}
Result<Value> type_of_call(Heap& heap, Arguments arguments) {
  const std::array<Value, 2> format = {text_value("%T"), arguments[0]};
  return format_call(heap, format);
}

constexpr Function::Missing kAnswer = Function::Missing::kIsAnAnswer;

constexpr auto kShapes = std::to_array<Function>({
    {"default", "aa?", default_call, kAnswer},
    {"empty", "a", empty_call, kAnswer},
    {"coalesce", "a*", coalesce_call, kAnswer},
    {"ternary", "aaa", ternary_call, kAnswer},
    {"all", "a*", all_call, kAnswer},
    {"any", "a*", any_call, kAnswer},
    {"fail", "s", fail_call},
    {"quote", "a*", quote_call},
    {"squote", "a*", squote_call},
    {"cat", "a*", cat_call},
    {"indent", "is", indent_call},
    {"nindent", "is", nindent_call},
    {"wrap", "is", wrap_call},
    {"plural", "ssi", plural_call},
    {"split", "ss", split_call},
    {"splitn", "sis", splitn_call},
    {"splitList", "ss", split_list_call},
    {"join", "sa", join_call},
    {"sortAlpha", "a", sort_alpha_call},
    {"toString", "a", to_string_call},
    {"toStrings", "a", to_strings_call},
    {"kindOf", "a", kind_of_call, kAnswer},
    {"kindIs", "sa", kind_is_call, kAnswer},
    {"typeOf", "a", type_of_call, kAnswer},
});

}  // namespace

std::span<const Function> shape_functions() { return kShapes; }

}  // namespace lathe::templates
