#include "lathe/tools/shell/refusal.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace lathe::tools::shell {
namespace {

std::string refused(std::initializer_list<std::string_view> pieces, int exit_code) {
  RefusalScan scan;
  for (const auto piece : pieces) scan.add(piece);
  return scan.refused(exit_code);
}

TEST(Refusal, IsTheLastLineThatTellsOfOne) {
  EXPECT_EQ(refused({"a\ntouch: cannot touch '/etc/x': Read-only file", " system\nmake: *** Error 1\n"}, 2),
            "touch: cannot touch '/etc/x': Read-only file system");
  EXPECT_EQ(refused({"curl: (6) Could not resolve host: example.com"}, 6),
            "curl: (6) Could not resolve host: example.com");
}

TEST(Refusal, OrdinaryFailuresAreNone) {
  EXPECT_EQ(refused({"error: expected ';'\n"}, 1), "");
  EXPECT_EQ(refused({"rm: x: Permission denied\n"}, 0), "") << "it went on and succeeded";
  EXPECT_EQ(refused({"bash: ./x: Permission denied\n"}, 126), "") << "a file without the executable bit";
}

TEST(Refusal, ASystemCallThatKills) { EXPECT_EQ(refused({}, 128 + 31), "a system call that commands may not make"); }

TEST(Refusal, APathThatIsThereButForTheJailIsHidden) {
  RefusalScan scan;
  scan.add("cat: '/data/x/notes': No such file or directory\n");
  EXPECT_EQ(scan.missing(0).line, "");
  EXPECT_EQ(scan.refused(1), "") << "the program may not know";
  EXPECT_EQ(scan.missing(1).line, "cat: '/data/x/notes': No such file or directory");
  EXPECT_EQ(scan.missing(1).paths, std::vector<std::string>{"/data/x/notes"});
  RefusalScan dash;
  dash.add("sh: 1: cannot create /data/x/y: Directory nonexistent");
  EXPECT_EQ(dash.missing(2).paths, std::vector<std::string>{"/data/x/y"});
  RefusalScan relative;
  relative.add("a/b.cc:3: fatal error: x/y.h: No such file or directory");
  EXPECT_TRUE(relative.missing(1).paths.empty());

  const std::string folder = testing::TempDir() + "/refusal-test";
  std::filesystem::create_directories(folder);
  EXPECT_TRUE(is_hidden({folder}, {}));
  EXPECT_TRUE(is_hidden({folder + "/new"}, {}));
  EXPECT_FALSE(is_hidden({folder + "/no/new"}, {}));
  EXPECT_FALSE(is_hidden({folder + "/new"}, {folder})) << "the jail shows that folder";
  EXPECT_FALSE(is_hidden({"/tmp/not-there", "/not-there/x", "/proc/1"}, {}));
  std::filesystem::remove_all(folder);
}

TEST(Refusal, StaysWithinBoundsOnEndlessLines) {
  RefusalScan scan;
  for (int i = 0; i < 1000; ++i) scan.add(std::string(100'000, 'x'));
  scan.add("\npermission denied: " + std::string(100'000, 'y'));
  EXPECT_LE(scan.refused(1).size(), 300U);
}

}  // namespace
}  // namespace lathe::tools::shell
