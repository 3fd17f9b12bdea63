#include "lathe/sandbox/git_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::sandbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GitSteps, ListOfCommitsOrdersNothing) {
  EXPECT_THAT(
      orders_in("git-rebase-todo",
                "pick 1234567 exec is a word here\nfixup -C 1234567\nlabel x1\n# exec in a comment\nmerge -C 1 a\n"
                "\nbreak\n"),
      IsEmpty());
  EXPECT_THAT(orders_in("todo", "revert 1234567 x\n"), IsEmpty());
}

TEST(GitSteps, LineThatRunsSomethingIsAnOrder) {
  EXPECT_THAT(orders_in("git-rebase-todo", "pick 1 a\n \texec make test\r\nx\tevil\nx\nexec\n"),
              ElementsAre("exec", "exec make test", "x", "x\tevil"));
}

TEST(GitSteps, StrategyThatGitDoesNotHaveWithinIsAnOrder) {
  EXPECT_THAT(orders_in("strategy", "ort\n"), IsEmpty());
  EXPECT_THAT(orders_in("strategy", "../evil\n"), ElementsAre("../evil"));
  EXPECT_THAT(orders_in("opts", "[options]\n\tstrategy = recursive\n\tstrategy-option = ours\n\tsignoff = true\n"),
              IsEmpty());
  EXPECT_THAT(orders_in("opts", "[options] STRATEGY = \"../evil\"\n"), ElementsAre("[options] STRATEGY = \"../evil\""));
  EXPECT_THAT(orders_in("opts", "[options]\nstrategy-option = a\n strategy = \\\n../evil\n"),
              ElementsAre("strategy = \\"));
}

TEST(GitSteps, PermissionToWriteAnywhereIsAnOrder) {
  EXPECT_THAT(orders_in("apply-opt", " '--whitespace=fix' '-p1'\n"), IsEmpty());
  EXPECT_THAT(orders_in("apply-opt", " '--unsafe-p'\n"), ElementsAre("'--unsafe-p'"));
}

}  // namespace
}  // namespace lathe::sandbox
