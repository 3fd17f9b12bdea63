#include "lathe/base/utf8.h"

#include <gtest/gtest.h>

namespace lathe::base {
namespace {

TEST(Utf8, BytesThatAreNoTextAreFoundWhereverTheyStand) {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string begin(before, 'x');
    EXPECT_TRUE(is_utf8(begin + "ü" + std::string(20, 'y')));
    EXPECT_FALSE(is_utf8(begin + "\xff" + std::string(20, 'y')));
    EXPECT_EQ(to_utf8(begin + "\xff" + "z"), begin + "\xef\xbf\xbd" + "z");
  }
}

TEST(Utf8, KnowsWhatIsValid) {
  EXPECT_TRUE(is_utf8("grün €😀"));
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
  EXPECT_EQ(to_utf8("a\xffz"), "a\xef\xbf\xbdz");
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(utf8_prefix("a€b", 3), "a");
  EXPECT_EQ(utf8_prefix("a€b", 4), "a€");
  EXPECT_EQ(utf8_suffix("a€b", 3), "b");
  EXPECT_EQ(utf8_incomplete_tail("a\xe2\x82"), 2U);
  EXPECT_EQ(utf8_incomplete_tail("a€"), 0U);
}

TEST(TerminalSafe, ShowsControlsAndOverrides) {
  EXPECT_EQ(terminal_safe("\x1b[2Jhi\n"), "\\x1b[2Jhi\n");
  EXPECT_EQ(terminal_safe("a\xe2\x80\xae"), "a\\u202e");
  EXPECT_EQ(terminal_safe("\xc2\x9b"), "\\x9b");
}

TEST(DisplayWidth, CountsWideAndCombining) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("漢字"), 4U);
}

}  // namespace
}  // namespace lathe::base
