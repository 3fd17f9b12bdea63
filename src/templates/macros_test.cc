#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "lathe/templates/test_rendering.h"

namespace lathe::templates {
namespace {

using base::Result;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Template parsed_braces(std::string_view text) {
  std::vector<Fault> faults;
  Template out = Template::parse(text, Syntax::kBraces, faults);
  EXPECT_TRUE(faults.empty()) << text << ": " << (faults.empty() ? "" : faults[0].message);
  return out;
}

/// Gives each macro its argument's value, and nothing for those that have none.
auto from(const std::map<std::string, std::string>& values) {
  return [values](const Macro& macro) -> Result<std::optional<std::string>> {
    const auto found = values.find(macro.argument);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Macros, AreKnownByTheirShape) {
  const std::vector<std::pair<std::string_view, Macro>> rows = {
      {"{{var:name}}", {"var", "name", {}, 0}},
      {"a{{var:name|gpt 5}}", {"var", "name", {"gpt 5"}, 1}},
      {"{{ var:a | var:b | c }}", {"var", "a", {"var:b", "c"}, 0}},
      {"{{var:a|}}", {"var", "a", {""}, 0}},
      {"{{var:my-name_1}}", {"var", "my-name_1", {}, 0}},
      {"{{date}}", {"date", "", {}, 0}},
      {"{{ now }}", {"now", "", {}, 0}},
      {"{{date:Jan 2, 2006}}", {"date", "Jan 2, 2006", {}, 0}},
      {"{{now:15:04|x}}", {"now", "15:04|x", {}, 0}},
      {"{{chain:id}}", {"chain", "id", {}, 0}},
      {"{{host:os}}", {"host", "os", {}, 0}},
      {"{{toolservice:tools local_fs}}", {"toolservice", "tools local_fs", {}, 0}},
      {"{{edge_count:a->b}}", {"edge_count", "a->b", {}, 0}},
      {"{{if .a}} {{- var:b -}} {{end}}", {"var", "b", {}, 10}},
  };
  for (const auto& [text, macro] : rows) EXPECT_THAT(parsed_braces(text).macros(), ElementsAre(macro)) << text;
  for (const std::string_view text : {"{{date \"2006\" now}}", "{{now | date \"2006\"}}", "{{now.Unix}}", "{{.a}}",
                                      "{{\"var:a\"}}", "{{print \"{{var:a}}\"}}"}) {
    EXPECT_TRUE(parsed_braces(text).macros().empty()) << text;
  }
}

TEST(Macros, AreAskedForInTheOrderOfTheText) {
  Scope scope = scope_of("{}");
  std::vector<std::string> asked;
  scope.macro = [&](const Macro& macro) -> Result<std::string> {
    asked.push_back(macro.space + ":" + macro.argument);
    if (macro.argument == "none") return base::Error{.code = base::codes::kNotFound, .message = "no such variable"};
    return "<" + macro.argument + ">";
  };
  EXPECT_EQ(rendered("{{var:a}} {{- chain:id -}} {{if true}}{{host:os}}{{else}}{{var:c}}{{end}}", scope),
            "<a><id><os>");
  EXPECT_THAT(asked, ElementsAre("var:a", "chain:id", "host:os"));
  EXPECT_EQ(rendered("ab{{var:none}}", scope), "error: {{var:none}} at byte 2: no such variable");
  EXPECT_EQ(rendered("{{var:a|b}}", scope_of("{}")),
            "error: {{var:a|b}} at byte 0: the macro var:a|b has no value here");
}

TEST(Macros, DateAndNowAreKnown) {
  const Scope scope = scope_of("{}");
  EXPECT_EQ(rendered("{{date}} {{now}}", scope), "2026-07-04 2026-07-04T15:08:09Z");
  EXPECT_EQ(rendered("{{date:02.01.06}} {{now:15:04}}", scope), "04.07.26 15:08");
}

TEST(Macros, ThatHaveAValueBecomeText) {
  const Template before =
      parsed_braces("{{var:a}} {{.x}} {{var:b}}{{range .l}}{{var:a}}{{.}}{{end}}{{define \"t\"}}{{var:a}}{{end}}");
  const auto after = before.with_macros(from({{"a", "A"}}));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->text(), "A {{.x}} {{var:b}}{{range .l}}A{{.}}{{end}}{{define \"t\"}}A{{end}}");
  EXPECT_THAT(after->macros(), ElementsAre(Macro{"var", "b", {}, 17}));
  EXPECT_EQ(before.macros().size(), 4U);
  EXPECT_EQ(after->variables(), before.variables());
  EXPECT_FALSE(*after == before);
  const auto all = after->with_macros(from({{"b", "{{.x}}"}}));
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->text(), "A {{.x}} {{\"{{.x}}\"}}{{range .l}}A{{.}}{{end}}{{define \"t\"}}A{{end}}");
  const auto text = all->render(scope_of(R"({"x": "X", "l": [1, 2]})"));
  ASSERT_TRUE(text.ok()) << text.error().text();
  EXPECT_EQ(*text, "A X {{.x}}A1A2");
}

TEST(Macros, AnErrorOfOneIsTheErrorOfAll) {
  const auto after = parsed_braces("{{var:a}}").with_macros([](const Macro&) -> Result<std::optional<std::string>> {
    return base::Error{.code = base::codes::kNotFound, .message = "no variable a"};
  });
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code, base::codes::kNotFound);
}

