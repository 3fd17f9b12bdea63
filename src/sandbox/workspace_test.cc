#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lathe/base/unique_fd.h"
#include "lathe/sandbox/git_folders.h"
#include "lathe/sandbox/git_store.h"
#include "lathe/sandbox/protected_names.h"
#include "lathe/sandbox/secret_search.h"
#include "lathe/sandbox/toolchains.h"

// What is found in folders of a person: secrets, protected names, git's other folders, toolchains.

namespace lathe::sandbox {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

class Workspace : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lathe-workspace-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = fs::canonical(pattern).string();
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string put(const std::string& path, const std::string& text = "x\n") const {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
    return root_ + "/" + path;
  }
  static std::vector<std::string> paths(const std::vector<Mask>& masks) {
    std::vector<std::string> out;
    for (const Mask& mask : masks) out.push_back(mask.path);
    return out;
  }
  std::vector<std::string> secrets(SecretSearch& search) const {
    const auto found = search.find({root_});
    return found.ok() ? paths(*found) : std::vector<std::string>{found.error().text()};
  }

  std::string root_;
};

bool is_env(std::string_view path) { return path == ".env" || path.ends_with("/.env") || path.ends_with("secrets"); }

TEST_F(Workspace, SecretsAreFoundWhereverTheyComeAndGo) {
  SecretSearch search(is_env);
  EXPECT_THAT(secrets(search), IsEmpty());
  put("a/b/c/file");
  EXPECT_THAT(secrets(search), IsEmpty());
  const std::string deep = put("a/b/c/.env");
  const std::string top = put(".env");
  EXPECT_THAT(secrets(search), UnorderedElementsAre(top, deep));
  fs::rename(root_ + "/a/b", root_ + "/moved");
  EXPECT_THAT(secrets(search), UnorderedElementsAre(top, root_ + "/moved/c/.env"));
  fs::remove(top);
  EXPECT_THAT(secrets(search), ElementsAre(root_ + "/moved/c/.env"));
}

TEST_F(Workspace, SecretFolderIsHiddenAsAWhole) {
  put("conf/secrets/one");
  put("conf/secrets/deep/.env");
  SecretSearch search(is_env);
  EXPECT_THAT(secrets(search), ElementsAre(root_ + "/conf/secrets"));
}

TEST_F(Workspace, LinkWithASecretNameHidesWhatItLeadsToInside) {
  const std::string real = put("config/real");
  fs::create_symlink("config/real", root_ + "/.env");
  SecretSearch search(is_env);
  EXPECT_THAT(secrets(search), ElementsAre(real));
  fs::remove(root_ + "/.env");
  fs::create_symlink("/etc/passwd", root_ + "/.env");
  EXPECT_THAT(secrets(search), IsEmpty());
}

TEST_F(Workspace, LinksToFoldersAreNotFollowed) {
  fs::create_symlink(root_, root_ + "/loop");
  const std::string top = put(".env");
  SecretSearch search(is_env);
  EXPECT_THAT(secrets(search), ElementsAre(top));
}

TEST_F(Workspace, ProtectedNamesThatExistAreMaskedWithTheFolderOfGitPinned) {
  EXPECT_THAT(*protected_masks(root_), IsEmpty());
  put(".git/config");
  put(".git/HEAD");
  put(".lathe/config.yaml");
  put("venv/module.py");
  put(".venv/pyvenv.cfg");
  const auto masks = *protected_masks(root_);
  EXPECT_THAT(paths(masks),
              UnorderedElementsAre(root_ + "/.git", root_ + "/.git/config", root_ + "/.lathe", root_ + "/.venv"));
  EXPECT_EQ(masks[0].kind, Mask::Kind::kPinned);
  for (const Mask& mask : masks) EXPECT_NE(mask.inode, 0U) << mask.path;
}

TEST_F(Workspace, SecretsAmongGitsObjectsAreFound) {
  SecretSearch search(is_env);
  const std::string moved = put("sub/.git/objects/config/.env");
  const std::string own = put(".git/objects/.env");
  EXPECT_THAT(secrets(search), UnorderedElementsAre(moved, own));
}

TEST_F(Workspace, FolderThatCannotBeLookedThroughIsHidden) {
  put("closed/.env");
  put("listed/.env");
  if (geteuid() == 0) {
    for (const auto& entry : fs::recursive_directory_iterator(root_)) (void)!chown(entry.path().c_str(), 65534, 65534);
    ASSERT_EQ(chown(root_.c_str(), 65534, 65534), 0);
  }
  chmod((root_ + "/closed").c_str(), 0300);
  chmod((root_ + "/listed").c_str(), 0600);
  const bool root = geteuid() == 0;
  // access() goes by the real user. The saved one stays root's.
  if (root) ASSERT_EQ(setresuid(65534, 65534, 0), 0);
  SecretSearch search(is_env);
  const auto found = secrets(search);
  if (root) ASSERT_EQ(setresuid(0, 0, 0), 0);
  EXPECT_THAT(found, UnorderedElementsAre(root_ + "/closed", root_ + "/listed"));
}

