#include "lathe/cli/term/style.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lathe::cli {
namespace {

using Rows = std::vector<std::string>;

TEST(LastRows, BreakBetweenWordsAndWithinLongOnes) {
  EXPECT_EQ(last_rows("", 10, 5), Rows{});
  EXPECT_EQ(last_rows("one two three", 7, 5), (Rows{"one two", "three"}));
  EXPECT_EQ(last_rows("\none\n\n  two\n", 10, 5), (Rows{"", "one", "", "  two"}));
  EXPECT_EQ(last_rows("abcdefghij kl", 4, 5), (Rows{"abcd", "efgh", "ij", "kl"}));
  EXPECT_EQ(last_rows("日本語", 5, 5), (Rows{"日本", "語"}));
  EXPECT_EQ(last_rows("日", 1, 5), Rows{"日"});
}

TEST(LastRows, AreTheNewestAndNoWiderThanTheTerminal) {
  EXPECT_EQ(last_rows("1\n2\n3\n4", 10, 2), (Rows{"3", "4"}));
  EXPECT_EQ(last_rows("\tx\r\ny\x1b[2J\r", 20, 5), (Rows{"    x", "y\\x1b[2J"}));
  const Rows rows = last_rows(std::string(1'000'000, 'x') + " end", 80, 30);
  ASSERT_EQ(rows.size(), 30U);
  EXPECT_EQ(rows.back(), "end");
  EXPECT_EQ(rows.front(), std::string(80, 'x'));
}

}  // namespace
}  // namespace lathe::cli
