#include "lathe/keeper/program/process_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace lathe::keeper {
namespace {

pid_t start_sleeper() {
  const pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  return pid;
}

TEST(ProcessTree, ListsChildrenBothWays) {
  const pid_t child = start_sleeper();
  EXPECT_THAT(children_of_self(), testing::Contains(child));
  EXPECT_THAT(children_by_scan(getpid()), testing::Contains(child));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_THAT(children_by_scan(getpid()), testing::Not(testing::Contains(child)));
}

TEST(ProcessTree, EndsAllButTheSpared) {
  const pid_t spared = start_sleeper();
  Watched watched{.pid = start_sleeper()};
  start_sleeper();
  EXPECT_EQ(end_children({&spared, 1}, 5'000, &watched), 0);
  EXPECT_TRUE(WIFSIGNALED(watched.status));
  EXPECT_THAT(children_of_self(), testing::ElementsAre(spared));
  EXPECT_EQ(end_children({}, 5'000, nullptr), 0);
  EXPECT_TRUE(children_of_self().empty());
}

}  // namespace
}  // namespace lathe::keeper
