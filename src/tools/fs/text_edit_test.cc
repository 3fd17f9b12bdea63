#include "lathe/tools/fs/text_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::tools::fs {
namespace {

using testing::HasSubstr;

std::string edited(std::string_view content, std::string_view old_text, std::string_view new_text,
                   Matches matches = Matches::kExactlyOne) {
  const auto result = replace_text("edit_file", "f", content, old_text, new_text, matches);
  return result.ok() ? *result : result.error().message;
}

TEST(ReplaceText, ReplacesOneOrAll) {
  EXPECT_EQ(edited("a b c", "b", "x"), "a x c");
  EXPECT_EQ(edited("a b a", "a", "x", Matches::kAll), "x b x");
  EXPECT_EQ(edited("a b c", " b", ""), "a c");
}

TEST(ReplaceText, LeavesLineEndsAndTheLastLineAlone) {
  EXPECT_EQ(edited("a\r\nb\r\nc", "a\nb", "x\ny"), "x\r\ny\r\nc");
  EXPECT_EQ(edited("a\r\nb\r\n", "b", "x\ny"), "a\r\nx\r\ny\r\n");
  EXPECT_EQ(edited("a\nb", "b", "c"), "a\nc");
  EXPECT_EQ(edited("\xEF\xBB\xBF"
                   "a\n",
                   "a", "b"),
            "\xEF\xBB\xBF"
            "b\n");
}

TEST(ReplaceText, SaysWhereAmbiguousTextStands) {
  EXPECT_EQ(edited("a\nb\na\n", "a", "x"), "edit_file: old_text stands 2 times in f, on lines 1, 3");
}

TEST(ReplaceText, ShowsTheNearestLines) {
  EXPECT_EQ(
      edited("one\n\tif (x) {\n\t\ty();\n\t}\n", "  if (x) {\n    y();\n", "z"),
      "edit_file: old_text is not in f exactly so; the nearest lines are:\n     2\t\tif (x) {\n     3\t\t\ty();\n");
  EXPECT_EQ(edited("one\n", "two", "z"), "edit_file: old_text is not in f");
}

TEST(ReplaceText, ShowsTheLineThatATypoMissed) {
  EXPECT_EQ(edited("first\n  hello world\n", "helo world", "z"),
            "edit_file: old_text is not in f exactly so; the nearest lines are:\n     2\t  hello world\n");
}

TEST(ReplaceText, RefusesAChangeThatIsNone) { EXPECT_EQ(edited("a", "a", "a"), "edit_file: f would not change"); }

}  // namespace
}  // namespace lathe::tools::fs
