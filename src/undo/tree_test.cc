#include "lathe/undo/tree.h"

#include <gtest/gtest.h>

namespace lathe::undo {
namespace {

TEST(PathLess, AFolderComesRightBeforeWhatIsInIt) {
  EXPECT_TRUE(path_less("a", "a/x"));
  EXPECT_TRUE(path_less("a/x", "a-b"));
  EXPECT_TRUE(path_less("a", "a-b"));
  EXPECT_FALSE(path_less("a-b", "a/x"));
  EXPECT_FALSE(path_less("a", "a"));
  EXPECT_TRUE(path_less("a", "\xC3\xA4"));
}

TEST(Tree, IsTheSameAfterAFileAndDamageIsSeen) {
  Tree tree{.root = "/w", .rules = "r", .entries = {}};
  tree.entries.push_back({.path = "a",
                          .covered = true,
                          .state = {.kind = FileKind::kFile, .mode = 0644, .size = 3, .content = "c", .git = "g"},
                          .stamp = {.inode = 1, .size = 3, .modified_ns = 4, .changed_ns = 5, .mode = 0100644}});
  tree.entries.push_back({.path = "b", .covered = false, .state = {.kind = FileKind::kFolder}, .stamp = {}});
  const std::string bytes = tree.encode();
  const auto again = Tree::decode(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->entries, tree.entries);
  EXPECT_EQ(again->covered_files(), 1);
  EXPECT_EQ(again->not_covered(10), std::vector<std::string>{"b/"});
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(Tree::decode(damaged).ok()) << at;
    EXPECT_FALSE(Tree::decode(bytes.substr(0, at)).ok()) << at;
  }
}

}  // namespace
}  // namespace lathe::undo
