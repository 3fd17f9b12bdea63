#include "lathe/templates/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "lathe/base/strings.h"
#include "lathe/templates/constants.h"
#include "lathe/templates/print.h"
#include "lathe/templates/template.h"

namespace lathe::templates {

using base::Error;
using base::Result;

namespace {

/// Sprig has these twice: the plain ones stop a template with a panic, the others with an error, which is here the
/// same.
constexpr auto kWithMust = std::to_array<std::string_view>(
    {"append",     "concat",  "compact",   "first",        "has",        "initial",         "last",
     "merge",      "prepend", "regexFind", "regexFindAll", "regexMatch", "regexReplaceAll", "regexReplaceAllLiteral",
     "regexSplit", "rest",    "reverse",   "slice",        "toJson",     "toPrettyJson",    "toRawJson",
     "uniq",       "without"});

using FunctionTable = std::map<std::string, Function, std::less<>>;

FunctionTable all_functions() {
  FunctionTable out;
  for (const auto table : {builtin_functions(), text_functions(), shape_functions(), number_functions(),
                           list_functions(), map_functions(), encoding_functions(), regex_functions()}) {
    for (const Function& function : table) out.emplace(function.name, function);
  }
  for (const std::string_view name : kWithMust) {
    std::string must = "must" + std::string(name);
    must[4] = static_cast<char>(must[4] - 'a' + 'A');
    out.emplace(std::move(must), out.find(name)->second);
  }
  for (auto& [name, function] : out) function.name = name;
  return out;
}

const FunctionTable& function_table() {
  static const FunctionTable kTable = all_functions();
  return kTable;
}

bool fits_letter(char letter, const Value& value) {
  switch (letter) {
    case 's':
      return value.kind == Kind::kText;
    case 'i':
      return value.kind == Kind::kInt;
    case 'l':
      return value.kind == Kind::kList;
    case 'm':
      return value.kind == Kind::kMap;
    default:
      return true;
  }
}

std::string_view letter_name(char letter) {
  switch (letter) {
    case 's':
      return "text";
    case 'i':
      return "a whole number";
    case 'l':
      return "a list";
    default:
      return "a map";
  }
}

std::string_view hint_for(char letter, const Value& value) {
  if (letter == 's' && !value.absent()) return "toString makes text of anything";
  if (letter == 'i' && !value.absent()) return "int makes a whole number of text and of other numbers";
  return "";
}

}  // namespace

Function::Count Function::arguments() const {
  if (takes.ends_with('*')) return {.least = takes.size() - 2};
  if (takes.ends_with('?')) return {.least = takes.size() - 2, .most = takes.size() - 1};
  return {.least = takes.size(), .most = takes.size()};
}

Result<void> Function::check(Arguments arguments) const {
  const Count count = this->arguments();
  if (arguments.size() < count.least || arguments.size() > count.most) {
    return wrong(fmt::format("wrong number of arguments: {}", arguments.size()));
  }
  const std::size_t letters = takes.size() - (takes.ends_with('*') || takes.ends_with('?') ? 1 : 0);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const char letter = takes[std::min(i, letters - 1)];
    if (fits_letter(letter, arguments[i])) continue;
    Error error =
        wrong(fmt::format("argument {} must be {}, not {}", i + 1, letter_name(letter), kind_name(arguments[i])));
    error.hint = hint_for(letter, arguments[i]);
    return error;
  }
  return {};
}

const Function* find_function(std::string_view name) {
  const auto found = function_table().find(name);
  return found == function_table().end() ? nullptr : &found->second;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, function] : function_table()) names.push_back(name);
  return names;
}

std::string text_of(Heap& heap, const Value& value) {
  return value.kind == Kind::kText ? std::string(value.text) : printed(heap, value);
}

std::vector<std::string> texts_of(Heap& heap, const Value& value) {
  std::vector<std::string> out;
  if (value.kind != Kind::kList) {
    if (!value.absent()) out.push_back(text_of(heap, value));
    return out;
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < size_of(value) && !heap.exhausted(); ++i) {
    const Value item = item_of(value, i);
    if (item.absent()) continue;
    out.push_back(text_of(heap, item));
    bytes += out.back().size();
    if (!heap.spend(1) || !heap.fits(bytes)) break;
  }
  return out;
}

double to_float(const Value& value) {
  if (value.kind == Kind::kFloat) return value.real;
  if (value.kind == Kind::kInt || value.kind == Kind::kBool) return static_cast<double>(value.whole);
  if (value.kind != Kind::kText) return 0;
  double number = 0;
  const std::string_view text = base::trim(value.text);
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size() ? number : 0;
}

std::int64_t to_int(const Value& value) {
  if (value.kind == Kind::kInt || value.kind == Kind::kBool) return value.whole;
  if (value.kind == Kind::kText) {
    std::string_view text = base::trim(value.text);
    // "08" is 8, though Go's constant of that shape is none.
    while (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') text.remove_prefix(1);
    const auto number = number_constant(text);
    return number && number->is_whole ? number->whole : 0;
  }
  if (value.kind != Kind::kFloat || std::isnan(value.real)) return 0;
  constexpr double kLimit = 9.2e18;
  if (value.real >= kLimit) return std::numeric_limits<std::int64_t>::max();
  if (value.real <= -kLimit) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value.real);
}

Error wrong(std::string_view message) { return {.code = base::codes::kInvalid, .message = std::string(message)}; }

}  // namespace lathe::templates
