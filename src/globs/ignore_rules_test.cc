#include "lathe/globs/ignore_rules.h"

#include <gtest/gtest.h>

namespace lathe::globs {
namespace {

std::string ignored(std::string_view rules, std::string_view path, EntryKind kind = EntryKind::kFile,
                    IgnoreReader reader = IgnoreReader::kGit) {
  const auto decided = IgnoreRules::parse("/r", rules, reader).ignores("/r/" + std::string(path), kind);
  return !decided ? "-" : *decided ? "yes" : "no";
}

TEST(IgnoreRules, FollowGit) {
  EXPECT_EQ(ignored("*.o\n", "a/b.o"), "yes");
  EXPECT_EQ(ignored("*.o\n", "a.c"), "-");
  EXPECT_EQ(ignored("*.o\n!keep.o\n", "x/keep.o"), "no");
  EXPECT_EQ(ignored("!keep.o\n*.o\n", "keep.o"), "yes") << "the last one decides";
  EXPECT_EQ(ignored("/build\n", "build"), "yes");
  EXPECT_EQ(ignored("/build\n", "x/build"), "-");
  EXPECT_EQ(ignored("a/b\n", "a/b"), "yes");
  EXPECT_EQ(ignored("a/b\n", "x/a/b"), "-");
  EXPECT_EQ(ignored("out/\n", "x/out", EntryKind::kFolder), "yes");
  EXPECT_EQ(ignored("out/\n", "x/out"), "-");
  EXPECT_EQ(ignored("**/tmp\n", "x/y/tmp"), "yes");
  EXPECT_EQ(ignored("# note\n\n\\#file\n", "#file"), "yes");
  EXPECT_EQ(ignored("trailing   \n", "trailing"), "yes");
  EXPECT_EQ(ignored("a.{b,c}\n", "a.b"), "-") << "braces are plain here";
  EXPECT_EQ(ignored("broken[\nfine\r\n", "fine"), "yes");
}

TEST(IgnoreRules, FollowRipgrepWhereItReadsLinesDifferently) {
  const auto by_ripgrep = [](std::string_view rules, std::string_view path) {
    return ignored(rules, path, EntryKind::kFile, IgnoreReader::kRipgrep);
  };
  EXPECT_EQ(by_ripgrep("a.{b,c}\n", "a.b"), "yes");
  EXPECT_EQ(by_ripgrep("tab\t \n", "tab"), "yes");
  EXPECT_EQ(ignored("tab\t \n", "tab"), "-");
  EXPECT_EQ(by_ripgrep("{open\nfine\n", "fine"), "yes");
  EXPECT_EQ(by_ripgrep("{open\n", "{open"), "-");
}

}  // namespace
}  // namespace lathe::globs
