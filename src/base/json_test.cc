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
