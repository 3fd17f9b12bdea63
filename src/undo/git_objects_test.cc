#include "lathe/undo/git_objects.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lathe/crypto/git_blob_id.h"
#include "lathe/runtime/files.h"
#include "lathe/undo/git_for_test.h"

namespace lathe::undo {
namespace {

namespace stdfs = std::filesystem;

/// A repository made by git itself.
class GitObjectsTest : public testing::Test {
 protected:
  GitObjectsTest() {
    std::string pattern = (stdfs::temp_directory_path() / "lathe-git-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    stdfs::create_directories(base_ + "/r/deep/er");
    put("a.txt", "one\n");
    put("deep/er/b.txt", "two\r\n");
    put("deep/c", std::string("\0\xFF", 2));
    stdfs::create_symlink("a.txt", base_ + "/r/link");
    git("init -q");
    git("add .");
  }
  ~GitObjectsTest() override { stdfs::remove_all(base_); }

  void put(const std::string& path, std::string_view bytes) { std::ofstream(base_ + "/r/" + path) << bytes; }
  void git(const std::string& words) {
    const std::string line = "cd '" + base_ + "/r' && HOME='" + base_ +
                             "' GIT_CONFIG_NOSYSTEM=1 git -c user.name=t -c user.email=t@e " + words + " >/dev/null";
    ASSERT_EQ(std::system(line.c_str()), 0) << line;  // NOLINT(*): words of this test
  }
  IndexedObjects index() {
    const auto bytes = runtime::read_file(base_ + "/r/.git/index");
    return *parse_git_index(*bytes);
  }

  std::string base_;
};

TEST_F(GitObjectsTest, ReadsTheIndexOfEveryVersion) {
  for (const char* version : {"2", "3", "4"}) {
    git(std::string("update-index --index-version ") + version + " --force-write-index");
    const IndexedObjects objects = index();
    EXPECT_EQ(objects.size(), 4U) << version;
    EXPECT_EQ(objects.at("a.txt"), crypto::git_blob_id("one\n"));
    EXPECT_EQ(objects.at("deep/er/b.txt"), crypto::git_blob_id("two\r\n"));
    EXPECT_EQ(objects.at("link"), crypto::git_blob_id("a.txt"));
  }
}

TEST_F(GitObjectsTest, ACutIndexIsAnErrorAndNothingElse) {
  const std::string bytes = *runtime::read_file(base_ + "/r/.git/index");
  for (std::size_t size = 0; size < 300 && size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_git_index(bytes.substr(0, size)).ok()) << size;
  }
}

TEST_F(GitObjectsTest, ObjectsAreReadWithoutAnythingElseOfTheRepository) {
  put("../include", "[core]\n\talternateRefsCommand = touch " + base_ + "/ran\n");
  put(".git/config", "[include]\n\tpath = " + base_ + "/include\n[alias]\n\tcat-file = !touch " + base_ +
                         "/ran\n[diff]\n\texternal = touch " + base_ + "/ran\n[core]\n\tfsmonitor = touch " + base_ +
                         "/ran\n[broken");
  runtime::Loop loop;
  const auto repository = Repository::find(base_ + "/r/deep");
  ASSERT_TRUE(repository);
  EXPECT_EQ(repository->root, base_ + "/r");
  const std::string name = crypto::git_blob_id("two\r\n");
  const auto objects = loop.block_on(read_git_objects(unjailed_git(loop), base_ + "/private",
                                                      repository->objects_folder, {name, std::string(40, '0')}, 1'000));
  ASSERT_TRUE(objects.ok()) << objects.error().text();
  EXPECT_EQ(*objects, (std::map<std::string, std::string>{{name, "two\r\n"}}));
  EXPECT_FALSE(stdfs::exists(base_ + "/ran"));
}

TEST_F(GitObjectsTest, AnObjectThatIsDamagedTakesNoOtherWithIt) {
  std::vector<std::string> names;
  std::map<std::string, std::string> expected;
  for (int file = 0; file < 4; ++file) {
    std::string bytes;
    for (int line = 0; line < 1'000; ++line) bytes += std::to_string(line * (7 + file) * 7919 % 10'007) + "\n";
    put("long" + std::to_string(file), bytes);
    names.push_back(crypto::git_blob_id(bytes));
    expected[names.back()] = bytes;
  }
  git("add .");
  git("commit -qm one");
  git("repack -qad --depth=0 --window=0");
  git("verify-pack -v .git/objects/pack/*.idx | tee ../packed");
  std::string pack;
  for (const auto& entry : stdfs::directory_iterator(base_ + "/r/.git/objects/pack")) {
    if (entry.path().extension() == ".pack") pack = entry.path().string();
  }
  stdfs::permissions(pack, stdfs::perms(0600));
  std::ifstream listed(base_ + "/packed");
  // In place, as what has a second name of ours would be.
  for (std::string line; std::getline(listed, line);) {
    std::istringstream words(line);
    std::string name;
    std::string type;
    std::int64_t size = 0;
    std::int64_t packed = 0;
    std::int64_t offset = 0;
    words >> name >> type >> size >> packed >> offset;
    if (name != names[1] && name != names[3]) continue;
    std::fstream(pack, std::ios::in | std::ios::out | std::ios::binary).seekp(offset + packed / 2) << "XXXXXXXX";
    expected.erase(name);
  }
  ASSERT_EQ(expected.size(), 2U);
  runtime::Loop loop;
  const auto objects = loop.block_on(
      read_git_objects(unjailed_git(loop), base_ + "/private", base_ + "/r/.git/objects", names, 100'000));
  ASSERT_TRUE(objects.ok()) << objects.error().text();
  EXPECT_EQ(*objects, expected);
}

TEST_F(GitObjectsTest, AGitThatCannotRunIsAnError) {
  runtime::Loop loop;
  stdfs::create_directories(base_ + "/private");
  std::ofstream(base_ + "/private/HEAD") << "this is no repository\n";
  const auto objects = loop.block_on(
      read_git_objects(unjailed_git(loop), base_ + "/private", "", {crypto::git_blob_id("one\n")}, 1'000));
  EXPECT_NE(objects.error().message.find("git ended with 128"), std::string::npos) << objects.error().text();
}

}  // namespace
}  // namespace lathe::undo
