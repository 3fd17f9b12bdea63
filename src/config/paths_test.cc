#include <gtest/gtest.h>

#include "lathe/config/config.h"

namespace lathe::config {
namespace {

TEST(FindPaths, FollowsXdg) {
  const auto paths =
      find_paths({.variables = {{"HOME", "/h"}, {"XDG_STATE_HOME", "/s"}, {"XDG_CACHE_HOME", "relative"}}});
  ASSERT_TRUE(paths.ok());
  EXPECT_EQ(paths->config_file, "/h/.config/lathe/config.yaml");
  EXPECT_EQ(paths->models_file, "/h/.config/lathe/models.yaml");
  EXPECT_EQ(paths->state_dir, "/s/lathe");
  EXPECT_EQ(paths->cache_dir, "/h/.cache/lathe");
  EXPECT_EQ(paths->runtime_dir, "/s/lathe/run");
  EXPECT_EQ(find_paths({.variables = {{"HOME", "/h"}, {"XDG_RUNTIME_DIR", "/run/u"}}})->runtime_dir, "/run/u/lathe");
}

TEST(FindPaths, LatheHomeHoldsEverything) {
  const auto paths = find_paths({.variables = {{"LATHE_HOME", "/l"}, {"XDG_STATE_HOME", "/s"}}});
  ASSERT_TRUE(paths.ok());
  EXPECT_EQ(paths->config_file, "/l/config.yaml");
  EXPECT_EQ(paths->state_dir, "/l/state");
  EXPECT_EQ(paths->runtime_dir, "/l/run");
}

TEST(FindPaths, SaysWhatIsMissing) {
  EXPECT_EQ(find_paths({}).error().message, "HOME is not set, so there is no place for Lathe's files");
  EXPECT_FALSE(find_paths({.variables = {{"HOME", ""}}}).ok());
  EXPECT_FALSE(find_paths({.variables = {{"LATHE_HOME", "l"}, {"HOME", "/h"}}}).ok());
}

TEST(FromHome, ReadsTheTildeOnly) {
  const Environment environment{.variables = {{"HOME", "/h"}}};
  EXPECT_EQ(from_home(environment, "~/data"), "/h/data");
  EXPECT_EQ(from_home(environment, "/a/~/b"), "/a/~/b");
  EXPECT_EQ(from_home({}, "~/data"), "~/data");
}

}  // namespace
}  // namespace lathe::config
