#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/templates/test_rendering.h"

namespace lathe::templates {
namespace {

using ::testing::ElementsAre;

TEST(Faults, SayWhereAndWhat) {
  const std::initializer_list<Rendering> rows = {
      {"a{{", "1: \"{{\" has no \"}}\""},
      {"{{.a", "0: \"{{\" has no \"}}\""},
      {"{{var:a", "0: \"{{\" has no \"}}\""},
      {"{{}}", "2: a value is missing"},
      {"{{ .a | }}", "8: a value is missing"},
      {"{{ | .a }}", "3: a value is missing"},
      {"{{\"abc}}", "2: the quoted text has no closing \""},
      {"{{`abc}}", "2: the quoted text has no closing `"},
      {"{{'a}}", "2: the character has no closing '"},
      {"{{'ab'}}", "2: '…' holds one character"},
      {"{{\"\\q\"}}", "3: an escape that Go does not know"},
      {"{{\"\\xZ1\"}}", "3: an escape with 2 digits of a character is expected"},
      {"{{\"\\ud800\"}}", "3: an escape with 4 digits of a character is expected"},
      {"{{12abc}}", "2: \"12abc\" is no number"},
      {"{{1.2.3}}", "2: \"1.2.3\" is no number"},
      {"{{9223372036854775808}}", "2: \"9223372036854775808\" is no number"},
      {"{{.a ? 1}}", "5: \"?\" has no meaning here"},
      {"{{.a {{.b}}}}", "5: \"{\" has no meaning here"},
      {"{{ /* a */ }}", "3: \"/\" has no meaning here"},
      {"{{/* a }}", "0: the comment has no \"*/}}\""},
      {"{{/* a */ b}}", "9: behind a comment comes the end of its action"},
      {"{{ uper .a }}", "3: there is no function \"uper\""},
      {"{{ input }}", "3: there is no function \"input\""},
      {"{{ $x }}", "3: there is no variable $x"},
      {"{{ $x = 1 }}", "3: there is no variable $x"},
      {"{{ $ := 1 }}", "3: \"$\" cannot be given a value"},
      {"{{ $x, $y := 1 }}", "3: there is no variable $x"},
      {"{{ .a := 1 }}", "6: \":=\" has no meaning here"},
      {"{{ (.a }}", "3: \"(\" is not closed"},
      {"{{ .a) }}", "5: \")\" closes no \"(\""},
      {"{{ () }}", "4: a value is missing"},
      {"{{ print(1) }}", "8: a space is missing before \"(\""},
      {"{{ \"a\"\"b\" }}", "6: a space is missing before \"\"b\"\""},
      {"{{ 1 2 }}", "3: \"1\" is no function and takes no arguments"},
      {"{{ nil }}", "3: nil is no command"},
      {"{{ if nil }}{{ end }}", "6: nil is no command"},
      {"{{ .a | \"b\" }}", "8: \"\"b\"\" is no function, so nothing can be piped into it"},
      {"{{ .a | . }}", "8: \".\" is no function, so nothing can be piped into it"},
      {"{{ \"a\".b }}", "6: a constant has no fields"},
      {"{{ upper }}", "3: upper takes 1 argument, not 0"},
      {"{{ upper \"a\" \"b\" }}", "3: upper takes 1 argument, not 2"},
      {"{{ \"a\" | upper \"b\" }}", "9: upper takes 1 argument, not 2"},
      {"{{ eq 1 }}", "3: eq takes at least 2 arguments, not 1"},
      {"{{ default 1 2 3 }}", "3: default takes at most 2 arguments, not 3"},
      {"{{ print upper }}", "9: upper takes 1 argument, not 0"},
      {"{{ print if }}", "9: \"if\" begins an action of its own"},
      {"{{if}}a{{end}}", "4: a value is missing"},
      {"{{if .a}}", "0: {{if}} has no {{end}}"},
      {"a{{range .a}}{{if .b}}{{end}}", "1: {{range}} has no {{end}}"},
      {"{{end}}", "0: {{end}} ends nothing"},
      {"{{if .a}}{{end x}}", "15: the action should end here"},
      {"{{else}}", "0: {{else}} belongs to no {{if}}, {{with}} or {{range}}"},
      {"{{if .a}}{{else}}{{else}}{{end}}", "17: a second {{else}} of one {{if}}"},
      {"{{range .a}}{{else if .b}}{{end}}", "12: {{else if}} belongs to no {{if}}"},
      {"{{if .a}}{{else with .b}}{{end}}", "9: {{else with}} belongs to no {{with}}"},
      {"{{break}}", "0: {{break}} stands in no {{range}}"},
      {"{{range .a}}{{else}}{{continue}}{{end}}", "20: {{continue}} stands in no {{range}}"},
      {"{{range .a}}{{block \"b\" 1}}{{break}}{{end}}{{end}}", "27: {{break}} stands in no {{range}}"},
      {"{{template \"t\"}}", "0: there is no template \"t\""},
      {"{{template .a}}", "11: template names a template"},
      {"{{block \"t\"}}{{end}}", "11: a block needs a value"},
      {"{{if .a}}{{define \"t\"}}{{end}}{{end}}", "9: {{define}} stands in no other block"},
      {"{{if $x := 1}}{{end}}{{$x}}", "23: there is no variable $x"},
      {"{{$x := 1}}{{define \"t\"}}{{$x}}{{end}}", "27: there is no variable $x"},
      {"{{var:}}", "0: the macro names no variable"},
  };
  for (const Rendering& row : rows) {
    const std::vector<std::string> faults = faults_of(row.text);
    ASSERT_FALSE(faults.empty()) << row.text;
    EXPECT_EQ(faults[0], row.expected) << row.text;
  }
}

TEST(Faults, AreAllFoundAtOnce) {
  EXPECT_THAT(faults_of("{{uper .a}} {{$x}} {{if .a}} {{\"}} {{end}} {{.b | nothing}}"),
              ElementsAre("2: there is no function \"uper\"", "14: there is no variable $x",
                          "31: the quoted text has no closing \"", "50: there is no function \"nothing\""));
}

TEST(Faults, OneThatHidesADeclarationIsNotFollowedByOthers) {
  EXPECT_EQ(faults_of("{{$x := nothing}}{{$x}}{{range $i, $v := \"a}}{{$i}}{{$v}}{{end}}").size(), 2U);
}

TEST(Faults, HaveHints) {
  std::vector<Fault> faults;
  (void)Template::parse("{{uper .a}}{{$a := 1}}{{$b}}{{input}}", Syntax::kBraces, faults);
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_EQ(faults[0].hint, "did you mean \"upper\"?");
  EXPECT_NE(faults[1].hint, "");
  EXPECT_NE(faults[2].hint, "");
}

TEST(Faults, StopAtAHundred) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "{{nothing}}";
  EXPECT_EQ(faults_of(text).size(), 100U);
}

TEST(Faults, ATemplateWithFaultsKeepsItsTextAndRendersAsNothing) {
  std::vector<Fault> faults;
  const Template parsed = Template::parse("a {{.b} c", Syntax::kBraces, faults);
  EXPECT_EQ(faults.size(), 1U);
  EXPECT_EQ(parsed.text(), "a {{.b} c");
  const auto text = parsed.render({});
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, "");
}

TEST(Faults, OfDollars) {
  EXPECT_THAT(faults_of("a $(file:b", Syntax::kDollar), ElementsAre("2: \"$(file:\" has no \")\""));
  EXPECT_THAT(faults_of("$(bash:echo ')' \" $(x) )", Syntax::kDollar), ElementsAre("0: \"$(bash:\" has no \")\""));
  EXPECT_THAT(faults_of("$(file: ) $(call:)", Syntax::kDollar),
              ElementsAre("0: \"$(file:)\" names nothing", "10: \"$(call:)\" names nothing"));
}

}  // namespace
}  // namespace lathe::templates
