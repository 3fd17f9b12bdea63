#include <gtest/gtest.h>

#include <string>

#include "lathe/templates/test_rendering.h"

namespace lathe::templates {
namespace {

std::string repeated(std::string_view part, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += part;
  return out;
}

/// The code of the error that rendering ends with; "ok" where there is none.
std::string code_of(std::string_view text, const Scope& scope) {
  std::vector<Fault> faults;
  const Template parsed = Template::parse(text, Syntax::kBraces, faults);
  EXPECT_TRUE(faults.empty()) << text << ": " << (faults.empty() ? "" : faults[0].message);
  const auto result = parsed.render(scope);
  return result.ok() ? "ok" : result.error().code;
}

TEST(Limits, EndWhatWouldNotEnd) {
  Scope scope = scope_of("{}");
  scope.max_bytes = 100'000;
  for (const std::string_view text : {
           "{{repeat 1000000000 \"ab\"}}",
           "{{repeat 9223372036854775807 \"abcdefgh\"}}",
           "{{range 9223372036854775807}}{{end}}",
           "{{range 9223372036854775807}}a{{end}}",
           "{{until 1000000000}}",
           "{{until 1000000000 | len}}",
           "{{indent 1000000000 \"a\"}}",
           "{{indent 9223372036854775807 \"a\\nb\"}}",
           "{{printf \"%999999d\" 1}}",
           "{{printf \"%0999999d\" 1}}",
           "{{printf \"%.999999d\" 1}}",
           "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}",
           "{{define \"t\"}}{{template \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}",
           "{{$s := \"ab\"}}{{range 100}}{{$s = print $s $s}}{{end}}",
           "{{$s := list 1}}{{range 100}}{{$s = concat $s $s}}{{end}}",
           "{{$s := list 1}}{{range 100}}{{$s = list $s $s}}{{end}}{{$s}}",
           "{{$s := list 1}}{{range 100}}{{$s = list $s $s}}{{end}}{{toJson $s}}",
           "{{$s := list 1}}{{range 100}}{{$s = list $s $s}}{{end}}{{eq 1 (len (uniq (list $s $s)))}}",
           "{{$s := list 1}}{{range 300}}{{$s = list $s}}{{end}}{{$s}}",
           "{{$s := dict}}{{range 1000000}}{{$_ := set $s (toString .) 1}}{{end}}",
           "{{replace \"\" (repeat 90000 \"a\") (repeat 90000 \"b\")}}",
           "{{splitList \"\" (repeat 90000 \"a\") | join (repeat 90000 \"b\")}}",
           "{{range 90000}}{{$_ := regexReplaceAll \"a\" (repeat 9000 \"a\") \"b\"}}{{end}}",
           "{{range 90000}}{{$_ := contains \"b\" (repeat 90000 \"a\")}}{{end}}",
       }) {
    EXPECT_EQ(code_of(text, scope), base::codes::kLimit) << text;
  }
}

TEST(Limits, ATextOfTheGreatestLengthIsNoError) {
  Scope scope = scope_of(R"({"a": "12345"})");
  scope.max_bytes = 10;
  EXPECT_EQ(rendered("{{.a}}{{.a}}", scope), "1234512345");
  EXPECT_EQ(code_of("{{.a}}{{.a}}x", scope), base::codes::kLimit);
  EXPECT_EQ(code_of("{{range 3}}{{$.a}}{{end}}", scope), base::codes::kLimit);
  EXPECT_EQ(code_of("{{var:a}}",
                    [&] {
                      Scope with_macro = scope;
                      with_macro.macro = [](const Macro&) -> base::Result<std::string> { return std::string(11, 'x'); };
                      return with_macro;
                    }()),
            base::codes::kLimit);
}

TEST(Limits, AHundredOfEachMayLieInEachOther) {
  const auto nested = [](int count) { return repeated("{{if 1}}", count) + "x" + repeated("{{end}}", count); };
  EXPECT_EQ(rendered(nested(100), "{}"), "x");
  EXPECT_EQ(faults_of(nested(101)), (std::vector<std::string>{"800: more than 100 blocks in each other"}));
  const auto parentheses = [](int count) { return "{{" + repeated("(", count) + "1" + repeated(")", count) + "}}"; };
  EXPECT_EQ(rendered(parentheses(100), "{}"), "1");
  EXPECT_EQ(faults_of(parentheses(101)), (std::vector<std::string>{"102: more than 100 parentheses in each other"}));
  const auto both = repeated("{{if 1}}", 100) + parentheses(100) + repeated("{{end}}", 100);
  EXPECT_EQ(rendered(both, "{}"), "1");
  EXPECT_EQ(rendered("{{if 0}}" + repeated("{{else if 0}}", 10'000) + "{{else}}x{{end}}", "{}"), "x");
}

TEST(Limits, AMegabyteIsRead) {
  constexpr int kMegabyte = 1'000'000;
  for (const std::string_view part : {"text ",       "{{.a}}", "{{",         "{{/*",    "{{\"",
                                      "{{`",         "{{(",    "{{if .a}}",  "{{end}}", "{{var:a}}",
                                      "{{var:",      "{{x}}",  "{{- 1 -}} ", "}}",      "{{if .a}}{{end}}",
                                      "{{$x := 1}}", "$(a)",   "$(",         "$(bash:", "$(bash:'",
                                      "$(file:)",    "\\"}) {
    const std::string text = repeated(part, kMegabyte / static_cast<int>(part.size()));
    std::vector<Fault> faults;
    for (const Syntax syntax : {Syntax::kBraces, Syntax::kDollar}) {
      const Template parsed = Template::parse(text, syntax, faults);
      EXPECT_EQ(parsed.text().size(), text.size());
      const auto result = parsed.render(scope_of(R"({"a": "b"})"));
      EXPECT_TRUE(result.ok() || result.error().code == base::codes::kInvalid) << part;
    }
    EXPECT_LE(faults.size(), 200U) << part;
  }
}

}  // namespace
}  // namespace lathe::templates