TEST(Macros, OnesOfOnlyTextMakeItConstant) {
  const auto after = parsed_braces("a {{var:a}}").with_macros(from({{"a", "{{.b}}"}}));
  ASSERT_TRUE(after.ok());
  EXPECT_TRUE(after->constant());
  EXPECT_EQ(*after->render({}), "a {{.b}}");
}

/// Words that mean something to one of the languages, and some that do not.
std::string random_value(std::mt19937& random) {
  static constexpr auto kPieces = std::to_array<std::string_view>(
      {"{{", "}}", "{", "}",  "$(", "$(x)", ")", "{{.x}}", "{{var:b}}", "-",   "{{-", "-}}",          " ", "\n", "\"",
       "`",  "\\", "'", "/*", "*/", "a",    "ü", "\xff",   "\x01",      "end", "if",  "$(bash:rm x)", "|"});
  std::string out;
  std::uniform_int_distribution<std::size_t> count(0, 6);
  std::uniform_int_distribution<std::size_t> piece(0, kPieces.size() - 1);
  for (std::size_t i = count(random); i > 0; --i) out += kPieces[piece(random)];
  return out;
}

// Whatever a value says, it comes out as it is: from the values, from a macro, from a macro that became text, and from
// the text that such a template has.
TEST(Macros, ValuesAreNeverReadAgain) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Template both =
      parsed_braces("{x} {{.x}}{{var:a}} {{- var:a -}} {{if .x}}{ {{var:a}}}{{end}} {{var:a}} {{- \"!\" -}} {");
  for (int i = 0; i < 2'000; ++i) {
    const std::string x = random_value(random);
    const std::string a = random_value(random);
    SCOPED_TRACE("x <" + x + "> a <" + a + ">");
    const std::string expected = "{x} " + x + a + a + (x.empty() ? "" : "{ " + a + "}") + " " + a + "!{";
    Scope scope;
    scope.values["x"] = x;
    scope.macro = [&](const Macro&) -> Result<std::string> { return a; };
    const auto direct = both.render(scope);
    ASSERT_TRUE(direct.ok());
    ASSERT_EQ(*direct, expected);
    const auto filled = both.with_macros([&](const Macro&) -> Result<std::optional<std::string>> { return a; });
    ASSERT_TRUE(filled.ok());
    ASSERT_TRUE(filled->macros().empty());
    ASSERT_EQ(*filled->render(scope), expected);
    const Template again = parsed_braces(filled->text());
    ASSERT_TRUE(again.macros().empty()) << filled->text();
    ASSERT_EQ(again.variables().size(), both.variables().size()) << filled->text();
    ASSERT_EQ(*again.render(scope), expected) << filled->text();
  }
}

TEST(Macros, ValuesInDollarsAreNeverReadAgain) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<Fault> faults;
  const Template both = Template::parse("a $(x) $(file:f) $(x.y)", Syntax::kDollar, faults);
  for (int i = 0; i < 500; ++i) {
    const std::string x = random_value(random);
    const std::string f = random_value(random);
    Scope scope;
    scope.values["x"] = x;
    scope.missing = Scope::Missing::kAsWritten;
    const auto filled = both.with_macros([&](const Macro&) -> Result<std::optional<std::string>> { return f; });
    ASSERT_TRUE(filled.ok());
    ASSERT_EQ(*filled->render(scope), "a " + x + " " + f + " $(x.y)");
  }
}

}  // namespace
}  // namespace lathe::templates
