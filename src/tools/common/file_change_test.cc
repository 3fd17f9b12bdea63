#include "lathe/tools/common/file_change.h"

#include <gtest/gtest.h>

namespace lathe::tools::common {
namespace {

using protocol::ChangeKind;

TEST(FileChange, TellsTheKindByWhatIsThere) {
  EXPECT_EQ(file_change({.path = "a", .before = std::nullopt, .after = "x\n"}).kind, ChangeKind::kAdd);
  EXPECT_EQ(file_change({.path = "a", .before = "x\n", .after = "y\n"}).kind, ChangeKind::kUpdate);
  EXPECT_EQ(file_change({.path = "a", .before = "x\n", .after = std::nullopt}).kind, ChangeKind::kDelete);
  EXPECT_EQ(file_change({.path = "a", .moved_to = "b", .before = "x\n", .after = "x\n"}).kind, ChangeKind::kMove);
}

TEST(FileChange, ShowsADiff) {
  EXPECT_EQ(diff_text({.path = "f", .before = "a\nb\n", .after = "a\nc\n"}),
            "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
}

TEST(FileChange, NamesTheContentsByHash) {
  const std::string diff = file_change({.path = "f", .before = "a\n", .after = "b\n"}).diff;
  EXPECT_TRUE(diff.starts_with("index 87428fc522803d31065e7bce3cf03fe4..0263829989b6fd954f72baaf2fc64bc2\n--- a/f\n"))
      << diff;
  // What the diff does not show is told apart all the same.
  const std::string far(10'000, '\n');
  EXPECT_NE(file_change({.path = "f", .before = "a\n" + far + "x", .after = "b\n" + far + "x"}).diff,
            file_change({.path = "f", .before = "a\n" + far + "y", .after = "b\n" + far + "y"}).diff);
  EXPECT_TRUE(file_change({.path = "f", .before = std::nullopt, .after = ""}).diff.starts_with("index 00000000"));
}

TEST(FileChange, CutsALongDiffAndSaysSo) {
  const auto change = file_change({.path = "f", .before = std::nullopt, .after = std::string(200'000, 'x')});
  EXPECT_LT(change.diff.size(), 66'000U);
  EXPECT_NE(change.diff.find("[cut: 64.0 KiB of "), std::string::npos) << change.diff.substr(change.diff.size() - 60);
}

TEST(FileChange, DoesNotPrintBinaries) {
  EXPECT_EQ(diff_text({.path = "f", .before = std::string("\0", 1), .after = "x"}),
            "Binary file f: 1 B before, 1 B after\n");
}

}  // namespace
}  // namespace lathe::tools::common
