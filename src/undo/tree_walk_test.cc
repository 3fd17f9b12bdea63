#include "lathe/undo/tree_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lathe/journal/blob_store.h"
#include "lathe/storage/blob_folder.h"

namespace lathe::undo {
namespace {

namespace stdfs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class TreeWalkTest : public testing::Test {
 protected:
  TreeWalkTest() {
    std::string pattern = (stdfs::temp_directory_path() / "lathe-walk-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    stdfs::create_directories(base_ + "/tree/folder");
    blobs_.emplace(*storage::BlobFolder::open(base_ + "/blobs", storage::Disk(), runtime::Durability::kProcess));
    for (const char* name : {"a", "b", "folder/c", "folder/d", "z"}) put(name);
  }
  ~TreeWalkTest() override { stdfs::remove_all(base_); }

  void put(const std::string& name) const { std::ofstream(base_ + "/tree/" + name) << name; }
  Walked walk(Tree known) { return *walk_tree(base_ + "/tree", std::move(known), *blobs_, options_); }
  static std::vector<std::string> changed(const Walked& walked) {
    std::vector<std::string> paths;
    for (const TreeChange& change : walked.changes) paths.push_back(change.path);
    return paths;
  }

  std::string base_;
  WalkOptions options_;
  std::optional<journal::FolderBlobStore> blobs_;
};

TEST_F(TreeWalkTest, WhereItEndsForTooManyNamesIsToldAndWhatLiesBeyondIsNotGone) {
  options_.max_entries = 4;
  const Walked first = walk({});
  EXPECT_EQ(first.tree.end, "folder/d");
  EXPECT_THAT(first.tree.not_covered(10), ElementsAre("everything from folder/d on: more than 4 names"));
  const auto again = Tree::decode(first.tree.encode());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->end, "folder/d");

  put("aa");
  const Walked moved = walk(*again);
  EXPECT_EQ(moved.tree.end, "folder/c");
  EXPECT_THAT(changed(moved), ElementsAre("aa")) << "folder/c is still there";

  stdfs::remove(base_ + "/tree/aa");
  EXPECT_THAT(changed(walk(moved.tree)), ElementsAre("aa")) << "nobody made folder/c, which is looked at again";

  options_.max_entries = 100;
  put("aa");
  const Walked whole = walk(moved.tree);
  EXPECT_EQ(whole.tree.end, "");
  EXPECT_THAT(changed(whole), IsEmpty());
  EXPECT_THAT(whole.tree.not_covered(10), IsEmpty());
  stdfs::remove(base_ + "/tree/folder/d");
  EXPECT_THAT(changed(walk(whole.tree)), ElementsAre("folder/d"));
}

}  // namespace
}  // namespace lathe::undo
