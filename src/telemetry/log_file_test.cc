#include "lathe/telemetry/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "lathe/runtime/files.h"
#include "lathe/runtime/loop.h"
#include "lathe/telemetry/log.h"

namespace lathe::telemetry {
namespace {

namespace fs = std::filesystem;

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    char pattern[] = "/tmp/lathe-log-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    path_ = folder_ + "/daemon.log";
  }
  ~LogFileTest() override { fs::remove_all(folder_); }
  static std::string text(const std::string& path) { return runtime::read_file(path).value_or(""); }

  runtime::Loop clock_;
  std::string folder_;
  std::string path_;
};

TEST_F(LogFileTest, ALongLogIsPutAsideWhileItIsWrittenTo) {
  constexpr std::uint64_t kMost = 1'000;
  const base::UniqueFd fd = *LogFile(path_, kMost).open();
  const Log log(clock_, fd.get(), LogFile(path_, kMost));
  for (int line = 0; line < 200; ++line) {
    log.write(LogLevel::kInfo, "line " + std::to_string(line));
    EXPECT_LE(fs::file_size(path_), kMost + 200);
  }
  EXPECT_NE(text(path_).find("\"line 199\""), std::string::npos);
  EXPECT_LE(fs::file_size(LogFile::older(path_)), kMost + 200);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2);
}

TEST_F(LogFileTest, WhatIsWrittenGoesOnWhereTheLogCannotBePutAside) {
  const base::UniqueFd fd = *LogFile(path_, 1).open();
  fs::create_directories(LogFile::older(path_) + "/in the way");
  const Log log(clock_, fd.get(), LogFile(path_, 1));
  for (const char* line : {"one", "two", "three"}) log.write(LogLevel::kInfo, line);
  EXPECT_NE(text(path_).find("\"three\""), std::string::npos);
}

TEST_F(LogFileTest, AnotherFileIsLeftAlone) {
  const base::UniqueFd fd = *runtime::open_file(folder_ + "/elsewhere", O_WRONLY | O_CREAT | O_APPEND);
  const Log log(clock_, fd.get(), LogFile(path_, 1));
  for (const char* line : {"one", "two"}) log.write(LogLevel::kInfo, line);
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_FALSE(fs::exists(LogFile::older(path_)));
}

TEST_F(LogFileTest, ALongLogIsPutAsideWhenItIsOpened) {
  ASSERT_TRUE(runtime::replace_file(path_, std::string(20, 'x'), 0600, runtime::Durability::kProcess).ok());
  const base::UniqueFd fd = *LogFile(path_, 20).open();
  EXPECT_EQ(text(path_), "");
  EXPECT_EQ(text(LogFile::older(path_)), std::string(20, 'x'));
}

}  // namespace
}  // namespace lathe::telemetry
