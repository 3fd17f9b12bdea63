#include <gtest/gtest.h>

#include "lathe/templates/test_rendering.h"

namespace lathe::templates {
namespace {

constexpr std::string_view kBraceValues = R"({
  "name": "ada", "n": 3, "f": 1.5, "yes": true, "no": false, "nil": null, "empty": "", "list": ["a", "b", "c"],
  "nums": [3, 1, 2], "map": {"b": 2, "a": 1}, "deep": {"x": {"y": "z"}}, "items": [{"id": 1}, {"id": 2}],
  "big": 12345678901, "huge": 1e21, "ünï_1": "u"})";

TEST(Braces, TextAndValues) {
  expect_rendered(kBraceValues, {
                                    {"", ""},
                                    {"plain } text {", "plain } text {"},
                                    {"}}", "}}"},
                                    {"{ {.name}}", "{ {.name}}"},
                                    {"{{.name}}", "ada"},
                                    {"a{{ .name }}b", "aadab"},
                                    {"{{\n.name\n}}", "ada"},
                                    {"{{.n}} {{.f}} {{.yes}} {{.no}}", "3 1.5 true false"},
                                    {"{{.big}} {{.huge}}", "12345678901 1e+21"},
                                    {"{{.nil}}", "<no value>"},
                                    {"{{.gone}}", "<no value>"},
                                    {"{{.gone.deeper}}", "<no value>"},
                                    {"{{.nil.deeper}}", "<no value>"},
                                    {"{{.deep.x.y}}", "z"},
                                    {"{{.list}}", "[a b c]"},
                                    {"{{.map}}", "map[a:1 b:2]"},
                                    {"{{.deep}}", "map[x:map[y:z]]"},
                                    {"{{$.name}}{{$.deep.x.y}}", "adaz"},
                                    {"{{.ünï_1}}", "u"},
                                    {"{{.items}}", "[map[id:1] map[id:2]]"},
                                    {"{{.empty}}|", "|"},
                                });
}

TEST(Braces, Constants) {
  expect_rendered(
      kBraceValues,
      {
          {R"({{"a\tb\x41\u00e9\101\\\""}})", "a\tbA\u00e9A\\\""},
          {R"({{"\U0001F600"}})", "\U0001F600"},
          {"{{`raw \\n \"q\"`}}", "raw \\n \"q\""},
          {"{{\"}}\"}}", "}}"},
          {"{{\"{{\"}}.x}}", "{{.x}}"},
          {"{{'a'}} {{'\\n'}} {{'\\''}} {{'é'}}", "97 10 39 233"},
          {"{{1}} {{-5}} {{+5}}", "1 -5 5"},
          {"{{0x1F}} {{0b101}} {{0o17}} {{017}} {{1_000}}", "31 5 15 15 1000"},
          {"{{9223372036854775807}} {{-9223372036854775808}}", "9223372036854775807 -9223372036854775808"},
          {"{{1.50}} {{.5}} {{-.5}} {{1e3}} {{1E-2}}", "1.5 0.5 -0.5 1000 0.01"},
          {"{{1e6}} {{123456789.0}} {{100000.0}} {{0.0001}} {{0.00001}}", "1e+06 1.23456789e+08 100000 0.0001 1e-05"},
          {"{{true}} {{false}}", "true false"},
          {"{{print nil}}", "<nil>"},
      });
}

TEST(Braces, TrimMarkers) {
  expect_rendered(kBraceValues, {
                                    {"a  {{- 1}}", "a1"},
                                    {"1 {{1 -}}  b", "1 1b"},
                                    {"a \n\t\r {{- 1 -}} \n b", "a1b"},
                                    {"{{23 -}} < {{- 45}}", "23<45"},
                                    {"{{1}} {{- 2 -}} {{3}}", "123"},
                                    {"{{- 3}}", "3"},
                                    {"{{-3}}", "-3"},
                                    {"x {{- -3 -}} y", "x-3y"},
                                    {"{{if true -}} a {{- end}}", "a"},
                                    {"a {{/* c */}} b", "a  b"},
                                    {"a {{- /* c }} */ -}} b", "ab"},
                                    {"a {{/* c\n*/ -}}\n b", "a b"},
                                    {"x\v{{- 1}}", "x\v1"},
                                    {"{{range .list -}}\n  {{.}}\n{{- end}}", "abc"},
                                    {"a {{\"\"}} {{- 1}}", "a 1"},
                                });
}

