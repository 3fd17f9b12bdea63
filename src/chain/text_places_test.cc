#include "lathe/chain/text_places.h"

#include <gtest/gtest.h>

#include "lathe/formats/read.h"

namespace lathe::chain {
namespace {

using formats::Position;

/// Where the first "@" of the text under the key `t` stands, by the text as it was read.
Position place_of_mark(std::string_view source, const std::string& file) {
  const auto document = formats::read_document(source, file);
  EXPECT_TRUE(document.ok()) << document.error().text();
  const formats::Node* node = document->root.find("t");
  EXPECT_NE(node, nullptr);
  return place_in_text(source, node->at, node->text()->find('@'));
}

/// Where the source has it: there is one "@" only.
Position true_place(std::string_view source) {
  Position at;
  for (const char c : source.substr(0, source.find('@'))) {
    at = c == '\n' ? Position{.line = at.line + 1, .column = 1} : Position{.line = at.line, .column = at.column + 1};
  }
  return at;
}

struct Source {
  const char* text;
  const char* file;
};
class PlacesInText : public ::testing::TestWithParam<Source> {};
TEST_P(PlacesInText, AreThoseOfTheFile) {
  EXPECT_EQ(place_of_mark(GetParam().text, GetParam().file), true_place(GetParam().text)) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(Rows, PlacesInText,
                         ::testing::Values(Source{"t: plain @", "f.yaml"}, Source{"a: 1\nt: 'it''s @'", "f.yaml"},
                                           Source{R"(t: "a\tb\u00e9\x41 @")", "f.yaml"},
                                           Source{R"({"t": "a\n\"b\"\u00e9\ud83d\ude00@"})", "f.json"},
                                           Source{"t: |\n  one\n  two @\n", "f.yaml"},
                                           Source{"t: |\n\n  one\n\n    two @\n", "f.yaml"},
                                           Source{"t: >-\n  one\n  two @\n", "f.yaml"},
                                           Source{"t: >\n  one\n\n  two\n\n\n  three @\n", "f.yaml"},
                                           Source{"t: one\n  two\n  three @", "f.yaml"},
                                           Source{"t: \"one\n  two @\"", "f.yaml"},
                                           Source{"x: &a 1\nt: &b 'one @'", "f.yaml"}));

TEST(PlacesInText, StaysInsideOfTheFile) {
  for (std::size_t offset = 0; offset < 50; ++offset) {
    const Position at = place_in_text("t: |\n  a\n", {.line = 1, .column = 4}, offset);
    EXPECT_LE(at.line, 3U);
  }
  EXPECT_EQ(place_in_text("", {.line = 7, .column = 7}, 3), (Position{.line = 7, .column = 7}));
}

}  // namespace
}  // namespace lathe::chain
