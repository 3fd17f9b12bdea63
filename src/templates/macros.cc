#include "lathe/templates/macros.h"

#include <string>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/templates/lexer.h"

namespace lathe::templates {
namespace {

constexpr std::string_view kClosing = "}}";

bool is_space_name_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// How long what a macro holds is, and what comes behind it: "}}", or " -}}".
MacroAction ending_of(std::string_view text, Offset inside) {
  MacroAction out;
  const std::size_t close = text.find(kClosing, inside);
  out.open = close == std::string_view::npos;
  out.end = out.open ? text.size() : close + kClosing.size();
  out.trims_right = !out.open && close >= inside + 2 && text[close - 1] == '-' && is_blank(text[close - 2]);
  return out;
}

Macro macro_of(std::string_view space, std::string_view argument) {
  Macro macro{.space = std::string(space)};
  if (space != "var") {
    macro.argument = base::trim(argument);
    return macro;
  }
  const std::vector<std::string_view> parts = base::split(argument, '|');
  macro.argument = base::trim(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) macro.fallbacks.emplace_back(base::trim(parts[i]));
  return macro;
}

}  // namespace

std::optional<MacroAction> macro_at(std::string_view text, Offset begin) {
  Offset name = begin;
  while (name < text.size() && is_blank(text[name])) ++name;
  Offset end = name;
  while (end < text.size() && is_space_name_byte(text[end])) ++end;
  const std::string_view space = text.substr(name, end - name);
  if (space.empty()) return std::nullopt;
  std::string_view rest = text.substr(end);
  if (rest.starts_with(':') && !rest.starts_with(":=")) {
    MacroAction out = ending_of(text, end + 1);
    const std::size_t marker = out.open ? 0 : kClosing.size() + (out.trims_right ? 1 : 0);
    out.macro = macro_of(space, text.substr(end + 1, out.end - marker - (end + 1)));
    return out;
  }
  if (space != "date" && space != "now") return std::nullopt;
  Offset after = end;
  while (after < text.size() && is_blank(text[after])) ++after;
  rest = text.substr(after);
  const bool trims = after > end && rest.starts_with("-}}");
  if (!trims && !rest.starts_with(kClosing)) return std::nullopt;
  return MacroAction{
      .macro = {.space = std::string(space)}, .end = after + (trims ? 1 : 0) + kClosing.size(), .trims_right = trims};
}

std::string macro_text(const Macro& macro) {
  std::string out = macro.space;
  if (!macro.argument.empty()) out += ":" + macro.argument;
  for (const std::string& fallback : macro.fallbacks) out += "|" + fallback;
  return out;
}

}  // namespace lathe::templates
