#include "lathe/policy/glob.h"

#include <gtest/gtest.h>

namespace lathe::policy {
namespace {

struct Row {
  const char* pattern;
  const char* path;
  bool matches;
};
class Globs : public ::testing::TestWithParam<Row> {};
TEST_P(Globs, Match) {
  const auto glob = Glob::parse(GetParam().pattern);
  ASSERT_TRUE(glob.ok());
  EXPECT_EQ(glob->matches(GetParam().path), GetParam().matches) << GetParam().pattern << " on " << GetParam().path;
}
INSTANTIATE_TEST_SUITE_P(
    Rows, Globs,
    ::testing::Values(Row{"**/.env", "/a/b/.env", true}, Row{"**/.env", ".env", true},
                      Row{"**/.env", "/a/.env2", false}, Row{"**/.ssh/**", "/home/x/.ssh/id", true},
                      Row{"**/.ssh/**", "/home/x/.ssh", true}, Row{"*.pem", "a.pem", true},
                      Row{"*.pem", "d/a.pem", false}, Row{"a?c", "abc", true}, Row{"a?c", "a/c", false},
                      Row{"/{etc,boot}/**", "/etc/x", true}, Row{"/{etc,boot}/**", "/usr", false},
                      Row{"{a,b{c,d}}x", "bdx", true}, Row{"{a", "{a", true}, Row{"/etc/x", "/etc/../etc//./x", true},
                      Row{"/etc/**", "/tmp/../etc/passwd", true}, Row{"**/a/**/b", "/a/b/a/c/b", true},
                      Row{"a*b*c", "aXbYc", true}, Row{"a*b*c", "acb", false}));

TEST(Globs, MayMatchWhatIsNotKnown) {
  struct Maybe {
    const char* pattern;
    PathPattern path;
    bool matches;
  };
  for (const Maybe& row :
       {Maybe{"**/secret.txt", {{"", "w", "sec*"}}, true}, Maybe{"**/secret.txt", {{"", "w", "*.cc"}}, false},
        Maybe{"a/b", {{"**"}}, true}, Maybe{"/etc/**", {{"**", "passwd"}}, true},
        Maybe{"/etc/x", {{"**", "passwd"}}, false}, Maybe{"/*/x?z", {{"", "a", "x*"}}, true},
        Maybe{"**/.env", {{"", "w", "*"}, true}, false}, Maybe{"**/.env", {{"", "w", "*"}}, true},
        Maybe{"a*c", {{"ab*d"}}, false}, Maybe{"a*c", {{"ab*c"}}, true}, Maybe{"abc", {{"ab", "c"}}, false},
        Maybe{"a/**/b", {{"a", "x", "b"}}, true}, Maybe{"a/**/b", {{"a", "b"}}, true}, Maybe{"a/**/b", {{"a"}}, false},
        Maybe{"aa", {{"a*a"}}, true}}) {
    EXPECT_EQ(Glob::parse(row.pattern)->may_match(row.path), row.matches) << row.pattern;
  }
}

TEST(Globs, TooManyAlternativesAreAnError) {
  std::string pattern;
  for (int i = 0; i < 13; ++i) pattern += "{a,b}";
  EXPECT_EQ(Glob::parse(pattern).error().code, base::codes::kLimit);
}

TEST(Globs, StarsDoNotBlowUp) {
  const auto glob = Glob::parse(std::string(200, '*') + "x");
  ASSERT_TRUE(glob.ok());
  EXPECT_FALSE(glob->matches(std::string(10'000, 'a')));
}

TEST(Hosts, AreMadeCanonicalOrRefused) {
  EXPECT_EQ(host_of_url("https://API.Example.com.:8443/x?y@z"), "api.example.com");
  EXPECT_EQ(host_of_url("http://[::1]:80/"), "[::1]");
  EXPECT_EQ(host_of_url("https://good@evil/"), "");
  EXPECT_EQ(host_of_url("ftp://x/"), "");
  EXPECT_EQ(canonical_host(std::string_view("a\0.b", 4)), "");
  EXPECT_EQ(canonical_host("\xd0\xb0pple.com"), "");
  EXPECT_TRUE(host_matches("*.example.com", "a.example.com"));
  EXPECT_FALSE(host_matches("*.example.com", "example.com"));
  EXPECT_FALSE(host_matches("*.example.com", "badexample.com"));
}

}  // namespace
}  // namespace lathe::policy
