#include "lathe/base/json.h"

#include <gtest/gtest.h>

namespace lathe::base {
namespace {

TEST(ParseJson, KeepsOrder) {
  const auto parsed = parse_json(R"({"b":1,"a":[true,null]})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(dump_json(*parsed), R"({"b":1,"a":[true,null]})");
}

TEST(ParseJson, SaysWhere) {
  const auto parsed = parse_json("{\n  \"a\": nope\n}");
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message.find("line 2"), std::string::npos) << parsed.error().message;
}

TEST(ParseJson, DoesNotRepeatALongTextInItsError) {
  const auto parsed = parse_json("{\"a\": \"" + std::string(1'000'000, 'x'));
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message.find("missing closing quote"), std::string::npos) << parsed.error().message;
  EXPECT_LT(parsed.error().message.size(), 300U);
}

TEST(ParseJson, RefusesDepthAndSize) {
  EXPECT_EQ(parse_json(std::string(100'000, '[')).error().code, codes::kLimit);
  EXPECT_EQ(parse_json("[1,2,3]", {.max_bytes = 3}).error().code, codes::kLimit);
}

TEST(DumpJson, ReplacesBytesThatAreNotUtf8) {
  std::string out;
  append_json_string(out, "a\xff\"\n\x01");
  EXPECT_EQ(out, "\"a\xef\xbf\xbd\\\"\\n\\u0001\"");
  EXPECT_EQ(dump_json(Json("a\xff")), "\"a\xef\xbf\xbd\"");
}

TEST(DumpJson, StringsAreTheSameWhereverTheirOddBytesStand) {
  for (const std::string_view odd : {"\"", "\\", "\n", "\x01", "\x1f", "\x7f", "ü", "€", " "}) {
    for (std::size_t before = 0; before < 20; ++before) {
      const std::string text = std::string(before, 'x') + std::string(odd) + std::string(20 - before, '!');
      std::string out;
      append_json_string(out, text);
      EXPECT_EQ(out, dump_json(Json(text)));
    }
  }
}

TEST(WithoutLongStrings, KeepsAllElse) {
  const std::string longer(100, 'x');
  EXPECT_EQ(without_long_strings(R"({"a":"short","b":[")" + longer + R"(",1],"c":{"d":"\")" + longer + R"("}})", 50),
            R"({"a":"short","b":["",1],"c":{"d":""}})");
  EXPECT_EQ(without_long_strings(R"(["a\\","b"])", 50), R"(["a\\","b"])");
  for (const std::string_view broken : {"", "\"", "\"\\", "{\"a\":\"x"})
    EXPECT_EQ(without_long_strings(broken, 50), broken);
}

TEST(WithoutLongStrings, WhatIsKeptIsWhole) {
  const std::string text = "ab\"\\\\ü\n\x01z€";
  std::string json;
  append_json_string(json, text);
  for (std::size_t kept = 0; kept < json.size(); ++kept) {
    const auto parsed = parse_json(without_long_strings(json, 4, kept));
    ASSERT_TRUE(parsed.ok()) << kept << ": " << parsed.error().text();
    EXPECT_TRUE(text.starts_with(parsed->get<std::string>())) << kept;
  }
  EXPECT_EQ(without_long_strings(json, 4, json.size()), json);
}

/// As the parser reads it, or what it says.
std::string read_by_parser(const std::string& text) {
  const Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? "refused" : dump_json(parsed);
}
std::string read_here(const std::string& text) {
  const auto parsed = parse_json(text);
  return parsed.ok() ? dump_json(*parsed) : "refused";
}

TEST(ParseJson, LongStringsAreReadAsTheParserReadsThem) {
  const std::string plain(20'000, 'x');
  for (const std::string_view odd :
       {"", R"(\n)", R"(\"\\\/\b\f\r\t)", R"(\u0041\u0001)", R"(\u00e9)", R"(\ud83d\ude00)", R"(\ud83d)", R"(\q)",
        R"(\u12)", R"(\u+123)", "ü€😀", "\x01", "\n", "\xff", "\xed\xa0\x80", "\x7f"}) {
    for (const std::string& inside :
         {plain + std::string(odd), std::string(odd) + plain, plain + std::string(odd) + plain}) {
      const std::string text = R"({"a":["b",")" + inside + R"("],"c":{"d":")" + inside + R"(","e":"f"},"g":1})";
      EXPECT_EQ(read_here(text), read_by_parser(text)) << odd;
    }
  }
}

TEST(ParseJson, LongStringsStandWhereTheyStood) {
  const std::string one(20'000, '1');
  const std::string two(20'000, '2');
  for (const std::string& text : {
           R"({"a":")" + one + R"(","b":")" + two + R"("})",
           R"({"a":")" + one + R"(","a":")" + two + R"(","b":"x"})",
           R"({"a":"x","b":")" + one + R"(","a":")" + two + R"("})",
           R"({")" + one + R"(":")" + two + R"("})",
           R"({"a":{"x":"y","x":"z"},"b":")" + one + R"("})",
           R"([[],{},[")" + one + R"(",null,"",[")" + two + R"("]]])",
           "\"" + one + "\"",
           R"({"a":")" + one,
           R"({"a":")" + one + R"("]})",
       }) {
    EXPECT_EQ(read_here(text), read_by_parser(text)) << text.substr(0, 20);
  }
}

TEST(ParseJson, BracketsInStringsAreNoDepth) {
  const std::string text = R"(["\"[[[[[[","\\",[[1]]])";
  EXPECT_TRUE(parse_json(text, {.max_depth = 3}).ok());
  EXPECT_FALSE(parse_json(text, {.max_depth = 2}).ok());
}

TEST(IndentJson, LaysOutAsTheTreeWouldBe) {
  for (const char* text : {"null", "[]", "{}", R"({"a":[],"b":{},"c":[1,-2.5,true,null],"d":{"e":{"f":[[1],[]]}}})",
                           R"(["a\"b","\\","{[,:]}","ö\u0001"])", R"("plain")"}) {
    EXPECT_EQ(indent_json(dump_json(*parse_json(text))), dump_json_pretty(*parse_json(text))) << text;
  }
}

TEST(IndentJson, BrokenTextEnds) {
  for (const char* text : {"", "\"", "\"\\", "{[", "}}]", "[\"a\",", "::"})
    EXPECT_GE(indent_json(text).size(), std::string(text).size());
}

TEST(JsonAt, ToleratesAnything) {
  EXPECT_TRUE(json_at(Json(3), "x").is_null());
  EXPECT_EQ(json_string(Json{{"x", "y"}}, "x"), "y");
  EXPECT_EQ(json_string(Json{{"x", 1}}, "x", "z"), "z");
  EXPECT_EQ(json_int(Json{{"x", 7}}, "x"), 7);
}

}  // namespace
}  // namespace lathe::base