TEST(Braces, PipelinesAndVariables) {
  expect_rendered(kBraceValues, {
                                    {"{{.name | printf \"%s-%s\" \"x\"}}", "x-ada"},
                                    {"{{\"x\"|print|print}}", "x"},
                                    {"{{print (print \"a\" \"b\") \"c\"}}", "abc"},
                                    {"{{(index .items 1).id}}", "2"},
                                    {"{{printf \"%d\" (len .list)}}", "3"},
                                    {"{{(((.name)))}}", "ada"},
                                    {"{{($.deep).x.y}} {{($ | print | len) | lt 3}}", "z true"},
                                    {"{{$x := \"v\"}}{{$x}}", "v"},
                                    {"{{$x := 1}}{{$x = add $x 1}}{{$x}}", "2"},
                                    {"{{$x := .deep}}{{$x.x.y}}", "z"},
                                    {"{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"},
                                    {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
                                    {"{{if $x := true}}{{with $x := .n}}{{$x}},{{end}}{{$x}}{{end}}", "3,true"},
                                    {"{{if $x := .no}}a{{else}}{{$x}}{{end}}", "false"},
                                    {"{{with $x := .name}}{{$x}}{{.}}{{end}}", "adaada"},
                                    {"{{and (or 0 $) 1}}", "1"},
                                });
}

TEST(Braces, Conditions) {
  expect_rendered(
      kBraceValues,
      {
          {"{{if .yes}}a{{else}}b{{end}}{{if .no}}a{{else}}b{{end}}", "ab"},
          {"{{if .n}}a{{end}}{{if 0}}b{{end}}{{if 0.0}}c{{end}}{{if 0.1}}d{{end}}", "ad"},
          {"{{if .empty}}a{{end}}{{if .list}}b{{end}}{{if list}}c{{end}}{{if .map}}d{{end}}{{if dict}}e{{end}}", "bd"},
          {"{{if .gone}}a{{else if .yes}}b{{else}}c{{end}}", "b"},
          {"{{if eq 1 3}}1{{else if eq 2 3}}2{{else if eq 3 3}}3{{end}}", "3"},
          {"{{if .no}}a{{else if .no}}b{{end}}", ""},
          {"{{if and .yes .n \"hi\"}}a{{end}}{{if or .no .empty}}b{{end}}{{if not .gone}}c{{end}}", "ac"},
          {"{{if and true 1 \"hi\" | not}}a{{else}}b{{end}}", "b"},
          {"{{with .deep}}{{.x.y}}{{$.name}}{{end}}", "zada"},
          {"{{with .gone}}a{{else}}{{.name}}{{end}}", "ada"},
          {"{{with .gone}}a{{else with .name}}{{.}}{{else}}c{{end}}", "ada"},
          {"{{with .gone}}a{{else with .no}}b{{else}}c{{end}}", "c"},
          {"{{if now}}a{{end}}", "a"},
      });
}

TEST(Braces, Ranges) {
  expect_rendered(
      kBraceValues,
      {
          {"{{range .list}}-{{.}}{{end}}", "-a-b-c"},
          {"{{range $v := .list}}{{$v}}{{end}}", "abc"},
          {"{{range $i, $v := .list}}{{$i}}{{$v}} {{end}}", "0a 1b 2c "},
          {"{{range .map}}{{.}}{{end}}", "12"},
          {"{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"},
          {"{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}", "01201"},
          {"{{range .gone}}a{{else}}b{{end}}{{range list}}a{{else}}c{{end}}{{range -1}}a{{else}}d{{end}}", "bcd"},
          {"{{range .list}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "ac"},
          {"{{range .list}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}!", "a!"},
          {"{{range .items}}{{.id}}{{$.name}}{{end}}", "1ada2ada"},
          {"{{range .list}}{{range $.nums}}{{.}}{{break}}{{end}}{{.}}{{end}}", "3a3b3c"},
          {"{{$n := 0}}{{range .nums}}{{$n = add $n .}}{{end}}{{$n}}", "6"},
          {"{{$i := 9}}{{range $i = .list}}{{end}}{{$i}}", "c"},
          {"{{range $i, $v := .list}}{{$w := $v}}{{$w}}{{end}}", "abc"},
      });
}

TEST(Braces, NamedTemplates) {
  expect_rendered(
      kBraceValues,
      {
          {"{{define \"t\"}}[{{.}}]{{end}}{{template \"t\" .name}}", "[ada]"},
          {"{{template \"t\" .}}{{define \"t\"}}{{$.name}}{{end}}", "ada"},
          {"{{define \"t\"}}[{{.}}]{{end}}{{template \"t\"}}", "[<no value>]"},
          {"{{block \"b\" .n}}<{{.}}>{{end}}{{template \"b\" 4}}", "<3><4>"},
          {"{{define \"t\"}}{{if .}}{{len .}}{{template \"t\" rest .}}{{end}}{{end}}{{template \"t\" .list}}", "321"},
          {"{{$x := 1}}{{block \"b\" $x}}{{$x := 2}}{{.}}{{$x}}{{end}}{{$x}}", "121"},
      });
}

TEST(Braces, BuiltinFunctions) {
  expect_rendered(
      kBraceValues,
      {
          {"{{and 1 0}} {{and 1 2}} {{and false 0}} {{or 0 \"x\"}} {{or 0 0}}", "0 2 false x 0"},
          {"{{and false (index .list 9)}} {{or true (fail \"no\")}}", "false true"},
          {"{{eq .n 3}} {{eq .f 1.5}} {{eq 1 1.0}} {{eq 1 2 3 1}} {{eq 1 2 3}}", "true true true true false"},
          {"{{eq .nil nil}} {{eq .name nil}} {{eq .name \"ada\"}} {{eq true .yes}}", "true false true true"},
          {"{{ne \"a\" \"b\"}} {{lt 1 2}} {{le \"a\" \"a\"}} {{gt 2.5 2}} {{ge 1 2}}", "true true true true false"},
          {"{{lt 1 2.5}} {{lt \"a\" \"b\"}} {{lt now now}}", "true true false"},
          {"{{len \"h\u00e9\"}} {{len .map}} {{len .list}}", "3 2 3"},
          {"{{index .list 1}} {{index .map \"a\"}} {{index .items 0 \"id\"}} {{index \"abc\" 1}}", "b 1 1 98"},
          {"{{index .map \"z\"}} {{index .name 0 | printf \"%c\"}}", "<no value> a"},
          {"{{slice \"abcdef\" 1 3}} {{slice .list 1}} {{slice .list}} {{slice .list 3}}", "bc [b c] [a b c] []"},
          {"{{print 1 2 \"x\" 3}}{{print}}|{{println}}", "1 2x3|\n"},
          {"{{print 1 nil true}}", "1 <nil> true"},
          {"{{html \"<a>&'\\\"\"}}", "&lt;a&gt;&amp;&#39;&#34;"},
          {"{{js \"<b>'\\n\\\\\"}}", "\\u003Cb\\u003E\\'\\u000A\\\\"},
          {"{{urlquery \"a b&c/\u00fc~\"}}", "a+b%26c%2F%C3%BC~"},
          {"{{list 1 nil \"x\" 1.5 true (dict \"k\" (list))}}", "[1 <nil> x 1.5 true map[k:[]]]"},
      });
}

TEST(Braces, Printf) {
  expect_rendered(
      kBraceValues,
      {
          {R"({{printf "%d-%s-%v" 1 "a" .list}})", "1-a-[a b c]"},
          {R"({{printf "%5d|%-5d|%05d|%+d" 42 42 42 42}})", "   42|42   |00042|+42"},
          {R"({{printf "%.2f|%8.3f|%08.3f|%-8.1f|" 3.14159 3.14159 -3.14159 2.25}})",
           "3.14|   3.142|-003.142|2.2     |"},
          {R"({{printf "%x %X %#x %x %X" 255 255 255 "hi" "hi"}})", "ff FF 0xff 6869 6869"},
          {R"({{printf "%b %o %O %c %U %q" 5 8 8 65 8364 65}})", "101 10 0o10 A U+20AC 'A'"},
          {R"({{printf "%t|%6t|%v" true false true}})", "true| false|true"},
          {R"({{printf "%e %g %E %G" 123456.789 1e-7 0.5 1e20}})", "1.234568e+05 1e-07 5.000000E-01 1E+20"},
          {R"({{printf "%.3g %.10g %v" 1234.5678 1234.5 1000000.0}})", "1.23e+03 1234.5 1e+06"},
          {R"({{printf "%q %#q %s" "a\"b\n" "c" "d"}})", R"("a\"b\n" `c` d)"},
          {R"({{printf "%5s|%-5s|%.2s|%5.1s|" "ab" "ab" "h\u00e9y" "abc"}})", "   ab|ab   |h\u00e9|    a|"},
          {R"({{printf "%*d|%-*d|" 5 42 4 7}})", "   42|7   |"},
          {R"({{printf "%T %T %T %T %T %T" 1 1.5 "a" true .list nil}})",
           "int float64 string bool []interface {} <nil>"},
          {R"({{printf "%v %v" nil .map}})", "<nil> map[a:1 b:2]"},
          {R"({{printf "%q %d" .list .nums}})", R"(["a" "b" "c"] [3 1 2])"},
          {R"({{printf "100%%"}})", "100%"},
          {R"({{printf "%d" "x"}})", "%!d(string=x)"},
          {R"({{printf "%s" 1}} {{printf "%s" nil}} {{printf "%z" 1}})", "%!s(int=1) %!s(<nil>) %!z(int=1)"},
          {R"({{printf "%d %d" 1}})", "1 %!d(MISSING)"},
          {R"({{printf "a" 1 "b"}})", "a%!(EXTRA int=1, string=b)"},
          {R"({{printf "%"}} {{printf "%5"}})", "%!(NOVERB) %!(NOVERB)"},
          {R"({{printf "%v" (dict "t" (list 1 "a"))}})", "map[t:[1 a]]"},
      });
}

TEST(Braces, AMissingValueIsAnErrorWhereItIsUsed) {
  const Scope scope = scope_of(R"({"input": "x", "map": {}, "nil": null})", Scope::Missing::kError);
  const std::initializer_list<Rendering> rows = {
      {"{{.inputt}}", "error: {{.inputt}} at byte 0: .inputt has no value"},
      {"a{{.map.b.c}}", "error: {{.map.b.c}} at byte 1: .map.b has no value"},
      {"{{upper .gone}}", "error: {{upper .gone}} at byte 0: .gone has no value"},
      {"{{if eq .gone 1}}{{end}}", "error: {{if eq .gone 1}} at byte 0: .gone has no value"},
      {"{{range .gone}}{{end}}", "error: {{range .gone}} at byte 0: .gone has no value"},
      {"{{$x := .gone}}{{$x}}", "error: {{$x}} at byte 15: .gone has no value"},
      {"{{.nil}}", "error: {{.nil}} at byte 0: there is no value, but nil"},
      {"{{if .gone}}a{{else}}b{{end}}{{with .gone}}{{else}}c{{end}}", "bc"},
      {"{{.gone | default \"d\"}}{{default \"e\" .map.x}}{{or .gone \"f\"}}{{not .gone}}", "deftrue"},
      {"{{coalesce .gone .map.x \"a\"}}{{empty .gone}}{{kindOf .gone}}{{ternary 1 2 .gone}}", "atrueinvalid2"},
      {"{{hasKey .map \"x\"}}", "false"},
  };
  for (const Rendering& row : rows) EXPECT_EQ(rendered(row.text, scope), row.expected) << row.text;
  std::vector<Fault> faults;
  const auto result = Template::parse("{{.inputt}}", Syntax::kBraces, faults).render(scope);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().hint, "did you mean \"input\"?");
}

TEST(Braces, VariablesAreWhatTheTextTakesFromItsValues) {
  std::vector<Fault> faults;
  const Template parsed = Template::parse(
      "{{.a}}{{if .b.c}}{{.d}}{{else if $.e}}{{end}}{{range .f}}{{.no}}{{$.g}}{{else}}{{.h}}{{end}}"
      "{{with $x := (index .i 0).no}}{{.no}}{{$x.no}}{{end}}{{define \"t\"}}{{.no}}{{$.no}}{{end}}",
      Syntax::kBraces, faults);
  EXPECT_TRUE(faults.empty());
  std::vector<std::string> names;
  for (const Variable& variable : parsed.variables()) {
    std::string name;
    for (const std::string& part : variable.path) name += "." + part;
    names.push_back(name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{".a", ".b.c", ".d", ".e", ".f", ".g", ".h", ".i"}));
  EXPECT_EQ(parsed.variables()[1], (Variable{{"b", "c"}, 11}));
  EXPECT_FALSE(parsed.constant());
}

TEST(Braces, ATemplateWithoutHolesIsConstant) {
  std::vector<Fault> faults;
  EXPECT_TRUE(Template().constant());
  EXPECT_TRUE(Template().empty());
  EXPECT_TRUE(Template::parse("a{{/* c */}}{{\"b\"}}", Syntax::kBraces, faults).constant());
  EXPECT_FALSE(Template::parse("{{1}}", Syntax::kBraces, faults).constant());
  EXPECT_FALSE(Template::parse("{{var:a}}", Syntax::kBraces, faults).constant());
  EXPECT_TRUE(Template::parse("$(a b)", Syntax::kDollar, faults).constant());
  EXPECT_TRUE(faults.empty());
}

}  // namespace
}  // namespace lathe::templates
