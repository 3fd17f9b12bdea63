#include "lathe/base/unified_diff.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lathe/base/ids.h"

namespace lathe::base {
namespace {

TEST(UnifiedDiff, ShowsAChangeWithContext) {
  EXPECT_EQ(unified_diff("a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nd\nE\nf\ng\nh\n", "a/x", "b/x"),
            "--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n");
}

TEST(UnifiedDiff, NewAndDeletedFiles) {
  EXPECT_EQ(unified_diff("", "x\n", "", "b/n"), "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n");
  EXPECT_EQ(unified_diff("x\n", "", "a/n", ""), "--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
  EXPECT_EQ(unified_diff("x\n", "x\n", "a/n", "b/n"), "");
}

TEST(UnifiedDiff, MarksMissingNewline) {
  EXPECT_EQ(unified_diff("x\n", "x", "a/n", "b/n"),
            "--- a/n\n+++ b/n\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n");
}

/// The real judge: patch(1) applied to random texts must give the other text back.
TEST(UnifiedDiff, PatchAppliesWhatItPrints) {
  SeededRandom random(42);
  const auto folder = std::filesystem::path(::testing::TempDir()) / "unified_diff_test";
  std::filesystem::create_directories(folder);
  for (int round = 0; round < 40; ++round) {
    std::string before;
    std::string after;
    for (int line = 0; line < 60; ++line) {
      const std::string text = "line " + std::to_string(random.next() % 8) + "\n";
      const auto choice = random.next() % 10;
      if (choice != 0) before += text;
      if (choice != 1) after += text;
    }
    const std::string diff = unified_diff(before, after, "a/t", "b/t");
    std::ofstream(folder / "t") << before;
    std::ofstream(folder / "p") << diff;
    if (!diff.empty()) {
      const std::string command = "cd '" + folder.string() + "' && patch -s -p1 < p";
      ASSERT_EQ(std::system(command.c_str()), 0) << diff;
    }
    std::ifstream result(folder / "t");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(result), {}), after);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lathe::base
