#include "lathe/keeper/command_group.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

namespace lathe::keeper {
namespace {

namespace fs = std::filesystem;

/// The wait status of a process that enters the group and does that.
int in_group(const CommandGroup& group, const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    for (const int entry : group.entries()) {
      if (write(entry, "0", 1) != 1) _exit(99);
    }
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(CommandGroup, MemoryOfAnyKindEndsWhatTakesTooMuch) {
  const auto group = CommandGroup::create({.memory_bytes = 64U << 20});
  if (!group) GTEST_SKIP() << "no group with a bound of memory can be made here";
  // Neither mapped nor anonymous: what no look at processes sees once it is hidden.
  const int status = in_group(*group, [] {
    const int file = memfd_create("test", 0);
    static char block[1U << 20];
    for (int i = 0; i < 200; ++i) {
      if (write(file, block, sizeof block) < 0) return 98;
    }
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  EXPECT_TRUE(group->ran_out_of_memory());
}

TEST(CommandGroup, MoreProcessesThanItMayHaveAreRefused) {
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer's own thread counts as one";
#endif
  const auto group = CommandGroup::create({.processes = 8});
  if (!group) GTEST_SKIP() << "no group with a bound of processes can be made here";
  const int status = in_group(*group, [] {
    setpgid(0, 0);
    int made = 0;
    for (; made < 50; ++made) {
      const pid_t child = fork();
      if (child < 0) break;
      if (child == 0) {
        pause();
        _exit(0);
      }
    }
    const bool refused = errno == EAGAIN;
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    return refused ? made : 97;
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 8) << "nine with itself: eight and one of room";
  EXPECT_FALSE(group->ran_out_of_memory());
}

TEST(CommandGroup, WithoutLimitsOrFoldersThereIsNone) {
  EXPECT_FALSE(CommandGroup::create({}).has_value());
  EXPECT_FALSE(CommandGroup::create_in({}, {.processes = 8, .memory_bytes = 1U << 20}).has_value());
  EXPECT_FALSE(CommandGroup::create_in({.memory = "/nowhere", .processes = "/nowhere"}, {.processes = 8}).has_value());
}

/// Folders that look like the kernel's.
class GroupFoldersTest : public testing::Test {
 protected:
  GroupFoldersTest() {
    std::string pattern = (fs::temp_directory_path() / "lathe-group-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
  }
  ~GroupFoldersTest() override { fs::remove_all(base_); }
  void hand_on(const std::string& folder, const std::string& controllers) const {
    fs::create_directories(base_ + folder);
    std::ofstream(base_ + folder + "/cgroup.subtree_control") << controllers << "\n";
  }

  std::string base_;
};

TEST_F(GroupFoldersTest, OfVersion2TheNearestThatHandsBothOn) {
  hand_on("/user/app/own", "");
  hand_on("/user/app", "cpu memory pids");
  hand_on("/user", "memory pids");
  const std::string mounts = "30 23 0:26 / " + base_ + " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
  EXPECT_EQ(GroupFolders::find(mounts, "0::/user/app/own\n"),
            (GroupFolders{.memory = base_ + "/user/app", .processes = base_ + "/user/app", .version_2 = true}));
  hand_on("/user/app", "cpu memory");
  EXPECT_EQ(GroupFolders::find(mounts, "0::/user/app/own\n").memory, base_ + "/user");
  hand_on("/user", "");
  EXPECT_EQ(GroupFolders::find(mounts, "0::/user/app/own\n"), GroupFolders{});
}

TEST_F(GroupFoldersTest, OfVersion1EachControllerHasItsOwn) {
  for (const char* folder : {"/memory/own", "/pids", "/inner"}) fs::create_directories(base_ + folder);
  const std::string mounts = "1 0 0:1 / " + base_ + "/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / " + base_ +
                             "/pids rw - cgroup cgroup rw,pids\n3 0 0:3 / /unified rw - cgroup2 cgroup2 rw\nrubbish\n";
  EXPECT_EQ(GroupFolders::find(mounts, "8:pids:/\n4:memory:/own\n0::/\n"),
            (GroupFolders{.memory = base_ + "/memory/own", .processes = base_ + "/pids", .version_2 = false}));
  // A container sees its group at the mount's root.
  const std::string inner = "1 0 0:1 /docker/x " + base_ + "/inner rw - cgroup cgroup rw,memory\n";
  EXPECT_EQ(GroupFolders::find(inner, "4:memory:/docker/x\n").memory, base_ + "/inner");
  EXPECT_EQ(GroupFolders::find(inner, "4:memory:/elsewhere\n"), GroupFolders{});
}

}  // namespace
}  // namespace lathe::keeper
