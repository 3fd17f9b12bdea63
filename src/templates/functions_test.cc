#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/templates/test_rendering.h"

namespace lathe::templates {
namespace {

std::string reference_page() {
  std::ifstream file(LATHE_SOURCE_DIR "/docs/reference/templates.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A row "| `name` | `example` | `gives` |" of the page. A line break is written there as ⏎.
struct PageRow {
  std::string name;
  std::string example;
  std::string gives;
};

std::vector<PageRow> page_rows() {
  std::vector<PageRow> out;
  const std::string page = reference_page();
  for (const std::string_view line : base::split_lines(page)) {
    constexpr std::string_view kBegin = "| `";
    constexpr std::string_view kBetween = "` | `";
    constexpr std::string_view kEnd = "` |";
    const std::size_t first = line.find(kBetween);
    const std::size_t second = first == line.npos ? line.npos : line.find(kBetween, first + kBetween.size());
    if (!line.starts_with(kBegin) || !line.ends_with(kEnd) || second == line.npos) continue;
    const std::size_t example = first + kBetween.size();
    const std::size_t gives = second + kBetween.size();
    out.push_back({std::string(line.substr(kBegin.size(), first - kBegin.size())),
                   std::string(line.substr(example, second - example)),
                   base::replace_all(std::string(line.substr(gives, line.size() - kEnd.size() - gives)), "⏎", "\n")});
  }
  return out;
}

TEST(ReferencePage, ItsExamplesGiveWhatItSays) {
  const auto rows = page_rows();
  EXPECT_GE(rows.size(), 110U);
  for (const PageRow& row : rows) {
    EXPECT_EQ(base::trim_right(rendered(row.example, "{}")), row.gives) << row.example;
    EXPECT_NE(row.example.find(row.name), std::string::npos) << row.example << " is no example of " << row.name;
  }
}

TEST(ReferencePage, HasEveryFunctionAndNoOther) {
  const std::string page = reference_page();
  const auto rows = page_rows();
  const auto names = function_names();
  for (const std::string_view name : names) {
    EXPECT_NE(page.find("`" + std::string(name) + "`"), std::string::npos) << name << " is not on the page";
  }
  for (const PageRow& row : rows) {
    EXPECT_NE(std::ranges::find(names, row.name), names.end()) << row.name << " is no function";
  }
  EXPECT_TRUE(std::ranges::is_sorted(names));
}

TEST(Functions, OfText) {
  expect_rendered("{}", {
                            {"{{trim \"\\u00a0 a\\n\"}}", "a"},
                            {R"({{trim ""}})", ""},
                            {R"({{trimAll "" "a"}})", "a"},
                            {R"({{trimAll "äx" "xäbäx"}})", "b"},
                            {R"({{upper "straße éω"}})", "STRAßE ÉΩ"},
                            {R"({{lower "ÀÉΩЖ"}})", "àéωж"},
                            {R"({{title "x-ray o'neil"}})", "X-Ray O'Neil"},
                            {R"({{repeat 0 "a"}}|{{repeat 9 ""}})", "|"},
                            {R"({{substr -1 3 "hello"}})", "hel"},
                            {R"({{substr 1 -1 "hello"}})", "ello"},
                            {R"({{substr 1 99 "hello"}})", "ello"},
                            {R"({{trunc 2 "éa"}}|{{trunc 3 "éa"}}|{{trunc 1 "éa"}})", "é|éa|"},
                            {R"({{trunc 99 "ab"}}{{trunc -99 "ab"}})", "abab"},
                            {R"({{abbrev 3 "hello"}})", "hello"},
                            {R"({{replace "" "-" "ab"}})", "-a-b-"},
                            {R"({{replace "aa" "b" "aaaaa"}})", "bba"},
                            {R"({{quote nil "a\"b" nil 1.5}})", R"("a\"b" "1.5")"},
                            {R"({{squote nil}}{{cat nil "a" nil "b"}})", "a b"},
                            {"{{indent 2 \"a\\nb\"}}", "  a\n  b"},
                            {R"({{splitList "" "añb"}})", "[a ñ b]"},
                            {R"({{splitList "," ""}}{{len (splitList "," "")}})", "[]1"},
                            {R"({{range $k, $v := split "." "a.b"}}{{$k}}{{$v}} {{end}})", "_0a _1b "},
                            {R"({{join "," "text"}}|{{join "," nil}}|{{join "," (list nil 1)}})", "text||1"},
                            {R"({{list 1 2 | join "+"}})", "1+2"},
                            {R"({{wrap 80 "  a  b"}})", "  a  b"},
                        });
}

TEST(Functions, OfNumbers) {
  expect_rendered(R"({"big": 9223372036854775807, "f": 2.5, "text": "12"})",
                  {
                      {"{{add .big 1}}", "-9223372036854775808"},
                      {"{{add .text 1}}", "13"},
                      {"{{add \"x\" 1}}", "1"},
                      {"{{sub 1 2 | mul 3}}", "-3"},
                      {"{{div -7 2}} {{mod -7 2}}", "-3 -1"},
                      {"{{div (sub (sub 0 .big) 1) -1}}", "-9223372036854775808"},
                      {"{{mod (sub (sub 0 .big) 1) -1}}", "0"},
                      {"{{int .f}} {{int true}} {{int nil}} {{int \"08\"}} {{int \"0x10\"}}", "2 1 0 8 16"},
                      {"{{float64 1}} {{float64 \"x\"}}", "1 0"},
                      {"{{floor -1.5}} {{ceil -1.5}} {{round 2.5 0}}", "-2 -1 3"},
                      {"{{max 1 2.9}} {{min 1 \"-4\"}}", "2 -4"},
                      {"{{until -3}}{{until 0}}", "[0 -1 -2][]"},
                      {"{{range until 3}}{{.}}{{end}}", "012"},
                  });
}

TEST(Functions, OfListsAndMaps) {
  expect_rendered(
      R"({"list": ["a", "b"], "map": {"z": 1, "a": {"k": 2}}})",
      {
          {"{{first list}}|{{rest list}}", "<no value>|<no value>"},
          {"{{append .list 1}}{{.list}}", "[a b 1][a b]"},
          {"{{has (list 1) (list (list 1))}}{{has 1.0 (list 1)}}{{has \"1\" (list 1)}}", "truetruefalse"},
          {"{{uniq (list (dict \"a\" 1) (dict \"a\" 1))}}", "[map[a:1]]"},
          {"{{keys .map}}{{values .map}}", "[a z][map[k:2] 1]"},
          {"{{get .map \"no\"}}|{{hasKey .map \"z\"}}", "|true"},
          {"{{$d := dict \"a\" 1}}{{$_ := set $d \"b\" 2}}{{$d}}", "map[a:1 b:2]"},
          {"{{$d := set .map \"b\" 2}}{{keys $d}}{{keys .map}}", "[a b z][a z]"},
          {"{{$d := dict \"a\" 1 \"b\" 2}}{{range $k, $v := $d}}{{$_ := unset $d $k}}{{$k}}{{end}}{{$d}}", "abmap[]"},
          {"{{merge (dict) .map (dict \"a\" (dict \"k\" 3 \"l\" 4))}}", "map[a:map[k:2 l:4] z:1]"},
          {"{{.map.a}}", "map[k:2]"},
          {"{{dict \"a\"}}", "map[a:]"},
          {"{{dig \"a\" \"k\" 0 .map}}{{dig \"q\" 7 .map}}", "27"},
          {"{{$d := dict}}{{$_ := set $d \"self\" (list $d)}}",
           "error: {{$_ := set $d \"self\" (list $d)}} at byte 14: set: a map cannot hold itself"},
      });
}

TEST(Functions, OfJsonAndTimes) {
  expect_rendered(R"({"v": {"b": [1, 2.50, null, true, "é\n"], "a": {}}, "bad": "{"})",
                  {
                      {"{{toJson .v}}", R"({"a":{},"b":[1,2.5,null,true,"é\n"]})"},
                      {"{{toPrettyJson .v.a}}{{toPrettyJson (list)}}", "{}[]"},
                      {"{{toJson 1e21}} {{toJson 0.0000001}} {{toJson 1000000.0}}", "1e+21 1e-7 1000000"},
                      {"{{with fromJson .bad}}x{{else}}none{{end}}", "none"},
                      {"{{(fromJson \"[{\\\"a\\\":[1]}]\") | toJson}}", R"([{"a":[1]}])"},
                      {"{{now | date \"Mon Jan _2 15:04:05 2006\"}}", "Sat Jul  4 15:08:09 2026"},
                      {"{{date \"Monday, 02-Jan-06 03:04:05 PM MST -0700 Z07:00\" now}}",
                       "Saturday, 04-Jul-26 03:08:09 PM UTC +0000 Z"},
                      {"{{date \"002 1/2 3:4:5pm .000 5.999\" now}}", "185 7/4 3:8:9pm .000 9"},
                      {"{{print now}}", "2026-07-04 15:08:09 +0000 UTC"},
                      {"{{now.Unix}} {{(now).Format \"2006\"}}", "1783177689 2026"},
                      {"{{date \"Januaryx Janus Monk\" 0}}", "Januaryx Janus Monk"},
                  });
}

TEST(Functions, OfRegularExpressions) {
  expect_rendered("{}", {
                            {R"({{regexFind "x" "abc"}}|{{regexMatch "b" "abc"}})", "|true"},
                            {R"({{regexFindAll "a*" "baab" -1 | toJson}})", R"(["","aa",""])"},
                            {R"({{regexFindAll "." "añ" -1}})", "[a ñ]"},
                            {R"({{regexReplaceAll "a*" "baac" "-"}})", "-b-c-"},
                            {R"~({{regexReplaceAll "(?P<w>b)" "abc" "[$w][$$][$9]"}})~", "a[b][$][]c"},
                            {R"({{regexReplaceAll "b" "abc" "$1x"}})", "ac"},
                            {R"({{regexSplit "," "a,b,c" 2}}{{regexSplit "," "a" 0}})", "[a b,c][]"},
                            {R"({{regexSplit "," "" -1 | len}}{{regexSplit "" "ab" -1}})", "1[a b]"},
                        });
}

TEST(Functions, SayWhatIsWrong) {
  expect_rendered(
      R"({"n": 1, "list": [1]})",
      {
          {"{{upper .n}}", "error: {{upper .n}} at byte 0: upper: argument 1 must be text, not a whole number"},
          {"{{upper .gone}}", "error: {{upper .gone}} at byte 0: upper: argument 1 must be text, not nil"},
          {"{{first 1}}", "error: {{first 1}} at byte 0: first: argument 1 must be a list, not a whole number"},
          {"{{get .list \"a\"}}", "error: {{get .list \"a\"}} at byte 0: get: argument 1 must be a map, not a list"},
          {"a{{div 1 0}}", "error: {{div 1 0}} at byte 1: div: division by zero"},
          {"{{fail \"stop here\"}}", "error: {{fail \"stop here\"}} at byte 0: fail: stop here"},
          {"{{index .list 1}}", "error: {{index .list 1}} at byte 0: index: index 1 is out of range: there are 1"},
          {"{{index nil 1}}", "error: {{index nil 1}} at byte 0: index: nil cannot be indexed"},
          {"{{len 3}}", "error: {{len 3}} at byte 0: len: a whole number has no length"},
          {"{{eq 1 \"1\"}}", "error: {{eq 1 \"1\"}} at byte 0: eq: a whole number cannot be compared with text"},
          {"{{lt nil 1}}", "error: {{lt nil 1}} at byte 0: lt: nil cannot be compared with a whole number"},
          {"{{eq .list .list}}", "error: {{eq .list .list}} at byte 0: eq: a list cannot be compared with a list"},
          {"{{slice .list 2}}", "error: {{slice .list 2}} at byte 0: slice: place 2 is out of range: there are 1"},
          {"{{dateInZone \"2006\" now \"Mars\"}}",
           "error: {{dateInZone \"2006\" now \"Mars\"}} at byte 0: dateInZone: there is no zone \"Mars\" here: times "
           "are "
           "in UTC"},
          {"{{now.Nanosecond}}",
           "error: {{now.Nanosecond}} at byte 0: a time has .Format with a layout, and .Unix, but no such .Nanosecond"},
          {"{{.n.x}}", "error: {{.n.x}} at byte 0: .n.x cannot be taken of a whole number"},
          {"{{.list 1}}", "error: {{.list 1}} at byte 0: a value takes no arguments: only functions do"},
          {"{{range .n2}}{{end}}{{range \"abc\"}}{{end}}",
           "error: {{range \"abc\"}} at byte 20: range goes over lists, maps and whole numbers, not text"},
      });
}

}  // namespace
}  // namespace lathe::templates
