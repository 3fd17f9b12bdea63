#include "lathe/tools/common/workspace.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "lathe/tools/common/links.h"

namespace lathe::tools::common {
namespace {

namespace fs = std::filesystem;

class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest() {
    std::string pattern = (fs::temp_directory_path() / "lathe-workspace-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    cwd_ = base_ + "/work";
    fs::create_directories(cwd_ + "/src");
    put(cwd_ + "/src/a.txt", "a\n");
    put(base_ + "/secret", "outside\n");
  }
  ~WorkspaceTest() override { fs::remove_all(base_); }

  static void put(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string get(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Place at(std::string_view path) { return *place_of(cwd_, path); }
  base::Result<void> write(std::string_view path, std::string_view bytes) {
    return Workspace::open(cwd_)->write(at(path), bytes);
  }

  std::string base_;
  std::string cwd_;
};

TEST_F(WorkspaceTest, MakesPathsPlain) {
  EXPECT_EQ(at("src//./a.txt").relative, "src/a.txt");
  EXPECT_EQ(at("src/../src/a.txt").relative, "src/a.txt");
  EXPECT_EQ(at(cwd_ + "/src/a.txt").shown(), "src/a.txt");
  EXPECT_EQ(at(".").relative, ".");
  EXPECT_FALSE(at("../secret").inside());
  EXPECT_EQ(at("../secret").shown(), base_ + "/secret");
  EXPECT_FALSE(at(cwd_ + "-other/x").inside()) << "a sibling with the same beginning";
}

TEST_F(WorkspaceTest, RefusesPathsThatAreNone) {
  EXPECT_FALSE(place_of(cwd_, "").ok());
  EXPECT_FALSE(place_of(cwd_, std::string_view("a\0b", 3)).ok());
  EXPECT_FALSE(place_of(cwd_, "\xFF").ok());
  EXPECT_EQ(place_of(cwd_, std::string(10'000, 'x')).error().message,
            "the path is 10000 bytes long; 4095 is the limit");
}

TEST_F(WorkspaceTest, ReadsRegularFilesOnly) {
  EXPECT_EQ(*read_whole(at("src/a.txt")), "a\n");
  EXPECT_EQ(*read_whole(at("../secret")), "outside\n");
  EXPECT_EQ(read_whole(at("src")).error().message, "src is a folder");
  ASSERT_EQ(mkfifo((cwd_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_whole(at("fifo")).error().message, "fifo is a FIFO, not a file");
  EXPECT_EQ(read_whole(at("/dev/zero")).error().message, "/dev/zero is a device, not a file");
  const auto missing = read_whole(at("src/b.txt"));
  EXPECT_EQ(missing.error().code, base::codes::kNotFound);
  EXPECT_EQ(missing.error().hint, "did you mean \"a.txt\"?");
  EXPECT_FALSE(read_if_there(at("src/b.txt"))->has_value());
}

TEST_F(WorkspaceTest, TellsNoNamesOfFoldersOutside) {
  fs::create_symlink(base_, cwd_ + "/up");
  for (const char* path : {"../secrte", "up/secrte"}) {
    for (const Place& place : {at(path), with_links_resolved(at(path))}) {
      const auto missing = read_whole(place);
      ASSERT_FALSE(missing.ok()) << path;
      EXPECT_EQ(missing.error().code, base::codes::kNotFound) << path;
      EXPECT_EQ(missing.error().text().find("secret"), std::string::npos) << missing.error().text();
    }
  }
}

TEST_F(WorkspaceTest, WritesInOneStepAndMakesFolders) {
  ASSERT_TRUE(write("new/deep/file", "x").ok());
  EXPECT_EQ(get(cwd_ + "/new/deep/file"), "x");
  ASSERT_TRUE(write("new/deep/file", "yy").ok());
  EXPECT_EQ(get(cwd_ + "/new/deep/file"), "yy");
  EXPECT_EQ(std::distance(fs::directory_iterator(cwd_ + "/new/deep"), {}), 1) << "no temporary file stays";
}

TEST_F(WorkspaceTest, KeepsTheModeButNoSetuid) {
  chmod((cwd_ + "/src/a.txt").c_str(), 06750);
  ASSERT_TRUE(write("src/a.txt", "b").ok());
  struct stat status{};
  stat((cwd_ + "/src/a.txt").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0750U);
}

TEST_F(WorkspaceTest, DoesNotWriteOutside) {
  EXPECT_EQ(write("../secret", "x").error().code, base::codes::kPermission);
  EXPECT_EQ(write(base_ + "/other", "x").error().code, base::codes::kPermission);
  EXPECT_EQ(Workspace::open(cwd_)->remove(at("../secret")).error().code, base::codes::kPermission);
  EXPECT_EQ(get(base_ + "/secret"), "outside\n");
}

TEST_F(WorkspaceTest, DoesNotFollowLinksOut) {
  fs::create_symlink(base_, cwd_ + "/up");
  fs::create_symlink("..", cwd_ + "/dots");
  fs::create_symlink(base_ + "/secret", cwd_ + "/link");
  fs::create_symlink("../secret", cwd_ + "/relative");
  fs::create_symlink("loop", cwd_ + "/loop");
  for (const char* path : {"up/secret", "dots/secret", "up/new", "link", "relative"}) {
    EXPECT_EQ(write(path, "x").error().code, base::codes::kPermission) << path;
    EXPECT_EQ(Workspace::open(cwd_)->check_writable(at(path)).error().code, base::codes::kPermission) << path;
  }
  EXPECT_FALSE(write("loop", "x").ok());
  EXPECT_EQ(get(base_ + "/secret"), "outside\n");
  EXPECT_FALSE(fs::exists(base_ + "/new"));
}

TEST_F(WorkspaceTest, WritesThroughALinkThatStaysInside) {
  fs::create_symlink("src/a.txt", cwd_ + "/link");
  fs::create_symlink("src", cwd_ + "/folder");
  ASSERT_TRUE(write("link", "1").ok());
  EXPECT_EQ(get(cwd_ + "/src/a.txt"), "1");
  EXPECT_TRUE(fs::is_symlink(cwd_ + "/link"));
  ASSERT_TRUE(write("folder/a.txt", "2").ok());
  EXPECT_EQ(get(cwd_ + "/src/a.txt"), "2");
  fs::create_symlink("src/none", cwd_ + "/to-none");
  ASSERT_TRUE(write("to-none", "3").ok());
  EXPECT_EQ(get(cwd_ + "/src/none"), "3");
}

TEST_F(WorkspaceTest, ProtectedNamesAreChangedByPeopleOnly) {
  fs::create_directories(cwd_ + "/.git/hooks");
  put(cwd_ + "/.git/config", "[core]\n");
  fs::create_directory_symlink(".git", cwd_ + "/git");
  fs::create_symlink(".git/config", cwd_ + "/settings");
  const auto workspace = Workspace::open(cwd_);
  for (const char* path :
       {".git/hooks/pre-commit", ".git/hooks/deep/x", ".git/config", ".git", "git/config", "settings", ".envrc",
        ".vscode/tasks.json", ".lathe/agents/x.md", ".mcp.json", "src/../.envrc", ".git/rebase-merge/git-rebase-todo",
        ".git/sequencer", "git/rebase-apply/apply-opt"}) {
    const auto checked = workspace->check_writable(at(path));
    ASSERT_FALSE(checked.ok()) << path;
    EXPECT_EQ(checked.error().code, base::codes::kPermission) << path;
    EXPECT_NE(checked.error().text().find("only a person can"), std::string::npos) << checked.error().text();
    EXPECT_FALSE(write(path, "owned").ok()) << path;
    EXPECT_FALSE(workspace->move(at("src/a.txt"), at(path)).ok()) << path;
  }
  EXPECT_FALSE(workspace->remove(at(".git/config")).ok());
  EXPECT_FALSE(workspace->move(at(".git/config"), at("mine")).ok());
  EXPECT_EQ(get(cwd_ + "/.git/config"), "[core]\n");
  EXPECT_FALSE(fs::exists(cwd_ + "/.vscode")) << "no folder is made for it";
  EXPECT_TRUE(fs::is_empty(cwd_ + "/.git/hooks"));
  for (const char* path : {".gitignore", ".github/workflows/ci.yml", ".git/notes", "src/.envrc", "venv/own.py"}) {
    EXPECT_TRUE(write(path, "fine").ok()) << path;
  }
}

TEST_F(WorkspaceTest, WhatGitObeysInABareRepositoryIsProtected) {
  EXPECT_TRUE(write("config", "fine").ok()) << "no repository's yet";
  put(cwd_ + "/HEAD", "ref: refs/heads/main\n");
  for (const char* name : {"/objects", "/refs", "/hooks"}) fs::create_directories(cwd_ + name);
  for (const char* path : {"config", "hooks/update", "info/attributes"}) {
    const auto written = write(path, "owned");
    ASSERT_FALSE(written.ok()) << path;
    EXPECT_EQ(written.error().code, base::codes::kPermission) << path;
  }
  EXPECT_TRUE(write("description", "fine").ok());
}

TEST_F(WorkspaceTest, NoFileMakesTheWorkspaceABareRepository) {
  for (const char* path : {"config", "hooks/update", "refs/heads/main"}) EXPECT_TRUE(write(path, "fine").ok()) << path;
  EXPECT_TRUE(write("HEAD", "a text").ok()) << "two of three parts are none";
  const auto last = write("objects/info/packs", "owned");
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code, base::codes::kPermission);
  EXPECT_FALSE(fs::exists(cwd_ + "/objects"));
  ASSERT_TRUE(Workspace::open(cwd_)->remove(at("HEAD")).ok());
  fs::create_directory(cwd_ + "/objects");
  EXPECT_EQ(write("HEAD", "ref: refs/heads/main").error().code, base::codes::kPermission);
}

TEST_F(WorkspaceTest, WhatTheGitPointerLeadsToIsProtected) {
  fs::create_directories(cwd_ + "/store/modules");
  put(cwd_ + "/.git", "gitdir: store\n");
  for (const char* path : {"store/hooks/x", "store/config", "store/modules/x", ".git"}) {
    const auto written = write(path, "owned");
    ASSERT_FALSE(written.ok()) << path;
    EXPECT_EQ(written.error().code, base::codes::kPermission) << path;
  }
  fs::create_directories(cwd_ + "/tasks");
  fs::create_directory_symlink("tasks", cwd_ + "/.vscode");
  EXPECT_FALSE(write("tasks/tasks.json", "owned").ok());
  EXPECT_TRUE(write("store/notes", "fine").ok());
  fs::create_directories(cwd_ + "/shared/hooks");
  put(cwd_ + "/store/commondir", "../shared\n");
  EXPECT_FALSE(write("shared/hooks/x", "owned").ok());
  EXPECT_TRUE(write("shared/notes", "fine").ok());
}

TEST_F(WorkspaceTest, MovesAFileToAnotherFileSystemAndBack) {
  std::string pattern = "/dev/shm/lathe-move-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) GTEST_SKIP() << "no /dev/shm";
  struct stat here{};
  struct stat there{};
  ASSERT_EQ(stat(cwd_.c_str(), &here), 0);
  ASSERT_EQ(stat(pattern.c_str(), &there), 0);
  if (here.st_dev == there.st_dev) GTEST_SKIP() << "the working folder lies in the same file system";
  const auto looked_up = [&](const std::string& path) { return with_links_resolved(at(path)); };
  put(cwd_ + "/run", "#!/bin/sh\n");
  chmod((cwd_ + "/run").c_str(), 0741);
  const auto workspace = Workspace::open(cwd_);
  const auto away = workspace->move(looked_up("run"), looked_up(pattern + "/deep/run"));
  ASSERT_TRUE(away.ok()) << away.error().text();
  EXPECT_EQ(get(pattern + "/deep/run"), "#!/bin/sh\n");
  EXPECT_FALSE(fs::exists(cwd_ + "/run"));
  ASSERT_EQ(stat((pattern + "/deep/run").c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 07777U, 0741U);
  put(cwd_ + "/other", "mine");
  EXPECT_EQ(workspace->move(looked_up(pattern + "/deep/run"), looked_up("other")).error().code, base::codes::kExists);
  EXPECT_EQ(get(cwd_ + "/other"), "mine");
  EXPECT_TRUE(workspace->move(looked_up(pattern + "/deep/run"), looked_up("back/run")).ok());
  EXPECT_EQ(get(cwd_ + "/back/run"), "#!/bin/sh\n");
  EXPECT_TRUE(fs::is_empty(pattern + "/deep")) << "no temporary file stays";
  fs::remove_all(pattern);
}

TEST_F(WorkspaceTest, RefusesWhatIsNoFile) {
  EXPECT_EQ(write("src", "x").error().message, "src is a folder");
  ASSERT_EQ(mkfifo((cwd_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(write("fifo", "x").error().message, "fifo is a FIFO, not a file");
  EXPECT_FALSE(Workspace::open(cwd_)->remove(at("src")).ok());
  EXPECT_EQ(Workspace::open(cwd_)->remove(at("nothing")).error().code, base::codes::kNotFound);
  EXPECT_EQ(Workspace::open(base_ + "/none").error().code, base::codes::kNotFound);
}

}  // namespace
}  // namespace lathe::tools::common
