#include "lathe/daemon/client_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "lathe/base/check.h"
#include "lathe/base/unique_fd.h"

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

TEST_F(ClientFolderTest, AFolderThatWasSentIsFoundWhereItIsByNow) {
  const base::UniqueFd sent(::open((folder_ / "other").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string here = fs::canonical(folder_);
  EXPECT_EQ(path_of_sent_folder(sent.get(), here + "/other").value_or("none"), here + "/other");
  EXPECT_EQ(path_of_sent_folder(sent.get(), here).value_or("none"), here + "/other") << "it decides";
  fs::rename(folder_ / "other", folder_ / "moved");
  fs::create_directory(folder_ / "other");
  EXPECT_EQ(path_of_sent_folder(sent.get(), here + "/other").value_or("none"), here + "/moved");
  fs::remove(folder_ / "moved");
  fs::create_directory(folder_ / "moved");
  const auto gone = path_of_sent_folder(sent.get(), here + "/other");
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, base::codes::kNotFound);
  for (const std::string& name : {here + "/other", here + "/moved (deleted)"}) {
    EXPECT_NE(gone.error().message.find(name), std::string::npos) << gone.error().message;
  }
}

TEST_F(ClientFolderTest, WhatWasSentAndIsNoFolderOrHasNoTextAsItsNameIsRefused) {
  const base::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(path_of_sent_folder(file.get(), folder_).error().code, base::codes::kInvalid);
  fs::create_directory(folder_ / "caf\xe9");
  const base::UniqueFd sent(::open((folder_ / "caf\xe9").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  EXPECT_NE(path_of_sent_folder(sent.get(), folder_).error().message.find("UTF-8"), std::string::npos);
}

/// Has a process with another folder mounted in the place of `folder`, and working there, until it is destroyed.
class OtherMounts final {
 public:
  explicit OtherMounts(const fs::path& folder) {
    CHECK(pipe(ready_.data()) == 0 && pipe(done_.data()) == 0);
    child_ = fork();
    CHECK(child_ >= 0);
    if (child_ == 0) {
      close(done_[1]);
      const bool own = unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount((folder / "other").c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                       chdir(folder.c_str()) == 0;
      char said = own ? 'y' : 'n';
      (void)!write(ready_[1], &said, 1);
      (void)!read(done_[0], &said, 1);
      _exit(0);
    }
    char own = 'n';
    CHECK(read(ready_[0], &own, 1) == 1);
    made_ = own == 'y';
  }
  ~OtherMounts() {
    for (const int fd : {ready_[0], ready_[1], done_[0], done_[1]}) close(fd);
    waitpid(child_, nullptr, 0);
  }
  OtherMounts(const OtherMounts&) = delete;
  OtherMounts& operator=(const OtherMounts&) = delete;

  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] pid_t process() const { return child_; }
  /// The folder that it works in.
  [[nodiscard]] base::UniqueFd folder() const {
    return base::UniqueFd(
        ::open(("/proc/" + std::to_string(child_) + "/cwd").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

 private:
  std::array<int, 2> ready_{};
  std::array<int, 2> done_{};
  pid_t child_ = -1;
  bool made_ = false;
};

TEST_F(ClientFolderTest, AnotherFolderUnderTheSamePathIsRefused) {
  const OtherMounts client(folder_);
  if (!client.made()) GTEST_SKIP() << "no mounts of one's own here";
  const auto refused = check_same_folder(client.process(), folder_);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().hint.find("--embedded"), std::string::npos);
}

TEST_F(ClientFolderTest, AFolderThatWasSentWithoutAPathHereIsRefusedUnlessItsNameLeadsThere) {
  const OtherMounts client(folder_);
  if (!client.made()) GTEST_SKIP() << "no mounts of one's own here";
  const base::UniqueFd sent = client.folder();
  ASSERT_TRUE(sent);
  const auto refused = path_of_sent_folder(sent.get(), folder_ / "elsewhere");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::codes::kUnsupported);
  EXPECT_NE(refused.error().message.find((folder_ / "elsewhere").string()), std::string::npos);
  EXPECT_NE(refused.error().message.find("as " + folder_.string() + ":"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().hint.find("--embedded"), std::string::npos);
  EXPECT_EQ(path_of_sent_folder(sent.get(), folder_ / "other").value_or("none"), (folder_ / "other").string());
}

}  // namespace
}  // namespace lathe::daemon
