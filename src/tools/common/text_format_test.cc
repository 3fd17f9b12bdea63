#include "lathe/tools/common/text_format.h"

#include <gtest/gtest.h>

namespace lathe::tools::common {
namespace {

TEST(TextFormat, GoesByTheMajority) {
  EXPECT_EQ(format_of("a\r\nb\r\nc\n").line_ending, LineEnding::kCrLf);
  EXPECT_EQ(format_of("a\r\nb\n").line_ending, LineEnding::kLf);
  EXPECT_EQ(format_of("no line end").line_ending, LineEnding::kLf);
  EXPECT_TRUE(format_of("\xEF\xBB\xBFx").byte_order_mark);
  EXPECT_EQ(without_mark("\xEF\xBB\xBFx"), "x");
}

TEST(TextFormat, ConvertsLineEndsBothWays) {
  EXPECT_EQ(with_line_ending("a\nb\r\nc", LineEnding::kCrLf), "a\r\nb\r\nc");
  EXPECT_EQ(with_line_ending("a\nb\r\nc\r", LineEnding::kLf), "a\nb\nc\r");
}

TEST(TextFormat, TakesNulForBinary) {
  EXPECT_TRUE(looks_binary(std::string_view("a\0b", 3)));
  EXPECT_FALSE(looks_binary("\xFF\xFE text in some other encoding"));
}

}  // namespace
}  // namespace lathe::tools::common
