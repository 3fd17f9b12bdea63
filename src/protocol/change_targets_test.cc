#include "lathe/protocol/change_targets.h"

#include <gtest/gtest.h>

namespace lathe::protocol {
namespace {

TEST(ChangeTargets, AreThosePathsThatALinkTakesElsewhere) {
  ApplyPatchApprovalRequest question{.changes = {{.path = "plain"},
                                                 {.path = "old", .kind = ChangeKind::kMove, .move_path = "dir/new"},
                                                 {.path = "old", .kind = ChangeKind::kUpdate},
                                                 {.path = "/data/file"}},
                                     .cwd = "/w"};
  EXPECT_EQ(written_paths(question.changes),
            (std::vector<std::string>{"plain", "old", "dir/new", "old", "/data/file"}));
  EXPECT_TRUE(detours(question).empty()) << "the record does not tell";
  question.paths = {"/w/plain", "/w/old", "/w/dir/new", "/w/old", "/data/file"};
  EXPECT_TRUE(detours(question).empty());
  question.paths = {"/w/sub/plain", "/w/x/old", "/w/elsewhere/new", "/w/x/old", "/data/other"};
  EXPECT_EQ(detours(question), (std::vector<Detour>{{"plain", "/w/sub/plain"},
                                                    {"old", "/w/x/old"},
                                                    {"dir/new", "/w/elsewhere/new"},
                                                    {"/data/file", "/data/other"}}));
}

}  // namespace
}  // namespace lathe::protocol
