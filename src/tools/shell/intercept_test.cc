#include "lathe/tools/shell/intercept.h"

#include <gtest/gtest.h>

namespace lathe::tools::shell {
namespace {

std::string patch_in(std::string_view script) {
  const auto found = find_patch(script);
  const auto* patch = std::get_if<PatchInScript>(&found);
  return patch != nullptr ? patch->patch : "";
}
bool ordinary(std::string_view script) { return std::holds_alternative<OrdinaryCommand>(find_patch(script)); }
bool misplaced(std::string_view script) { return std::holds_alternative<MisplacedPatch>(find_patch(script)); }

TEST(FindPatch, TakesAHereDocumentWithAnyQuotes) {
  const std::string body = "*** Begin Patch\n*** Delete File: a\n*** End Patch\n";
  EXPECT_EQ(patch_in("apply_patch <<'EOF'\n" + body + "EOF"), body);
  EXPECT_EQ(patch_in("apply_patch << \"END\"\n" + body + "END\n\n"), body);
  EXPECT_EQ(patch_in("  applypatch <<PATCH\n" + body + "PATCH\n"), body);
}

TEST(FindPatch, LeavesOtherCommandsAlone) {
  EXPECT_TRUE(ordinary("make test"));
  EXPECT_TRUE(ordinary("cat <<EOF\napply_patch\nEOF"));
  EXPECT_TRUE(ordinary("apply_patches <<EOF\nx\nEOF"));
  EXPECT_TRUE(ordinary("cd src && make"));
}

TEST(FindPatch, TellsWhatNoShellCanRun) {
  EXPECT_TRUE(misplaced("*** Begin Patch\n*** End Patch"));
  EXPECT_TRUE(misplaced("apply_patch <<EOF\n*** Begin Patch\n"));
  EXPECT_TRUE(misplaced("apply_patch <<EOF\nx\nEOF\nrm -rf /"));
  EXPECT_TRUE(misplaced("apply_patch '*** Begin Patch'"));
  EXPECT_TRUE(misplaced("cd src && apply_patch <<EOF\nx\nEOF"));
}

}  // namespace
}  // namespace lathe::tools::shell
