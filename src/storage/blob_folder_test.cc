#include "lathe/storage/blob_folder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "lathe/crypto/sha256.h"

namespace lathe::storage {
namespace {

namespace fs = std::filesystem;

class BlobFolderTest : public testing::Test {
 protected:
  BlobFolderTest() {
    char pattern[] = "/tmp/lathe-blobs-XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  ~BlobFolderTest() override { fs::remove_all(folder_); }
  BlobFolder open(FaultPoint* faults = nullptr) {
    return *BlobFolder::open(folder_ + "/blobs", Disk(faults), runtime::Durability::kPower);
  }
  std::size_t files() {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  std::string folder_;
};

TEST_F(BlobFolderTest, GivesBackWhatWasPutUnderItsHash) {
  const BlobFolder blobs = open();
  const std::string bytes = std::string("a\0b", 3) + std::string(100'000, 'c');
  const auto hash = blobs.put(bytes);
  ASSERT_TRUE(hash.ok()) << hash.error().text();
  EXPECT_EQ(*hash, crypto::sha256(bytes));
  EXPECT_EQ(*blobs.get(*hash, 1U << 20), bytes);
  EXPECT_EQ(*blobs.put(bytes), *hash);
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(blobs.get(*hash, 1'000).error().code, base::codes::kLimit);
}

TEST_F(BlobFolderTest, AWriterTakesPiecesAndADroppedOneLeavesNothing) {
  const BlobFolder blobs = open();
  {
    auto file = blobs.writer();
    ASSERT_TRUE(file->write("part").ok());
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(files(), 0U);
  auto file = blobs.writer();
  ASSERT_TRUE(file->write("he").ok());
  ASSERT_TRUE(file->write("llo").ok());
  EXPECT_EQ(*blobs.get(*file->finish(), 100), "hello");
}

TEST_F(BlobFolderTest, MissingDamagedAndImpossibleNamesAreToldApart) {
  const BlobFolder blobs = open();
  const std::string hash = *blobs.put("precious");
  fs::resize_file(folder_ + "/blobs/" + hash.substr(0, 2) + "/" + hash.substr(2), 4);
  EXPECT_EQ(blobs.get(hash, 100).error().code, base::codes::kCorrupt);
  EXPECT_EQ(*blobs.put("precious"), hash);
  EXPECT_EQ(*blobs.get(hash, 100), "precious") << "putting it again mends it";
  EXPECT_EQ(blobs.get(std::string(64, '0'), 100).error().code, base::codes::kNotFound);
  EXPECT_EQ(blobs.get("../../../etc/passwd", 100).error().code, base::codes::kInvalid);
  EXPECT_TRUE(blobs.has(hash));
  EXPECT_FALSE(blobs.has(std::string(64, '0')));
  EXPECT_FALSE(blobs.has("../../../etc/passwd"));
}

TEST_F(BlobFolderTest, AFailureLeavesNoHalfBlob) {
  for (const char* text : {"short@1:3", "eio@2", "enospc@3", "eio@4"}) {
    const auto plan = FaultPlan::parse(text);
    EXPECT_FALSE(open(plan->get()).put("some bytes").ok()) << text;
  }
  const BlobFolder blobs = open();
  const auto whole = blobs.get(crypto::sha256("some bytes"), 100);
  EXPECT_TRUE(!whole.ok() || *whole == "some bytes");
  EXPECT_TRUE(fs::is_empty(folder_ + "/blobs/unfinished"));
}

TEST_F(BlobFolderTest, OldUnfinishedFilesAreRemovedOnOpen) {
  (void)open();
  const fs::path old = folder_ + "/blobs/unfinished/old";
  const fs::path fresh = folder_ + "/blobs/unfinished/fresh";
  for (const auto& path : {old, fresh}) {
    ASSERT_TRUE(runtime::replace_file(path, "x", 0600, runtime::Durability::kProcess).ok());
  }
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(30));
  (void)open();
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh));
}

}  // namespace
}  // namespace lathe::storage
