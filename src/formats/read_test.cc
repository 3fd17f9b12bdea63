#include "lathe/formats/read.h"

#include <gtest/gtest.h>

namespace lathe::formats {
namespace {

std::string yaml_error(std::string_view text, Limits limits = {}) {
  const auto document = read_yaml(text, "f.yaml", limits);
  return document.ok() ? "" : document.error().text();
}
std::string json_error(std::string_view text, Limits limits = {}) {
  const auto document = read_json(text, "f.json", limits);
  return document.ok() ? "" : document.error().text();
}

TEST(ReadYaml, KeepsValuesOrderAndPlaces) {
  const auto document = read_yaml("# c\nb: [1, two]\na:\n  x: 0x1f\n  y: 'yes'\n  z: null\n", "f.yaml");
  ASSERT_TRUE(document.ok()) << document.error().message;
  const auto& members = *document->root.map();
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].key, "b");
  EXPECT_EQ(members[0].key_at, (Position{2, 1}));
  EXPECT_EQ((*members[0].value.list())[1].at, (Position{2, 8}));
  EXPECT_EQ(members[1].value.find("x")->at, (Position{4, 6}));
  EXPECT_EQ(members[1].value.find("x")->value, Node{.value = std::int64_t{31}}.value);
  EXPECT_EQ(*members[1].value.find("y")->text(), "yes");
  EXPECT_TRUE(members[1].value.find("z")->is_null());
}

TEST(ReadYaml, PlainScalarsFollowTheCoreSchema) {
  const auto kind = [](std::string_view text) { return std::string(plain_scalar(text).kind_name()); };
  for (const char* text : {"no", "on", "y", "1.2.3", "0b1", "+-5", "1_000", ".", "e5", "-", ".inf", "12e", "0o8"}) {
    EXPECT_EQ(kind(text), "text") << text;
  }
  for (const char* text : {"0", "-5", "+5", "0o17", "1.5", ".5", "1e3", "-1.5E-3", "99999999999999999999"}) {
    EXPECT_EQ(kind(text), "a number") << text;
  }
  EXPECT_EQ(kind("True"), "true or false");
  EXPECT_EQ(kind("~"), "nothing");
}

TEST(ReadYaml, AliasesAreCopies) {
  const auto document = read_yaml("a: &x {k: 1}\nb: *x\n", "f.yaml");
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_EQ(*document->root.find("a"), *document->root.find("b"));
}

TEST(ReadYaml, AnEmptyFileIsNull) {
  EXPECT_TRUE(read_yaml("", "f.yaml")->root.is_null());
  EXPECT_TRUE(read_yaml("# nothing\n", "f.yaml")->root.is_null());
}

TEST(ReadYaml, RefusesWithPlaceAndReason) {
  EXPECT_EQ(yaml_error("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: \"a\" is given twice (it is first given in line 1)");
  EXPECT_EQ(yaml_error("a:\n\tb: 1\n"), "f.yaml:2:1: the line is indented with a tab (YAML allows only spaces)");
  EXPECT_EQ(yaml_error("a: 1\n---\nb: 1\n"), "f.yaml:2:1: a second document in one file is not supported");
  EXPECT_EQ(yaml_error("a: &x\n  <<: *x\n"), "f.yaml:2:3: merge keys (<<) are not supported; write the keys out");
  EXPECT_EQ(yaml_error("a: &x [*x]\n"), "f.yaml:1:8: the alias refers to the value that it is part of");
  EXPECT_EQ(yaml_error("a: !boom 1\n"), "f.yaml:1:4: the tag !boom is not supported");
  EXPECT_EQ(yaml_error("? [1]\n: 2\n"), "f.yaml:1:3: a key must be text");
  EXPECT_EQ(yaml_error("a: \xff\n"), "f.yaml:1:1: not UTF-8 text");
  EXPECT_TRUE(yaml_error("a: [1\n").starts_with("f.yaml:2:1: not YAML: ")) << yaml_error("a: [1\n");
  EXPECT_TRUE(yaml_error("a: *nope\n").starts_with("f.yaml:1:4: not YAML: ")) << yaml_error("a: *nope\n");
}

TEST(ReadYaml, BoundsHold) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) laughs += "," + before;
    laughs += "]\n";
  }
  const auto document = read_yaml(laughs, "f.yaml");
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().code, base::codes::kLimit);
  EXPECT_TRUE(document.error().message.ends_with("more than 200000 values, those of aliases included"))
      << document.error().message;

  EXPECT_EQ(yaml_error(std::string(100, '[') + std::string(100, ']')), "f.yaml:1:65: nested deeper than 64 levels");
  EXPECT_EQ(yaml_error("a: 1\n", {.max_bytes = 3}), "f.yaml:1:1: 5 bytes are over the limit of 3");
  EXPECT_EQ(yaml_error("[1, 2, 3]", {.max_values = 2}), "f.yaml:1:8: more than 2 values, those of aliases included");
}

TEST(ReadJson, KeepsPlacesOverEscapesAndLines) {
  const auto document = read_json("\xEF\xBB\xBF{\"a\\\"b\": [1, -2.5e3,\n  \"x\\\\\", {}],\n \"c\" : null}", "f.json");
  ASSERT_TRUE(document.ok()) << document.error().message;
  const auto& members = *document->root.map();
  EXPECT_EQ(members[0].key, "a\"b");
  const auto& list = *members[0].value.list();
  EXPECT_EQ(list[1].at, (Position{1, 14}));
  EXPECT_EQ(list[2].at, (Position{2, 3}));
  EXPECT_EQ(list[3].at, (Position{2, 10}));
  EXPECT_EQ(members[1].key_at, (Position{3, 2}));
  EXPECT_EQ(members[1].value.at, (Position{3, 8}));
}

TEST(ReadJson, RefusesWithPlaceAndReason) {
  EXPECT_EQ(json_error("{\"a\":1,\n\"a\":2}"), "f.json:2:1: \"a\" is given twice (it is first given in line 1)");
  EXPECT_TRUE(json_error("{\"a\":\n x}").starts_with("f.json:2:2: not JSON: ")) << json_error("{\"a\":\n x}");
  EXPECT_FALSE(json_error("[1,]").empty());
  EXPECT_FALSE(json_error("{\"a\":1} x").empty());
  EXPECT_FALSE(json_error("").empty());
  EXPECT_FALSE(json_error("[\"\xff\"]").empty());
  EXPECT_FALSE(json_error("[1e999]").empty());
  EXPECT_EQ(json_error(std::string(100, '[')), "f.json:1:65: nested deeper than 64 levels");
}

TEST(ReadDocument, JsonAndYamlSayTheSame) {
  const auto json = read_document(R"({"a": [1, "x", true, null, 1.5], "b": {}})", "f.json");
  const auto yaml = read_document("a:\n  - 1\n  - x\n  - true\n  -\n  - 1.5\nb: {}\n", "f.yaml");
  ASSERT_TRUE(json.ok() && yaml.ok());
  EXPECT_EQ(json->root, yaml->root);
}

}  // namespace
}  // namespace lathe::formats
