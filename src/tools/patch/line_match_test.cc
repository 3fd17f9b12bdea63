#include "lathe/tools/patch/line_match.h"

#include <gtest/gtest.h>

#include <vector>

namespace lathe::tools::patch {
namespace {

std::optional<std::size_t> find(std::vector<std::string_view> lines, std::vector<std::string> wanted,
                                std::size_t start = 0, Where where = Where::kFromStart) {
  return find_lines(lines, wanted, start, where);
}

TEST(FindLines, PrefersTheMoreExactPassOverTheEarlierPlace) {
  EXPECT_EQ(find({"  a", "a ", "a"}, {"a"}), 2U);
  EXPECT_EQ(find({"  a", "a "}, {"a"}), 1U);
  EXPECT_EQ(find({"b", "  a\t"}, {"a"}), 1U);
}

TEST(FindLines, TakesTypographyForAscii) {
  EXPECT_EQ(find({"x \u2014 \u201Cy\u201D\u00A0\u2019z\u2019"}, {"x - \"y\" 'z'"}), 0U);
  EXPECT_EQ(find({"na\u00EFve"}, {"naive"}), std::nullopt);
}

TEST(FindLines, StartsWhereItIsTold) {
  EXPECT_EQ(find({"a", "b", "a"}, {"a"}, 1), 2U);
  EXPECT_EQ(find({"a", "b"}, {"a"}, 1), std::nullopt);
  EXPECT_EQ(find({"a"}, {}, 1), 1U);
  EXPECT_EQ(find({"a"}, {"a", "b"}), std::nullopt);
  EXPECT_EQ(find({}, {"a"}), std::nullopt);
}

TEST(FindLines, AtTheEndMeansNowhereElse) {
  EXPECT_EQ(find({"a", "b", "a"}, {"a"}, 0, Where::kAtEnd), 2U);
  EXPECT_EQ(find({"a", "b"}, {"a"}, 0, Where::kAtEnd), std::nullopt);
}

}  // namespace
}  // namespace lathe::tools::patch
