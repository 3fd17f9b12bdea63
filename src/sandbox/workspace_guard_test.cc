#include "lathe/sandbox/workspace_guard.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lathe::sandbox {
namespace {

namespace fs = std::filesystem;
using Finding = WorkspaceGuard::Finding;
using Kind = Finding::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// A workspace at level landlock, where nothing but the guard protects; the test plays the command.
class WorkspaceGuards : public ::testing::Test {
 protected:
  WorkspaceGuards() {
    std::string pattern = (fs::temp_directory_path() / "lathe-guard-XXXXXX").string();
    base_ = fs::canonical(mkdtemp(pattern.data())).string();
    fs::create_directories(base_ + "/person/.ssh");
    put("/person/.profile");
    put("/person/.ssh/id");
    put("/person/w/.git/config");
    put("/person/w/sub/.git/config");
    put("/person/w/old/pyvenv.cfg");
    const SessionFacts facts{.workspace = base_ + "/person/w",
                             .home = base_ + "/person",
                             .path_variable = "/usr/bin",
                             .jails_folder = base_ + "/jails",
                             .session = "s",
                             .keeper_program = "/bin/true",
                             .level = Level::kLandlock};
    jail_ = *SessionJail::create(facts, HostFacts{.landlock_abi = 3, .seccomp = true});
    guard_.emplace(*jail_, std::vector<std::string>{base_ + "/person/.ssh"});
  }
  ~WorkspaceGuards() override { fs::remove_all(base_); }

  void put(const std::string& path, const std::string& text = "x") const {
    fs::create_directories(fs::path(base_ + path).parent_path());
    std::ofstream(base_ + path) << text;
  }
  void remember() {
    ASSERT_TRUE(jail_->next_command().ok());
    ASSERT_TRUE(guard_->remember().ok());
  }
  std::vector<Finding> check() {
    auto found = guard_->check([](std::string_view) -> base::Result<std::string> { return std::string("blob"); });
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : std::vector<Finding>();
  }

  std::string base_;
  std::unique_ptr<SessionJail> jail_;
  std::optional<WorkspaceGuard> guard_;
};

TEST_F(WorkspaceGuards, RepositoriesAndEnvironmentsWithinAreTold) {
  remember();
  EXPECT_THAT(check(), IsEmpty());
  put("/person/w/deep/er/.git/HEAD");
  put("/person/w/env/pyvenv.cfg");
  put("/person/w/link/.git", "gitdir: /elsewhere\n");
  put("/person/w/sub/.git/hooks/post-checkout", "evil\n");
  put("/person/w/old/bin/activate", "evil\n");
  put("/person/w/sub/.git/index", "git's own");
  EXPECT_THAT(check(), UnorderedElementsAre(
                           Finding{Kind::kTainted, "deep/er/.git", ""}, Finding{Kind::kTainted, "env/pyvenv.cfg", ""},
                           Finding{Kind::kTainted, "link/.git", ""}, Finding{Kind::kTainted, "sub/.git", "changed"},
                           Finding{Kind::kTainted, "old/pyvenv.cfg", "changed"}));
  EXPECT_THAT(check(), IsEmpty()) << "told once";
  put("/person/w/sub/.git/config", "[core]\n\tfsmonitor = evil\n");
  EXPECT_THAT(check(), ElementsAre(Finding{Kind::kTainted, "sub/.git", "changed"}));
  put("/person/w/sub/.git/rebase-merge/git-rebase-todo", "exec evil\n");
  EXPECT_THAT(check(), ElementsAre(Finding{Kind::kTainted, "sub/.git", "changed"}));
}

TEST_F(WorkspaceGuards, TheRepositoryItselfIsItsNameGuards) {
  remember();
  put("/person/w/.git/config", "[core]\n\tfsmonitor = evil\n");
  put("/person/w/.venv/pyvenv.cfg");
  EXPECT_THAT(check(),
              UnorderedElementsAre(Finding{Kind::kRestored, ".git/config", ""}, Finding{Kind::kTainted, ".venv", ""}));
}

TEST_F(WorkspaceGuards, AtLevelLandlockModesAndTimesOfThePersonsFilesAreTold) {
  remember();
  ASSERT_EQ(chmod((base_ + "/person/.ssh/id").c_str(), 0666), 0);
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (base_ + "/person/.profile").c_str(), times, 0), 0);
  const std::vector<Finding> found = check();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], (Finding{Kind::kOutside, base_ + "/person/.profile", "its time of change was set back"}));
  EXPECT_EQ(found[1].path, base_ + "/person/.ssh/id");
  EXPECT_THAT(found[1].kept, ::testing::EndsWith("is now 666"));
}

TEST_F(WorkspaceGuards, AnotherProcessGoesOnWithWhatWasRemembered) {
  put("/person/w/.vscode/tasks.json", "ours");
  remember();
  const std::string remembered = guard_->encode();
  put("/person/w/.git/config", "[core]\n\tfsmonitor = evil\n");
  put("/person/w/.git/hooks/post-checkout", "evil\n");
  fs::remove_all(base_ + "/person/w/.vscode");
  put("/person/w/deep/.git/HEAD");
  ASSERT_EQ(chmod((base_ + "/person/.ssh/id").c_str(), 0666), 0);
  guard_.emplace(*jail_, std::vector<std::string>{base_ + "/person/.ssh"});
  ASSERT_TRUE(guard_->restore(remembered).ok());
  EXPECT_EQ(guard_->encode(), remembered);
  const std::vector<Finding> found = check();
  EXPECT_THAT(found, UnorderedElementsAre(
                         Finding{Kind::kQuarantined, ".git/hooks", "blob"}, Finding{Kind::kRestored, ".git/config", ""},
                         Finding{Kind::kRestored, ".vscode", ""}, Finding{Kind::kRestored, ".vscode/tasks.json", ""},
                         Finding{Kind::kTainted, "deep/.git", ""},
                         ::testing::Field(&Finding::path, base_ + "/person/.ssh/id")));
  EXPECT_THAT(check(), IsEmpty());
}

TEST_F(WorkspaceGuards, WhatIsDamagedOrOfAnotherLevelIsNotRemembered) {
  remember();
  const std::string remembered = guard_->encode();
  guard_->forget();
  for (const std::string& bytes :
       {std::string(), remembered.substr(0, remembered.size() - 1), remembered + "x", "9" + remembered,
        std::string("7:names 120:99999999999999999999"), std::string("99999999999999999999:")}) {
    EXPECT_FALSE(guard_->restore(bytes).ok()) << bytes;
    EXPECT_FALSE(guard_->remembers());
    EXPECT_THAT(check(), IsEmpty());
  }
  std::string mounted = remembered;
  const std::string root = std::to_string((base_ + "/person/w").size()) + ":" + base_ + "/person/w";
  const std::size_t scope = mounted.find(root) + root.size();
  ASSERT_EQ(mounted.substr(scope, 3), "1:1");
  mounted[scope + 2] = '0';
  EXPECT_FALSE(guard_->restore(mounted).ok());
}

TEST_F(WorkspaceGuards, WhatThePersonDoesBetweenCommandsIsTheirs) {
  remember();
  guard_->forget();
  put("/person/w/more/.git/HEAD");
  EXPECT_THAT(check(), IsEmpty());
  remember();
  EXPECT_THAT(check(), IsEmpty());
}

}  // namespace
}  // namespace lathe::sandbox
