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
  EXPECT_EQ(file_change({.path = "f", .before = "a\nb\n", .after = "a\nc\n"}).diff,
            "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
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
