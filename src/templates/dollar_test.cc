#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/templates/test_rendering.h"

namespace lathe::templates {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kDollarValues = R"~({
  "workflow": {"prompt": "do it"}, "step": {"plan-1": {"verdict": "yes", "n": 3, "list": [1, {"a": null}]}},
  "text": "x", "evil": "$(text) {{.text}} $(bash:rm)", "nil": null})~";

Macro only_macro(std::string_view text) {
  std::vector<Fault> faults;
  const Template parsed = Template::parse(text, Syntax::kDollar, faults);
  EXPECT_TRUE(faults.empty()) << text;
  EXPECT_EQ(parsed.macros().size(), 1U) << text;
  return parsed.macros().empty() ? Macro() : parsed.macros()[0];
}

TEST(Dollars, AreValues) {
  const Scope scope = scope_of(kDollarValues);
  const std::initializer_list<Rendering> rows = {
      {"", ""},
      {"a $ b $$ ( )", "a $ b $$ ( )"},
      {"$(text)", "x"},
      {"a$(workflow.prompt)b", "ado itb"},
      {"$(step.plan-1.verdict) $(step.plan-1.n)", "yes 3"},
      {"$(step.plan-1.list)", "[\n  1,\n  {\n    \"a\": null\n  }\n]"},
      {"$(nil)", "null"},
      {"$(evil)", "$(text) {{.text}} $(bash:rm)"},
      {"$$(text)", "$x"},
      {"$($(text))", "$(x)"},
      {"$(gone) $(text.gone) $(step.gone.x)", "$(gone) $(text.gone) $(step.gone.x)"},
      {"$(ls -la) $(a b) $() $(.a) $(a.) $(a..b) $(1a) $( text )",
       "$(ls -la) $(a b) $() $(.a) $(a.) $(a..b) $(1a) $( text )"},
      {"$(other:thing) $(text", "$(other:thing) $(text"},
      {"{{.text}}", "{{.text}}"},
  };
  for (const Rendering& row : rows) EXPECT_EQ(rendered(row.text, scope, Syntax::kDollar), row.expected) << row.text;
}

TEST(Dollars, AMissingValueIsAnErrorWhereThatIsAsked) {
  const Scope scope = scope_of(kDollarValues, Scope::Missing::kError);
  EXPECT_EQ(rendered("ab $(txt)", scope, Syntax::kDollar), "error: $(txt) at byte 3: $(txt) has no value");
  EXPECT_EQ(rendered("$(text)", scope, Syntax::kDollar), "x");
}

TEST(Dollars, MacrosEndAtTheirOwnParenthesis) {
  EXPECT_EQ(only_macro("x $(file: docs/a (1).md )y"), (Macro{"file", "docs/a (1).md", {}, 2}));
  EXPECT_EQ(only_macro("$(file:it's.md)"), (Macro{"file", "it's.md", {}, 0}));
  EXPECT_EQ(only_macro("$(call:names(a, b))"), (Macro{"call", "names(a, b)", {}, 0}));
  EXPECT_EQ(only_macro("$(bash:echo $(ls (x)) y) z)"), (Macro{"bash", "echo $(ls (x)) y", {}, 0}));
  EXPECT_EQ(only_macro("$(bash:echo ')' \")\" \\) a) b)"), (Macro{"bash", "echo ')' \")\" \\) a", {}, 0}));
  EXPECT_EQ(only_macro("$(bash:echo \"$(echo \")\")(\")"), (Macro{"bash", "echo \"$(echo \")\")(\"", {}, 0}));
  EXPECT_EQ(only_macro("$(bash:echo \"it's\" '\"')"), (Macro{"bash", "echo \"it's\" '\"'", {}, 0}));
}

TEST(Dollars, AreListedInTheOrderOfTheText) {
  std::vector<Fault> faults;
  const Template parsed = Template::parse("$(a.b) $(file:f) $(c) $(bash:ls $(d))", Syntax::kDollar, faults);
  EXPECT_THAT(parsed.variables(), ElementsAre(Variable{{"a", "b"}, 0}, Variable{{"c"}, 17}));
  EXPECT_THAT(parsed.macros(), ElementsAre(Macro{"file", "f", {}, 7}, Macro{"bash", "ls $(d)", {}, 22}));
  EXPECT_FALSE(parsed.constant());
}

TEST(Dollars, MacrosAreAskedFor) {
  Scope scope = scope_of(kDollarValues);
  scope.macro = [](const Macro& macro) -> base::Result<std::string> { return macro.space + "!" + macro.argument; };
  EXPECT_EQ(rendered("$(file:a) $(bash:b $(text))", scope, Syntax::kDollar), "file!a bash!b $(text)");
  EXPECT_EQ(rendered("$(bash:b)", scope_of("{}"), Syntax::kDollar),
            "error: $(bash:b) at byte 0: the macro bash:b has no value here");
}

}  // namespace
}  // namespace lathe::templates
