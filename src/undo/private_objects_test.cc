#include "lathe/undo/private_objects.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lathe/crypto/git_blob_id.h"
#include "lathe/runtime/files.h"

namespace lathe::undo {
namespace {

namespace stdfs = std::filesystem;

/// A repository made by git itself, with one object in a pack and one loose.
class PrivateObjectsTest : public testing::Test {
 protected:
  PrivateObjectsTest() {
    std::string pattern = (stdfs::temp_directory_path() / "lathe-objects-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    stdfs::create_directories(base_ + "/r");
    git("init -q");
    put("packed", "packed bytes");
    git("add .");
    git("commit -qm one");
    git("gc -q");
    put("loose", "loose bytes");
    git("add .");
  }
  ~PrivateObjectsTest() override { stdfs::remove_all(base_); }

  void put(const std::string& path, std::string_view bytes) const { std::ofstream(base_ + "/r/" + path) << bytes; }
  void git(const std::string& words) const {
    const std::string line = "cd '" + base_ + "/r' && HOME='" + base_ +
                             "' GIT_CONFIG_NOSYSTEM=1 git -c user.name=t -c user.email=t@e " + words + " >/dev/null";
    ASSERT_EQ(std::system(line.c_str()), 0) << line;  // NOLINT(*): words of this test
  }
  [[nodiscard]] PrivateObjects open(CopyBounds bounds = {}) const {
    return *PrivateObjects::open(base_ + "/private", base_ + "/r/.git/objects", bounds);
  }
  [[nodiscard]] std::string private_path(const std::string& name) const {
    return base_ + "/private/objects/" + name.substr(0, 2) + "/" + name.substr(2);
  }
  /// As git reads it from our folder alone.
  [[nodiscard]] std::string content(const std::string& name) const {
    const std::string line = "git --git-dir='" + base_ + "/private' cat-file blob " + name + " > '" + base_ + "/out'";
    return std::system(line.c_str()) == 0 ? *runtime::read_file(base_ + "/out") : "";  // NOLINT(*): words of this test
  }

  void overwrite_loose() const {
    const std::string theirs = base_ + "/r/.git/objects/" + loose_.substr(0, 2) + "/" + loose_.substr(2);
    stdfs::permissions(theirs, stdfs::perms(0644));
    std::ofstream(theirs, std::ios::trunc) << "rubbish";
  }
  /// By the file system that tests run on.
  [[nodiscard]] bool clones_here() const {
    put("from", "x");
    const auto from = runtime::open_file(base_ + "/r/from", O_RDONLY);
    const auto to = runtime::open_file(base_ + "/to", O_WRONLY | O_CREAT, 0600);
    return ioctl(to->get(), FICLONE, from->get()) == 0;
  }

  std::string base_;
  const std::string packed_ = crypto::git_blob_id("packed bytes");
  const std::string loose_ = crypto::git_blob_id("loose bytes");
};

TEST_F(PrivateObjectsTest, WhatIsKeptStandsTheEndOfTheRepository) {
  PrivateObjects objects = open();
  EXPECT_TRUE(objects.keep(packed_));
  EXPECT_TRUE(objects.keep(loose_));
  EXPECT_FALSE(objects.keep(crypto::git_blob_id("neither")));
  EXPECT_FALSE(objects.keep("../../../../etc/passwd"));
  stdfs::remove_all(base_ + "/r");
  EXPECT_EQ(content(packed_), "packed bytes");
  EXPECT_EQ(content(loose_), "loose bytes");
  PrivateObjects after = *PrivateObjects::open(base_ + "/private", "");
  EXPECT_TRUE(after.keep(packed_) && after.keep(loose_));
}

TEST_F(PrivateObjectsTest, WhatIsCopiedStandsOverwritingToo) {
  ASSERT_TRUE(open().keep(loose_));
  overwrite_loose();
  EXPECT_EQ(content(loose_), "loose bytes");
}

TEST_F(PrivateObjectsTest, BeyondTheBoundsTheyAreClonedOrLinked) {
  PrivateObjects objects = open({.bytes = 0, .files = 0});
  EXPECT_TRUE(objects.keep(packed_));
  EXPECT_TRUE(objects.keep(loose_));
  EXPECT_EQ(stdfs::hard_link_count(private_path(loose_)), clones_here() ? 1U : 2U);
  git("rm -q --cached loose");
  git("commit -q --allow-empty -m two");
  git("gc -q --prune=now");
  stdfs::remove_all(base_ + "/r/.git");
  EXPECT_EQ(content(packed_), "packed bytes");
  EXPECT_EQ(content(loose_), "loose bytes");
}

TEST_F(PrivateObjectsTest, WhatIsClonedStandsOverwritingBeyondTheBoundsToo) {
  if (!clones_here()) GTEST_SKIP() << "this file system clones no files";
  ASSERT_TRUE(open({.bytes = 0, .files = 0}).keep(loose_));
  overwrite_loose();
  EXPECT_EQ(content(loose_), "loose bytes");
}

TEST_F(PrivateObjectsTest, OnAnotherFileSystemWhatIsNotCopiedIsNotHeld) {
  struct stat here{};
  struct stat there{};
  ASSERT_EQ(stat(base_.c_str(), &here), 0);
  if (stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev) GTEST_SKIP() << "one file system only";
  std::string pattern = "/dev/shm/lathe-objects-XXXXXX";
  const std::string other = mkdtemp(pattern.data());
  PrivateObjects small = *PrivateObjects::open(other + "/a", base_ + "/r/.git/objects", {.bytes = 0, .files = 0});
  EXPECT_FALSE(small.keep(loose_));
  EXPECT_FALSE(small.keep(packed_));
  PrivateObjects large = *PrivateObjects::open(other + "/b", base_ + "/r/.git/objects");
  EXPECT_TRUE(large.keep(loose_));
  EXPECT_TRUE(large.keep(packed_));
  stdfs::remove_all(other);
}

TEST_F(PrivateObjectsTest, WhatARepositoryBorrowsIsKeptToo) {
  git("clone -q --shared . ../borrower");
  PrivateObjects objects = *PrivateObjects::open(base_ + "/private", base_ + "/borrower/.git/objects");
  EXPECT_TRUE(objects.keep(packed_));
  stdfs::remove_all(base_ + "/r");
  EXPECT_EQ(content(packed_), "packed bytes");
}

TEST(PackIndex, RubbishIsAnErrorAndNothingElse) {
  std::string pattern = (stdfs::temp_directory_path() / "lathe-idx-XXXXXX").string();
  const std::string folder = mkdtemp(pattern.data());
  const std::string head("\377tOc\0\0\0\2", 8);
  const std::string many = head + std::string(1020, '\0') + std::string(4, '\377');
  const std::string cut = head + std::string(1023, '\0') + std::string(1, '\5') + "short";
  for (const std::string& bytes : {std::string(), std::string(2'000, 'x'), head, many, cut}) {
    std::ofstream(folder + "/x.idx", std::ios::trunc) << bytes;
    EXPECT_FALSE(PackIndex::read(folder + "/x.idx").ok()) << bytes.size();
  }
  stdfs::remove_all(folder);
}

}  // namespace
}  // namespace lathe::undo
