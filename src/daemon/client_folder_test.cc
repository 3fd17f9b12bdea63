#include "lathe/daemon/client_folder.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

namespace lathe::daemon {
namespace {

namespace fs = std::filesystem;

class ClientFolderTest : public testing::Test {
 protected:
  ClientFolderTest() {
    folder_ = fs::path(testing::TempDir()) / ("client_folder_" + std::to_string(getpid()));
    fs::create_directories(folder_ / "other");
  }
  ~ClientFolderTest() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST_F(ClientFolderTest, TheSameAndWhatCannotBeToldPass) {
  EXPECT_TRUE(check_same_folder(getpid(), folder_).ok());
  EXPECT_TRUE(check_same_folder(getpid(), folder_ / "not-there").ok()) << "whoever opens it tells of it";
  EXPECT_TRUE(check_same_folder(0, folder_).ok());
}

TEST_F(ClientFolderTest, AnotherFolderUnderTheSamePathIsRefused) {
  std::array<int, 2> ready{};
  std::array<int, 2> done{};
  ASSERT_EQ(pipe(ready.data()), 0);
  ASSERT_EQ(pipe(done.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    close(done[1]);
    const bool own = unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                     mount((folder_ / "other").c_str(), folder_.c_str(), nullptr, MS_BIND, nullptr) == 0;
    char said = own ? 'y' : 'n';
    (void)!write(ready[1], &said, 1);
    (void)!read(done[0], &said, 1);
    _exit(0);
  }
  char own = 'n';
  ASSERT_EQ(read(ready[0], &own, 1), 1);
  const auto refused = check_same_folder(child, folder_);
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) close(fd);
  waitpid(child, nullptr, 0);
  if (own == 'n') GTEST_SKIP() << "no mounts of one's own here";
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().hint.find("--embedded"), std::string::npos);
}

}  // namespace
}  // namespace lathe::daemon
