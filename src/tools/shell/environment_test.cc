#include "lathe/tools/shell/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::tools::shell {
namespace {

using testing::Contains;
using testing::Not;

TEST(CommandEnvironment, KeepsTheListAndDropsTheRest) {
  const auto env = command_environment(
      {"PATH=/bin", "HOME=/home/x", "LC_ALL=C.UTF-8", "TERM=xterm", "PAGER=less", "OPENAI_API_KEY=sk", "LATHE_HOME=/x",
       "DATABASE_URL=postgres://u:p@h/d", "SSH_AUTH_SOCK=/tmp/s", "CARGO_HOME=/c", "CARGO_REGISTRY_TOKEN=t",
       "NODE_AUTH_TOKEN=t", "AWS_SECRET_ACCESS_KEY=s", "GITHUB_TOKEN=g"},
      {});
  EXPECT_THAT(env, testing::UnorderedElementsAre("PATH=/bin", "HOME=/home/x", "LC_ALL=C.UTF-8", "CARGO_HOME=/c",
                                                 "TERM=dumb", "PAGER=cat", "GIT_PAGER=cat", "GIT_TERMINAL_PROMPT=0",
                                                 "GIT_EDITOR=true", "DEBIAN_FRONTEND=noninteractive"));
}

TEST(CommandEnvironment, KeepsAndSetsWhatItIsTold) {
  const auto env = command_environment({"MY_TOKEN=1", "PATH=/bin"}, {.keep = {"MY_TOKEN"}, .set = {"PATH=/x", "A=b"}});
  EXPECT_THAT(env, Contains("MY_TOKEN=1"));
  EXPECT_THAT(env, Contains("A=b"));
  EXPECT_THAT(env, Contains("PATH=/x"));
  EXPECT_THAT(env, Not(Contains("PATH=/bin")));
}

TEST(LooksSecret, GoesByTheName) {
  for (const char* name :
       {"OPENAI_API_KEY", "my_secret", "GITHUB_TOKEN", "DbPassword", "GOOGLE_APPLICATION_CREDENTIALS"}) {
    EXPECT_TRUE(looks_secret(name)) << name;
  }
  for (const char* name : {"PATH", "HOME", "LC_ALL", "EDITOR"}) EXPECT_FALSE(looks_secret(name)) << name;
}

}  // namespace
}  // namespace lathe::tools::shell
