#include "lathe/storage/fault.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "lathe/runtime/files.h"

namespace lathe::storage {
namespace {

TEST(FaultPlan, FailsTheOperationThatIsNamed) {
  const auto once = FaultPlan::parse("enospc@2");
  ASSERT_TRUE(once.ok());
  EXPECT_EQ((*once)->before("a", 5).error, 0);
  EXPECT_EQ((*once)->before("b", 5).error, ENOSPC);
  EXPECT_EQ((*once)->before("c", 5).error, 0);
  EXPECT_EQ((*once)->count(), 3U);

  const auto lasting = FaultPlan::parse("eio@2+");
  EXPECT_EQ((*lasting)->before("a", 5).error, 0);
  EXPECT_EQ((*lasting)->before("b", 5).error, EIO);
  EXPECT_EQ((*lasting)->before("c", 5).error, EIO);

  const auto cut = FaultPlan::parse("short@1:3");
  const Fault fault = (*cut)->before("a", 5);
  EXPECT_EQ(fault.error, ENOSPC);
  EXPECT_EQ(fault.written, 3U);
}

TEST(FaultPlan, BadPlansSayWhatThereIs) {
  for (const char* text : {"", "kill", "kill@1", "enospc@0", "enospc@x", "tear@1", "enospc@1:2", "log:", "short@:1"}) {
    const auto plan = FaultPlan::parse(text);
    ASSERT_FALSE(plan.ok()) << text;
    EXPECT_EQ(plan.error().code, base::codes::kInvalid);
    EXPECT_NE(plan.error().hint.find("kill-before@N"), std::string::npos);
  }
}

TEST(FaultPlan, KillsAtItsPoint) {
  for (const char* text : {"kill-before@2", "kill-after@2", "tear@2:1"}) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto plan = FaultPlan::parse(text);
      for (char step = '1'; step < '9'; ++step) {
        (void)(*plan)->before("x", 1);
        if (::write(ends[1], &step, 1) != 1) ::_exit(1);
        (*plan)->after("x");
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    const std::string steps = *runtime::read_all(ends[0], 100, "pipe");
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << text;
    EXPECT_EQ(steps, std::string_view(text) == "kill-before@2" ? "1" : "12") << text;
  }
}

}  // namespace
}  // namespace lathe::storage
