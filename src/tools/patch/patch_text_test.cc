#include "lathe/tools/patch/patch_text.h"

#include <gtest/gtest.h>

namespace lathe::tools::patch {
namespace {

using Kind = ChunkLine::Kind;

std::string wrapped(std::string_view body) { return "*** Begin Patch\n" + std::string(body) + "*** End Patch\n"; }
std::vector<Hunk> parsed(std::string_view text) {
  auto hunks = parse_patch(text);
  EXPECT_TRUE(hunks.ok()) << hunks.error().text();
  return hunks.ok() ? *std::move(hunks) : std::vector<Hunk>();
}
std::string error(std::string_view text) {
  const auto hunks = parse_patch(text);
  return hunks.ok() ? "" : hunks.error().message;
}

const std::vector<Hunk> kUpdated = {UpdateFile{
    "f", "", {Chunk{std::nullopt, {{Kind::kKept, "a"}, {Kind::kRemoved, "b"}, {Kind::kAdded, "c"}}, false}}}};

TEST(ParsePatch, ReadsEveryKindOfHunk) {
  const auto hunks =
      parsed(wrapped("*** Add File: new\n+one\n+\n*** Delete File: old\n"
                     "*** Update File: f\n*** Move to: g\n@@ head\n a\n-b\n+c\n@@\n+d\n*** End of File\n"));
  const std::vector<Hunk> expected = {
      AddFile{"new", "one\n\n"}, DeleteFile{"old"},
      UpdateFile{"f",
                 "g",
                 {Chunk{"head", {{Kind::kKept, "a"}, {Kind::kRemoved, "b"}, {Kind::kAdded, "c"}}, false},
                  Chunk{std::nullopt, {{Kind::kAdded, "d"}}, true}}}};
  EXPECT_EQ(hunks, expected);
}

TEST(ParsePatch, IsLenientWhereModelsAreCareless) {
  EXPECT_EQ(parsed(wrapped("*** Update File: f\n@@\n a\n-b\n+c\n")), kUpdated);
  EXPECT_EQ(parsed(wrapped("*** Update File: f\n a\n-b\n+c\n")), kUpdated) << "no @@";
  EXPECT_EQ(parsed("\n  *** Begin Patch  \n *** Update File: f \n@@  \n a\n-b\n+c\n *** End Patch \n"), kUpdated);
  EXPECT_EQ(parsed("*** Begin Patch\r\n*** Update File: f\r\n@@\r\n a\r\n-b\r\n+c\r\n*** End Patch\r\n"), kUpdated);
  EXPECT_EQ(parsed("<<'EOF'\n" + wrapped("*** Update File: f\n@@\n a\n-b\n+c\n") + "EOF\n"), kUpdated);
  EXPECT_EQ(parsed(wrapped("*** Environment ID: x\n*** Update File: f\n@@\n a\n-b\n+c\n")), kUpdated);
  EXPECT_EQ(parsed(wrapped("\n*** Update File: f\n\n@@\n a\n-b\n+c\n*** End of File\n\n\n*** Delete File: g\n")).size(),
            2U);
}

TEST(ParsePatch, TakesAnEmptyLineForAnEmptyKeptLine) {
  const std::vector<Hunk> expected = {
      UpdateFile{"f", "", {Chunk{std::nullopt, {{Kind::kKept, "a"}, {Kind::kKept, ""}, {Kind::kAdded, "b"}}, false}}}};
  EXPECT_EQ(parsed(wrapped("*** Update File: f\n@@\n a\n\n+b\n")), expected);
}

TEST(ParsePatch, NamesWhatIsWrongAndWhere) {
  const std::string begin = "the patch is not valid: ";
  EXPECT_EQ(error("nonsense"), begin + "the first line must be \"*** Begin Patch\"");
  EXPECT_EQ(error(""), begin + "the first line must be \"*** Begin Patch\"");
  EXPECT_EQ(error("*** Begin Patch"), begin + "the last line must be \"*** End Patch\"");
  EXPECT_EQ(error("*** Begin Patch\n*** Add File: a\n+x"), begin + "the last line must be \"*** End Patch\"");
  EXPECT_EQ(error(wrapped("")), begin + "it holds no change");
  EXPECT_EQ(error(wrapped("*** Frobnicate File: x\n")),
            begin + "line 2: \"*** Frobnicate File: x\" does not begin the change of a file");
  EXPECT_EQ(error(wrapped("*** Update File: f\n")), begin + "line 3: the update of f changes nothing");
  EXPECT_EQ(error(wrapped("*** Update File: f\n@@\n")), begin + "line 4: the chunk has no lines");
  EXPECT_EQ(error(wrapped("*** Update File: f\n@@\n*** End of File\n")), begin + "line 4: the chunk has no lines");
  EXPECT_EQ(error(wrapped("*** Update File: f\n@@\nbad\n")), begin + "line 4: \"bad\" is no line of a chunk");
  EXPECT_EQ(error(wrapped("*** Update File: f\n@@\n a\nbad\n")),
            begin + "line 5: a chunk begins with \"@@\", not with \"bad\"");
  EXPECT_EQ(error(wrapped("*** Add File:  \n+x\n")),
            begin + "line 2: \"*** Add File:\" does not begin the change of a file");
}

}  // namespace
}  // namespace lathe::tools::patch