TEST_F(Workspace, FoldersThatProtectedNamesLieInArePinned) {
  put(".git/info/attributes");
  put(".git/objects/info/alternates");
  const auto masks = *protected_masks(root_);
  for (const char* name : {"/.git", "/.git/info", "/.git/objects", "/.git/objects/info"}) {
    const auto at = std::ranges::find(masks, root_ + name, &Mask::path);
    ASSERT_NE(at, masks.end()) << name;
    EXPECT_EQ(at->kind, Mask::Kind::kPinned) << name;
  }
}

TEST_F(Workspace, WhatAProtectedLinkLeadsToIsMaskedInItsPlace) {
  put(".git/HEAD");
  put("tools/hooks/commit");
  fs::create_symlink("../tools/hooks", root_ + "/.git/hooks");
  fs::create_symlink("/etc", root_ + "/.vscode");
  fs::create_symlink("nowhere", root_ + "/.idea");
  fs::create_symlink(".", root_ + "/.zed");
  const auto masks = *protected_masks(root_);
  EXPECT_THAT(paths(masks), ElementsAre(root_ + "/.git", root_ + "/tools", root_ + "/tools/hooks"));
  EXPECT_EQ(masks[1].kind, Mask::Kind::kPinned);
  EXPECT_EQ(masks[2].kind, Mask::Kind::kReadOnly);
}

