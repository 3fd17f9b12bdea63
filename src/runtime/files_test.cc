#include "lathe/runtime/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace lathe::runtime {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              (std::string("files_test_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    ASSERT_TRUE(make_folders((folder_ / "a" / "b").string()).ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) { return (folder_ / name).string(); }
  std::filesystem::path folder_;
};

TEST_F(FilesTest, ReplacesInOneStepAndKeepsTheMode) {
  ASSERT_TRUE(replace_file(path("x"), "one", 0640, Durability::kProcess).ok());
  ASSERT_TRUE(replace_file(path("x"), "two", 0640, Durability::kPower).ok());
  EXPECT_EQ(*read_file(path("x")), "two");
  struct stat status{};
  ASSERT_EQ(stat(path("x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) entries += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(entries, 1) << "a temporary file was left behind";
}

TEST_F(FilesTest, ErrorsNameThePath) {
  const auto missing = read_file(path("nope"));
  EXPECT_EQ(missing.error().code, base::codes::kNotFound);
  EXPECT_NE(missing.error().message.find("nope"), std::string::npos);
  ASSERT_TRUE(replace_file(path("big"), std::string(100, 'x'), 0600, Durability::kProcess).ok());
  EXPECT_EQ(read_file(path("big"), 99).error().code, base::codes::kLimit);
  EXPECT_FALSE(make_folders(path("big") + "/sub").ok());
}

TEST_F(FilesTest, WhatIsNoFileIsRefusedAtOnce) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(path("pipe")).error().message, path("pipe") + " is a FIFO, not a file");
  EXPECT_EQ(read_file("/dev/zero", 10).error().message, "/dev/zero is a device, not a file");
  EXPECT_FALSE(read_file(path("a")).ok());
}

}  // namespace
}  // namespace lathe::runtime
