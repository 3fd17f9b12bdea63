#include <string>

#include "fuzz.h"
#include "lathe/templates/template.h"

using lathe::base::Result;
using lathe::templates::Fault;
using lathe::templates::Macro;
using lathe::templates::Scope;
using lathe::templates::Syntax;
using lathe::templates::Template;

namespace {

constexpr std::size_t kMaxBytes = 4'000;

Scope scope_with(const std::string& value, Scope::Missing missing) {
  Scope scope;
  scope.values["a"] = value;
  scope.values["list"] = {1, 2.5, value, nullptr, {{"b", true}}};
  scope.macro = [value](const Macro&) -> Result<std::string> { return value; };
  scope.missing = missing;
  scope.max_bytes = kMaxBytes;
  return scope;
}

/// A macro that became text gives what it gives when it is asked for.
void check_macros(const Template& parsed, const std::string& value, const Scope& scope, const std::string& expected) {
  const auto filled = parsed.with_macros([&](const Macro& macro) -> Result<std::optional<std::string>> {
    if (macro.space == "date" || macro.space == "now") return std::nullopt;
    return value;
  });
  FUZZ_REQUIRE(filled.ok());
  const auto text = filled->render(scope);
  FUZZ_REQUIRE(text.ok() && *text == expected);
}

void check(std::string_view text, Syntax syntax, const std::string& value) {
  std::vector<Fault> faults;
  const Template parsed = Template::parse(text, syntax, faults);
  FUZZ_REQUIRE(parsed.text() == text);
  for (const Fault& fault : faults) FUZZ_REQUIRE(fault.at <= text.size() && !fault.message.empty());
  // The canary holds that no text takes anything from its values.
  FUZZ_REQUIRE(!lathe::fuzz::kCanary || parsed.variables().empty());
  for (const auto& variable : parsed.variables()) FUZZ_REQUIRE(variable.at < text.size() && !variable.path.empty());
  for (const Macro& macro : parsed.macros()) FUZZ_REQUIRE(macro.at < text.size() && !macro.space.empty());
  for (const auto missing : {Scope::Missing::kError, Scope::Missing::kAsWritten}) {
    const Scope scope = scope_with(value, missing);
    const auto result = parsed.render(scope);
    if (!result.ok()) {
      FUZZ_REQUIRE(!result.error().message.empty());
      continue;
    }
    FUZZ_REQUIRE(result->size() <= kMaxBytes);
    if (!parsed.macros().empty()) check_macros(parsed, value, scope, *result);
  }
}

/// What the text says comes out as it is where it is a value.
void check_as_value(const std::string& value) {
  std::vector<Fault> faults;
  const Template braces = Template::parse("{{.a}}-{{var:a}}", Syntax::kBraces, faults);
  const Template dollars = Template::parse("$(a)-$(file:a)", Syntax::kDollar, faults);
  Scope scope = scope_with(value, Scope::Missing::kError);
  scope.max_bytes = 2 * value.size() + 1;
  for (const Template& each : {braces, dollars}) {
    const auto direct = each.render(scope);
    FUZZ_REQUIRE(direct.ok() && *direct == value + "-" + value);
    check_macros(each, value, scope, *direct);
  }
  const auto filled = braces.with_macros([&](const Macro&) -> Result<std::optional<std::string>> { return value; });
  const Template again = Template::parse(filled->text(), Syntax::kBraces, faults);
  FUZZ_REQUIRE(faults.empty() && again.macros().empty() && *again.render(scope) == value + "-" + value);
}

}  // namespace

// A workflow file's text as a template, and as a value of one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::string value = "{{.a}}$(a){{var:a}}";
  check(input, Syntax::kBraces, value);
  check(input, Syntax::kDollar, value);
  check_as_value(input);
  return 0;
}
