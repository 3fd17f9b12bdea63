#include "lathe/globs/glob_pattern.h"

#include <gtest/gtest.h>

namespace lathe::globs {
namespace {

bool matches(std::string_view pattern, std::string_view path) { return GlobPattern::parse(pattern)->matches(path); }

TEST(GlobPattern, StarsStayWithinAName) {
  EXPECT_TRUE(matches("*.cc", "a.cc"));
  EXPECT_FALSE(matches("*.cc", "src/a.cc"));
  EXPECT_TRUE(matches("src/?.cc", "src/a.cc"));
  EXPECT_FALSE(matches("src?a.cc", "src/a.cc"));
  EXPECT_FALSE(matches("a.cc", "aXcc"));
}

TEST(GlobPattern, TwoStarsCrossFolders) {
  EXPECT_TRUE(matches("**/a.cc", "a.cc"));
  EXPECT_TRUE(matches("**/a.cc", "x/y/a.cc"));
  EXPECT_TRUE(matches("src/**", "src/x/y"));
  EXPECT_TRUE(matches("src/**/a", "src/a"));
  EXPECT_TRUE(matches("src/**/a", "src/x/y/a"));
  EXPECT_FALSE(matches("src/**/a", "src/xa"));
  EXPECT_FALSE(matches("a**b", "a/b"));
}

TEST(GlobPattern, ClassesBracesAndEscapes) {
  EXPECT_TRUE(matches("[a-c]x", "bx"));
  EXPECT_FALSE(matches("[!a-c]x", "bx"));
  EXPECT_FALSE(matches("a[!b]c", "a/c"));
  EXPECT_TRUE(matches("*.{cc,h}", "a.h"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "a"));
  EXPECT_TRUE(matches("caf\u00E9?", "caf\u00E9\u00E9"));
}

TEST(GlobPattern, RefusesWhatIsLeftOpen) {
  EXPECT_EQ(GlobPattern::parse("a[b").error().message, "the pattern \"a[b\" has a \"[\" that is not closed");
  EXPECT_EQ(GlobPattern::parse("{a,b").error().message, "the pattern \"{a,b\" has a \"{\" that is not closed");
  EXPECT_FALSE(GlobPattern::parse("").ok());
  EXPECT_FALSE(GlobPattern::parse(std::string(10'000, '*')).ok());
}

TEST(FilePattern, WithoutASlashIsAboutTheName) {
  EXPECT_TRUE(parse_file_pattern("*.cc")->matches("src/a.cc"));
  EXPECT_FALSE(parse_file_pattern("./*.cc")->matches("src/a.h"));
  EXPECT_FALSE(parse_file_pattern("x/*.cc")->matches("src/x/a.cc"));
}

}  // namespace
}  // namespace lathe::globs
