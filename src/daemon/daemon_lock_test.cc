#include "lathe/daemon/daemon_lock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

namespace lathe::daemon {
namespace {

class DaemonLockTest : public testing::Test {
 protected:
  DaemonLockTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                fmt::format("daemon_lock_{}", testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~DaemonLockTest() override { std::filesystem::remove_all(folder_); }

  static DaemonRecord record() {
    return {.pid = ::getpid(),
            .realm = *this_realm(),
            .socket = "/run/x.sock",
            .version = "1.2.3",
            .settings = "s",
            .started_at = 7};
  }
  std::filesystem::path folder_;
};

TEST_F(DaemonLockTest, OneDaemonIsFoundAsLongAsItLives) {
  EXPECT_FALSE(find_daemon(folder_)->has_value());
  std::optional<DaemonLock> lock = *DaemonLock::acquire(folder_, record());
  const auto found = find_daemon(folder_);
  ASSERT_TRUE(found.ok() && *found) << found.error().text();
  EXPECT_EQ((*found)->record, record());
  EXPECT_TRUE((*found)->here);
  const auto second = DaemonLock::acquire(folder_, record());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, base::codes::kExists);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  // What a dead owner leaves behind is the file, with its record.
  lock.reset();
  EXPECT_FALSE(find_daemon(folder_)->has_value());
  EXPECT_TRUE(DaemonLock::acquire(folder_, record()).ok());
}

TEST_F(DaemonLockTest, OneOfAnotherContainerIsRecognised) {
  for (const bool other_boot : {true, false}) {
    DaemonRecord elsewhere = record();
    (other_boot ? elsewhere.realm.boot_id : elsewhere.realm.pid_namespace) = "another";
    const auto theirs = DaemonLock::acquire(folder_, elsewhere);
    ASSERT_TRUE(theirs.ok());
    const auto found = find_daemon(folder_);
    ASSERT_TRUE(found.ok() && *found);
    EXPECT_FALSE((*found)->here);
    const auto ours = DaemonLock::acquire(folder_, record());
    ASSERT_FALSE(ours.ok());
    EXPECT_EQ(ours.error().code, base::codes::kLocked);
    EXPECT_NE(ours.error().message.find("another container"), std::string::npos);
  }
}

}  // namespace
}  // namespace lathe::daemon
