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

TEST(FindPatch, GoesIntoTheFolderThatTheScriptGoesTo) {
  const std::string patch =
      "*** Begin Patch\n*** Add File: new.txt\n+*** Add File: text\n*** Update File: a/b.txt\n*** Move to: c.txt\n"
      "@@\n-x\n+y\n*** Delete File: /w/src/old.txt\n*** End Patch\n";
  const std::string moved =
      "*** Begin Patch\n*** Add File: src/new.txt\n+*** Add File: text\n*** Update File: src/a/b.txt\n"
      "*** Move to: src/c.txt\n@@\n-x\n+y\n*** Delete File: /w/src/old.txt\n*** End Patch\n";
  EXPECT_EQ(patch_in("cd src && apply_patch <<'EOF'\n" + patch + "EOF"), moved);
  EXPECT_EQ(patch_in("cd 'src' &&\napplypatch <<EOF\n" + patch + "EOF\n"), moved);
}

TEST(FindPatch, LooksIntoAShellThatOnlyDoesThis) {
  const std::string body = "*** Begin Patch\n*** Delete File: a\n*** End Patch\n";
  EXPECT_EQ(patch_in("bash -lc 'apply_patch <<EOF\n" + body + "EOF'"), body);
  EXPECT_EQ(patch_in("/bin/sh -c \"apply_patch <<EOF\n" + body + "EOF\n\""), body);
  EXPECT_EQ(patch_in("bash -lc 'cd s && apply_patch <<'\\''EOF'\\''\n" + body + "EOF'"),
            "*** Begin Patch\n*** Delete File: s/a\n*** End Patch\n");
  EXPECT_TRUE(ordinary("bash -lc 'make test'"));
  EXPECT_TRUE(ordinary("bash -lc \"apply_patch $x\" && rm a"));
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
  EXPECT_TRUE(misplaced("cd $HOME && apply_patch <<EOF\nx\nEOF"));
  EXPECT_TRUE(misplaced("cd a b && apply_patch <<EOF\nx\nEOF"));
  EXPECT_TRUE(misplaced("cd src && apply_patch <<EOF\nx\nEOF\nrm -rf /"));
  EXPECT_TRUE(misplaced("bash -lc 'apply_patch x'"));
}

}  // namespace
}  // namespace lathe::tools::shell
