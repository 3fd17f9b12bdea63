#include "lathe/formats/edit.h"

#include <gtest/gtest.h>

#include "lathe/formats/read.h"

namespace lathe::formats {
namespace {

std::string set(std::string_view text, const KeyPath& path, Node value) {
  auto edited = set_in_yaml(text, "c.yaml", path, value);
  return edited.ok() ? *edited : "error: " + edited.error().text();
}
std::string remove(std::string_view text, const KeyPath& path) {
  auto edited = remove_from_yaml(text, "c.yaml", path);
  return edited.ok() ? *edited : "error: " + edited.error().text();
}
Node text_node(std::string text) { return {.value = std::move(text)}; }

TEST(SetInYaml, ReplacesAScalarAndKeepsEverythingElse) {
  EXPECT_EQ(set("# top\na:   old   # why\n\nb: 2\n", {"a"}, text_node("new")), "# top\na:   new   # why\n\nb: 2\n");
  EXPECT_EQ(set("a: \"x # y\" # why\n", {"a"}, text_node("new")), "a: new # why\n");
  EXPECT_EQ(set("a: 'it''s' # why\n", {"a"}, text_node("new")), "a: new # why\n");
  EXPECT_EQ(set("a: [1, 2] # why\n", {"a"}, text_node("new")), "a: new # why\n");
  EXPECT_EQ(set("a:   # why\nb: 1\n", {"a"}, text_node("new")), "a: new # why\nb: 1\n");
  EXPECT_EQ(set("s:\n  a_b: 1\n", {"s", "a-b"}, {.value = std::int64_t{2}}), "s:\n  a_b: 2\n");
  EXPECT_EQ(set("a: 1\r\nb: 2\r\n", {"a"}, text_node("x y")), "a: \"x y\"\r\nb: 2\r\n");
  EXPECT_EQ(set("a: 1", {"a"}, {.value = Node::List{text_node("x"), text_node("y")}}), "a: [x, y]\n");
}

TEST(SetInYaml, AddsWhatIsMissingAtTheEndOfItsMap) {
  EXPECT_EQ(set("", {"a"}, text_node("x")), "a: x\n");
  EXPECT_EQ(set("# only a comment\n", {"a", "b"}, text_node("x")), "# only a comment\na:\n  b: x\n");
  EXPECT_EQ(set("s:\n    a: 1 # one\n    # two\n\n# next\nt: 1\n", {"s", "b"}, text_node("x")),
            "s:\n    a: 1 # one\n    # two\n    b: x\n\n# next\nt: 1\n");
  EXPECT_EQ(set("s:\nt: 1\n", {"s", "b"}, text_node("x")), "s:\n  b: x\nt: 1\n");
  const Node backend{.value = Node::Map{{.key = "type", .key_at = {}, .value = text_node("openai")},
                                        {.key = "url", .key_at = {}, .value = text_node("http://h:1/v1")}}};
  EXPECT_EQ(set("backends:\n  a:\n    type: x\nz: 1\n", {"backends", "b"}, backend),
            "backends:\n  a:\n    type: x\n  b:\n    type: openai\n    url: http://h:1/v1\nz: 1\n");
}

TEST(SetInYaml, RefusesWhatALineCannotExpress) {
  const std::string by_hand =
      "error: c.yaml: a (line 1) cannot be changed line by line as the file is written "
      "(set a to new by hand: ${EDITOR:-vi} c.yaml)";
  EXPECT_EQ(set("{a: 1, b: 2}\n", {"a"}, text_node("new")), by_hand);
  EXPECT_EQ(set("a: one\n  two\n", {"a"}, text_node("new")), by_hand);
  EXPECT_EQ(set("a: |\n  one\n  two\n", {"a"}, text_node("new")), by_hand);
  EXPECT_EQ(set("a: &x 1\nb: *x\n", {"a"}, text_node("new")), by_hand);
  EXPECT_EQ(set("a:\n  - 1\n  - 2\n", {"a"}, text_node("new")), by_hand);
  EXPECT_TRUE(set("a: 1\n", {"a", "b"}, text_node("new")).starts_with("error: c.yaml: a.b cannot be changed"));
  EXPECT_TRUE(set("a: [1\n", {"a"}, text_node("new")).starts_with("error: c.yaml:"));
}

TEST(RemoveFromYaml, TakesTheWholeMember) {
  EXPECT_EQ(remove("s:\n  a:\n    x: 1\n    # mine\n  # of b\n  b: 2\nt: 1\n", {"s", "a"}),
            "s:\n  # of b\n  b: 2\nt: 1\n");
  EXPECT_EQ(remove("s:\n  a: 1\n", {"s", "a"}), "s:\n");
  EXPECT_EQ(remove("a: 1\n", {"a"}), "");
  EXPECT_EQ(remove("a: 1\n", {"b"}), "error: c.yaml has no b");
  EXPECT_TRUE(remove("{a: 1, b: 2}\n", {"a"}).contains("a (line 1) cannot be changed line by line"));
}

TEST(YamlText, NumbersStayOfTheirKind) {
  for (const double number : {2.0, 0.5, 1e20, -0.0}) {
    const auto document = read_yaml("k: " + yaml_text({.value = number}) + "\n", "c.yaml");
    ASSERT_TRUE(document.ok());
    EXPECT_EQ(*document->root.find("k"), Node{.value = number}) << number;
  }
}

TEST(YamlText, ReadsBackAsTheSameValue) {
  for (const char* text :
       {"", "plain", "true", "null", "1.5", "a: b", "# x", "- x", "@x", "a\"b", "tab\t", "x:", "ü"}) {
    const Node node = text_node(text);
    const auto document = read_yaml("k: " + yaml_text(node) + "\n", "c.yaml");
    ASSERT_TRUE(document.ok()) << text;
    EXPECT_EQ(*document->root.find("k"), node) << text;
  }
}

}  // namespace
}  // namespace lathe::formats
