#include "lathe/ports/bookmarks.h"

#include <gtest/gtest.h>

namespace lathe::ports {
namespace {

Bookmark mark(int turn) { return {.response_id = "resp_" + std::to_string(turn), .seq = 10LL * turn}; }

Bookmarks many(int turns) {
  Bookmarks marks;
  for (int i = 1; i <= turns; ++i) marks.add(mark(i));
  return marks;
}

TEST(Bookmarks, EachIsFoundWithTheOneBeforeItOverTheEdgesOfBlocks) {
  const Bookmarks marks = many(20'000);
  ASSERT_GT(marks.blocks().size(), 3U);
  ASSERT_FALSE(marks.rest().empty());
  EXPECT_EQ(marks.size(), 20'000U);
  EXPECT_EQ(*marks.last(), mark(20'000));
  for (int i = 1; i <= 20'000; i += 7) {
    const auto found = marks.find(mark(i).response_id);
    ASSERT_TRUE(found.has_value()) << i;
    EXPECT_EQ(found->mark, mark(i));
    EXPECT_EQ(found->before, 10LL * (i - 1));
  }
  // The first line of a block has the one before it in another.
  for (const Bookmarks::Block& block : marks.blocks()) {
    const auto found = marks.find(std::string_view(*block).substr(0, block->find(' ')));
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->before, found->mark.seq - 10);
  }
}

TEST(Bookmarks, AnIdIsFoundWhole) {
  const Bookmarks marks{{"resp_12", 1}, {"xresp_1", 2}};
  EXPECT_FALSE(marks.find("resp_1").has_value());
  EXPECT_FALSE(marks.find("esp_12").has_value());
  EXPECT_FALSE(marks.find("").has_value());
  EXPECT_EQ(marks.find("xresp_1")->mark.seq, 2);
}

TEST(Bookmarks, DroppingGoesBackIntoFullBlocks) {
  Bookmarks marks = many(20'000);
  const Bookmarks copy = marks;
  for (const int left : {19'999, 12'345, 3, 0}) {
    marks.drop_after(10LL * left + 9);
    EXPECT_EQ(marks, many(left));
    EXPECT_EQ(marks.size(), static_cast<std::size_t>(left));
  }
  EXPECT_TRUE(marks.empty());
  EXPECT_FALSE(marks.last().has_value());
  marks.add(mark(1));
  EXPECT_EQ(marks, many(1));
  EXPECT_EQ(copy, many(20'000)) << "a copy has its own";
}

TEST(Bookmarks, ComeBackFromTheirText) {
  const Bookmarks marks = many(5'000);
  EXPECT_EQ(Bookmarks::from_text(marks.blocks(), marks.rest()), marks);
  EXPECT_EQ(Bookmarks::from_text(marks.blocks(), marks.rest())->size(), 5'000U);
  EXPECT_FALSE(Bookmarks::from_text({}, "resp_1 10").has_value()) << "torn";
  EXPECT_FALSE(Bookmarks::from_text({std::make_shared<const std::string>("")}, "").has_value());
}

TEST(Bookmarks, AnIdThatWouldBeTwoLinesIsLeftOut) {
  Bookmarks marks;
  marks.add({.response_id = "resp_1 5\nresp_2", .seq = 3});
  EXPECT_TRUE(marks.empty());
}

}  // namespace
}  // namespace lathe::ports
