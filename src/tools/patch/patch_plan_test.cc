#include "lathe/tools/patch/patch_plan.h"

#include <gtest/gtest.h>

#include <map>

namespace lathe::tools::patch {
namespace {

std::string patched(std::string_view content, std::string_view chunks) {
  const auto hunks = parse_patch("*** Begin Patch\n*** Update File: f\n" + std::string(chunks) + "*** End Patch");
  EXPECT_TRUE(hunks.ok()) << hunks.error().text();
  const auto result = apply_chunks("f", content, std::get<UpdateFile>((*hunks)[0]).chunks);
  return result.ok() ? *result : "error: " + result.error().message;
}

TEST(ApplyChunks, KeepsLineEndsAndMark) {
  EXPECT_EQ(patched("a\r\nb\r\nc\r\n", "@@\n a\n-b\n+x\n+y\n"), "a\r\nx\r\ny\r\nc\r\n");
  EXPECT_EQ(patched("\xEF\xBB\xBF"
                    "a\nb\n",
                    "@@\n-a\n+x\n"),
            "\xEF\xBB\xBFx\nb\n");
  EXPECT_EQ(patched("a\r\nb\nc\r\n", "@@\n-c\n+x\n"), "a\r\nb\nx\r\n") << "mixed: other lines stay, new ones as most";
  EXPECT_EQ(patched("a\r\nb", "@@\n-a\n+x\n"), "x\r\nb\r\n");
}

TEST(ApplyChunks, KeptLinesKeepTheirOwnBytes) { EXPECT_EQ(patched("  a  \n\tb\n", "@@\n a\n-b\n+c\n"), "  a  \nc\n"); }

TEST(ApplyChunks, ContextFindsTheRightOne) {
  const std::string file = "f():\n  x\ng():\n  x\n";
  EXPECT_EQ(patched(file, "@@ g():\n-  x\n+  y\n"), "f():\n  x\ng():\n  y\n");
  EXPECT_EQ(patched(file, "@@ h():\n-  x\n+  y\n"), "error: f: the context line \"h():\" is not in the file");
}

TEST(ApplyChunks, EndOfFileMeansTheLastPlace) {
  EXPECT_EQ(patched("a\nb\na\n", "@@\n-a\n+x\n*** End of File\n"), "a\nb\nx\n");
  EXPECT_EQ(patched("a\nb\n", "@@\n-a\n+x\n*** End of File\n"), "error: f: these lines are not in the file:\na");
}

TEST(ApplyChunks, OnlyAddedLinesGoToTheEnd) {
  EXPECT_EQ(patched("a\nb\n", "@@\n+c\n"), "a\nb\nc\n");
  EXPECT_EQ(patched("a\nb\n", "@@ a\n+c\n"), "a\nb\nc\n");
  EXPECT_EQ(patched("", "@@\n+c\n"), "c\n");
}

TEST(ApplyChunks, ForgivesAnEmptyLineAfterTheLast) { EXPECT_EQ(patched("a\nb\n", "@@\n-b\n+c\n\n"), "a\nc\n"); }

TEST(ApplyChunks, RefusesChunksThatOverlap) {
  EXPECT_EQ(patched("a\nb\n", "@@\n-a\n-b\n+x\n@@\n-b\n+y\n*** End of File\n"),
            "error: f: two chunks change the same lines, from line 2");
}

TEST(ApplyChunks, MayLeaveNothing) { EXPECT_EQ(patched("a\n", "@@\n-a\n"), ""); }

class PlanTest : public testing::Test {
 protected:
  base::Result<PatchPlan> plan(std::string_view body) {
    return plan_patch(*parse_patch("*** Begin Patch\n" + std::string(body) + "*** End Patch"),
                      [this](const std::string& path) -> base::Result<std::optional<std::string>> {
                        const auto found = files_.find(path);
                        return found == files_.end() ? std::nullopt : std::optional(found->second);
                      });
  }
  std::map<std::string, std::string> files_ = {{"a", "1\n"}, {"b", "2\n"}};
};

TEST_F(PlanTest, LaterHunksSeeEarlierOnes) {
  const auto result = plan(
      "*** Add File: new\n+x\n*** Update File: new\n@@\n-x\n+y\n*** Update File: a\n@@\n-1\n+2\n"
      "*** Update File: a\n@@\n-2\n+3\n*** Delete File: b\n*** Add File: b\n+z\n");
  ASSERT_TRUE(result.ok()) << result.error().text();
  const std::vector<PlannedFile> expected = {{"new", std::nullopt, "y\n"}, {"a", "1\n", "3\n"}, {"b", "2\n", "z\n"}};
  EXPECT_EQ(result->files, expected);
  EXPECT_EQ(result->summary, "A new\nM new\nM a\nM a\nD b\nA b\n");
}

TEST_F(PlanTest, AMoveIsADeletionAndAWrite) {
  const auto result = plan("*** Update File: a\n*** Move to: dir/c\n@@\n-1\n+9\n");
  const std::vector<PlannedFile> expected = {{"a", "1\n", std::nullopt}, {"dir/c", std::nullopt, "9\n", "a"}};
  EXPECT_EQ(result->files, expected);
  EXPECT_EQ(result->summary, "M dir/c\n");
  EXPECT_EQ(plan("*** Update File: a\n*** Move to: c\n")->files.size(), 2U) << "a move alone";
}

TEST_F(PlanTest, NamesFilesThatAreNotThere) {
  EXPECT_EQ(plan("*** Delete File: x\n").error().message, "x: there is no such file to delete");
  EXPECT_EQ(plan("*** Update File: x\n@@\n-1\n+2\n").error().message, "x: there is no such file to update");
  EXPECT_EQ(plan("*** Delete File: a\n*** Update File: a\n@@\n-1\n+2\n").error().code, base::codes::kNotFound);
}

}  // namespace
}  // namespace lathe::tools::patch