TEST_F(Workspace, SocketsAreFoundBesideSecrets) {
  SecretSearch search(is_env);
  put(".env");
  fs::create_directory(root_ + "/run");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = root_ + "/run/s";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const base::UniqueFd server(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (int look = 0; look < 2; ++look) {
    EXPECT_THAT(secrets(search), ElementsAre(root_ + "/.env"));
    EXPECT_THAT(paths(search.sockets()), ElementsAre(path));
  }
  fs::remove(path);
  EXPECT_THAT(secrets(search), ElementsAre(root_ + "/.env"));
  EXPECT_THAT(search.sockets(), IsEmpty());
}

TEST_F(Workspace, AdministrativeFolderOfAWorktreeIsMasked) {
  const std::string common = put("own/commondir");
  const std::string back = put("own/gitdir");
  put("own/HEAD");
  EXPECT_THAT(paths(*protected_masks(root_ + "/own")), UnorderedElementsAre(common, back));
  const std::string elsewhere = put("objects/info/alternates");
  EXPECT_THAT(paths(*protected_masks(root_ + "/objects")), UnorderedElementsAre(elsewhere, root_ + "/objects/info"));
}

TEST_F(Workspace, FileThatLeadsToARepositoryIsReadOnly) {
  put(".git", "gitdir: /elsewhere\n");
  const auto masks = *protected_masks(root_);
  ASSERT_EQ(masks.size(), 1U);
  EXPECT_EQ(masks[0].kind, Mask::Kind::kReadOnly);
}

TEST_F(Workspace, RepositoryBesideItsFileIsMaskedLikeAFolderOfGits) {
  put(".git", "gitdir: store\n");
  put("store/HEAD");
  put("store/config");
  put("store/hooks/commit");
  const std::vector<std::string> expected{root_ + "/.git", root_ + "/store", root_ + "/store/config",
                                          root_ + "/store/hooks"};
  const auto masks = *protected_masks(root_);
  EXPECT_THAT(paths(masks), UnorderedElementsAreArray(expected));
  EXPECT_EQ(std::ranges::find(masks, root_ + "/store", &Mask::path)->kind, Mask::Kind::kPinned);
  EXPECT_EQ(std::ranges::find(masks, root_ + "/store/config", &Mask::path)->kind, Mask::Kind::kReadOnly);
  // A link in its place leads there as well, and takes no mask itself.
  fs::remove(root_ + "/.git");
  fs::create_directory_symlink("store", root_ + "/.git");
  EXPECT_THAT(paths(*protected_masks(root_)), UnorderedElementsAreArray(expected.begin() + 1, expected.end()));
}

TEST_F(Workspace, BareRepositoryIsMaskedLikeAFolderOfGits) {
  const std::string config = put("config");
  const std::string hook = put("hooks/update");
  const std::string attributes = put("info/attributes");
  EXPECT_THAT(*protected_masks(root_), IsEmpty()) << "no repository's yet";
  put("HEAD", "ref: refs/heads/main\n");
  fs::create_directories(root_ + "/objects");
  fs::create_directories(root_ + "/refs");
  EXPECT_THAT(git_stores(root_), ElementsAre(""));
  const auto masks = *protected_masks(root_);
  EXPECT_THAT(paths(masks), UnorderedElementsAre(config, root_ + "/hooks", root_ + "/info", attributes));
  EXPECT_EQ(std::ranges::find(masks, config, &Mask::path)->kind, Mask::Kind::kReadOnly);
  EXPECT_EQ(std::ranges::find(masks, root_ + "/info", &Mask::path)->kind, Mask::Kind::kPinned);
}

TEST_F(Workspace, RepositoryThatAWorktreeSharesIsMaskedExceptForWhatIsItsOwn) {
  put(".git", "gitdir: repo/worktrees/one\n");
  put("repo/config");
  put("repo/worktrees/one/HEAD");
  put("repo/worktrees/one/commondir", "../..\n");
  put("repo/worktrees/one/gitdir", root_ + "/.git\n");
  EXPECT_THAT(git_stores(root_), ElementsAre("repo/worktrees/one", "repo"));
  const auto masks = *protected_masks(root_);
  for (const char* name : {"repo/config", "repo/worktrees/one/commondir", "repo/worktrees/one/gitdir"}) {
    const auto at = std::ranges::find(masks, root_ + "/" + name, &Mask::path);
    ASSERT_NE(at, masks.end()) << name;
    EXPECT_EQ(at->kind, Mask::Kind::kReadOnly) << name;
  }
  EXPECT_EQ(std::ranges::find(masks, root_ + "/repo/worktrees/one", &Mask::path)->kind, Mask::Kind::kPinned);
}

TEST_F(Workspace, LinkedWorktreeGetsTheFoldersOfItsRepository) {
  for (const char* name : {"repo/.git/objects", "repo/.git/refs", "repo/.git/logs", "repo/.git/worktrees/one", "one"}) {
    fs::create_directories(root_ + "/" + name);
  }
  const std::string own = root_ + "/repo/.git/worktrees/one";
  put("repo/.git/worktrees/one/commondir", "../..\n");
  put("repo/.git/worktrees/one/gitdir", root_ + "/one/.git\n");
  put("one/.git", "gitdir: " + own + "\n");
  SandboxSpec spec{.writable = {root_ + "/one"}};
  EXPECT_EQ(add_git_folders(spec), "");
  EXPECT_THAT(spec.readable, ElementsAre(root_ + "/repo/.git"));
  EXPECT_THAT(spec.writable, ElementsAre(root_ + "/one", own, root_ + "/repo/.git/objects", root_ + "/repo/.git/refs",
                                         root_ + "/repo/.git/logs"));
}

TEST_F(Workspace, GitFileThatItsRepositoryDoesNotKnowOpensNothing) {
  fs::create_directories(root_ + "/victim/.git/worktrees/one");
  put("victim/.git/worktrees/one/commondir", "../..\n");
  put("victim/.git/worktrees/one/gitdir", root_ + "/another/.git\n");
  put("w/.git", "gitdir: " + root_ + "/victim/.git/worktrees/one\n");
  SandboxSpec spec{.writable = {root_ + "/w"}};
  (void)add_git_folders(spec);
  EXPECT_THAT(spec.readable, IsEmpty());
  EXPECT_THAT(spec.writable, ElementsAre(root_ + "/w"));
}

TEST_F(Workspace, RepositoryAboveThatIsSomebodyElsesOpensNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const std::string head = put(".git/HEAD");
  put("sub/file");
  ASSERT_EQ(chown(head.c_str(), 65534, 65534), 0);
  SandboxSpec spec;
  spec.writable = {root_ + "/sub"};
  EXPECT_EQ(add_git_folders(spec), "");
  EXPECT_THAT(spec.readable, IsEmpty());
}

TEST_F(Workspace, RepositoryAboveIsReadable) {
  put("repo/.git/HEAD");
  fs::create_directories(root_ + "/repo/src/deep");
  SandboxSpec spec{.writable = {root_ + "/repo/src/deep"}, .home = root_};
  EXPECT_EQ(add_git_folders(spec), root_ + "/repo");
  EXPECT_THAT(spec.readable, ElementsAre(root_ + "/repo"));
  SandboxSpec of_home{.writable = {root_ + "/repo/src/deep"}, .home = root_ + "/repo"};
  EXPECT_EQ(add_git_folders(of_home), "");
}

TEST_F(Workspace, ToolchainsShowProgramsAndNoData) {
  for (const char* name : {"tools/node/bin", "tools/node/lib", "tools/node/cache", ".cargo/bin", ".rustup",
                           ".local/bin", ".local/lib", ".local/share", "bin"}) {
    fs::create_directories(root_ + "/" + name);
  }
  const std::string path = root_ + "/tools/node/bin:/usr/bin:relative:" + root_ + "/.cargo/bin:" + root_ +
                           "/.local/bin:" + root_ + "/bin:" + root_ + ":/:" + root_ + "/missing/bin";
  EXPECT_THAT(toolchain_folders(path, root_),
              UnorderedElementsAre(root_ + "/tools/node/bin", root_ + "/tools/node/lib", root_ + "/.cargo/bin",
                                   root_ + "/.rustup", root_ + "/.local/bin", root_ + "/.local/lib", root_ + "/bin"));
}

}  // namespace
}  // namespace lathe::sandbox
