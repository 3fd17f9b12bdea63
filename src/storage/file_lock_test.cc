#include "lathe/storage/file_lock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>

namespace lathe::storage {
namespace {

class FileLockTest : public testing::Test {
 protected:
  FileLockTest() : path_(fmt::format("/tmp/lathe-lock-{}", ::getpid())) {}
  ~FileLockTest() override { std::filesystem::remove(path_); }
  std::string path_;
};

TEST_F(FileLockTest, OneHolderWhoIsNamed) {
  std::optional<FileLock> first = *FileLock::acquire(path_, LockKind::kExclusive);
  EXPECT_TRUE(is_locked(path_));
  const auto second = FileLock::acquire(path_, LockKind::kExclusive);
  ASSERT_FALSE(second.ok()) << "also not within one process";
  EXPECT_EQ(second.error().code, base::codes::kLocked);
  EXPECT_EQ(second.error().message, fmt::format("held by process {}", ::getpid()));
  first.reset();
  EXPECT_FALSE(is_locked(path_));
  EXPECT_TRUE(FileLock::acquire(path_, LockKind::kExclusive).ok());
}

TEST_F(FileLockTest, AHolderLeavesANote) {
  EXPECT_EQ(note_in(path_), "");
  const auto lock = FileLock::acquire(path_, LockKind::kExclusive, "{\"a\":1}");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(note_in(path_), "{\"a\":1}");
  EXPECT_EQ(FileLock::acquire(path_, LockKind::kExclusive, "other").error().message,
            fmt::format("held by process {}", ::getpid()));
  EXPECT_EQ(note_in(path_), "{\"a\":1}");
}

TEST_F(FileLockTest, SharedHoldersKeepAnExclusiveOneOut) {
  const auto a = FileLock::acquire(path_, LockKind::kShared);
  const auto b = FileLock::acquire(path_, LockKind::kShared);
  EXPECT_TRUE(a.ok() && b.ok());
  EXPECT_FALSE(FileLock::acquire(path_, LockKind::kExclusive).ok());
  EXPECT_EQ(FileLock::wait(path_, LockKind::kExclusive, base::Millis(5)).error().code, base::codes::kLocked);
  EXPECT_FALSE(is_locked(path_)) << "only an exclusive holder counts";
}

TEST_F(FileLockTest, AskingTakesNothing) {
  EXPECT_FALSE(is_locked(path_ + "-missing"));
  const auto lock = FileLock::acquire(path_, LockKind::kExclusive);
  EXPECT_TRUE(is_locked(path_));
  EXPECT_TRUE(is_locked(path_));
}

TEST_F(FileLockTest, GoesWithItsProcess) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::acquire(path_, LockKind::kExclusive);
    (void)!::write(ends[1], "x", 1);
    while (true) ::pause();
  }
  char ready = 0;
  ASSERT_EQ(::read(ends[0], &ready, 1), 1);
  const auto refused = FileLock::acquire(path_, LockKind::kExclusive);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, fmt::format("held by process {}", child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::acquire(path_, LockKind::kExclusive).ok());
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace lathe::storage
