#include "lathe/tools/common/links.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "lathe/runtime/loop.h"

namespace lathe::tools::common {
namespace {

namespace fs = std::filesystem;

class LinksTest : public testing::Test {
 protected:
  LinksTest() {
    std::string pattern = (fs::temp_directory_path() / "lathe-links-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    fs::create_directories(base_ + "/tree/folder");
    fs::create_directories(base_ + "/other");
    std::ofstream(base_ + "/tree/folder/file") << "inside";
    std::ofstream(base_ + "/other/file") << "outside";
    fs::create_symlink("folder/file", base_ + "/tree/to-file");
    fs::create_directory_symlink(base_ + "/other", base_ + "/tree/to-other");
    fs::create_directory_symlink(base_ + "/tree", base_ + "/alias");
  }
  ~LinksTest() override { fs::remove_all(base_); }

  [[nodiscard]] Place place(const std::string& path, LastName last = LastName::kFollowed) const {
    return with_links_resolved(*place_of(base_ + "/tree", path), last);
  }
  [[nodiscard]] std::string led(const std::string& path, LastName last = LastName::kFollowed) const {
    return gate_path(place(path, last), base_ + "/tree");
  }
  std::string base_;
};

TEST_F(LinksTest, TheGateIsToldWhereAPathLeads) {
  EXPECT_EQ(led("to-file"), base_ + "/tree/folder/file");
  EXPECT_EQ(led("to-file", LastName::kItself), base_ + "/tree/to-file");
  EXPECT_EQ(led("to-other/file"), base_ + "/other/file");
  EXPECT_EQ(led("to-other/not/there"), base_ + "/other/not/there");
  EXPECT_EQ(led("."), base_ + "/tree");
  EXPECT_EQ(led("/"), "/");
  EXPECT_EQ(led("/", LastName::kItself), "/");
  EXPECT_EQ(led("/etc", LastName::kItself), "/etc");
}

TEST_F(LinksTest, ALinkToWhatIsNotThereLeadsThereAllTheSame) {
  fs::create_symlink("folder/none", base_ + "/tree/to-none");
  fs::create_symlink("to-none", base_ + "/tree/chain");
  fs::create_symlink(base_ + "/other/none", base_ + "/tree/out");
  fs::create_symlink("circle", base_ + "/tree/circle");
  EXPECT_EQ(led("to-none"), base_ + "/tree/folder/none");
  EXPECT_EQ(led("chain"), base_ + "/tree/folder/none");
  EXPECT_EQ(led("chain/deeper"), base_ + "/tree/folder/none/deeper");
  EXPECT_EQ(led("out"), base_ + "/other/none");
  EXPECT_EQ(led("circle"), base_ + "/tree/circle");
  EXPECT_FALSE(read_whole(place("circle")).ok());
}

TEST_F(LinksTest, WhatIsChangedIsWhatTheGateWasTold) {
  const auto workspace = Workspace::open(base_ + "/tree");
  const auto text = [](const std::string& path) { return read_whole(*place_of("/", path)).value_or(""); };
  std::ofstream(base_ + "/tree/second") << "second";
  const Place file = place("to-file");
  fs::remove(base_ + "/tree/to-file");
  fs::create_symlink("second", base_ + "/tree/to-file");
  ASSERT_TRUE(workspace->write(file, "written").ok());
  EXPECT_EQ(text(base_ + "/tree/folder/file"), "written");
  EXPECT_EQ(text(base_ + "/tree/second"), "second");
  // The file itself, and then its folder, becomes a link to another place of the workspace: nothing is changed.
  fs::rename(base_ + "/tree/folder/file", base_ + "/tree/folder/moved");
  fs::create_symlink("moved", base_ + "/tree/folder/file");
  EXPECT_EQ(workspace->write(file, "no").error().code, base::codes::kPermission);
  EXPECT_EQ(workspace->check_writable(file).error().code, base::codes::kPermission);
  fs::remove(base_ + "/tree/folder/file");
  fs::rename(base_ + "/tree/folder/moved", base_ + "/tree/folder/file");
  fs::rename(base_ + "/tree/folder", base_ + "/tree/elsewhere");
  fs::create_directory_symlink("elsewhere", base_ + "/tree/folder");
  EXPECT_EQ(workspace->write(file, "no").error().code, base::codes::kPermission);
  EXPECT_EQ(workspace->remove(file).error().code, base::codes::kPermission);
  EXPECT_EQ(workspace->move(place("second"), file).error().code, base::codes::kPermission);
  EXPECT_EQ(text(base_ + "/tree/elsewhere/file"), "written");
}

TEST_F(LinksTest, AWorkingFolderThatIsReachedByALinkIsStillIt) {
  const std::string cwd = base_ + "/alias";
  EXPECT_EQ(gate_path(with_links_resolved(*place_of(cwd, "folder/file")), cwd), cwd + "/folder/file");
  EXPECT_EQ(gate_path(with_links_resolved(*place_of(cwd, ".")), cwd), cwd);
}

TEST_F(LinksTest, WhatIsOpenedIsWhatTheGateWasTold) {
  const Place file = place("to-file");
  EXPECT_EQ(read_whole(file).value_or(""), "inside");
  // The link leads elsewhere by now: what was decided about is opened.
  fs::remove(base_ + "/tree/to-file");
  fs::create_symlink(base_ + "/other/file", base_ + "/tree/to-file");
  EXPECT_EQ(read_whole(file).value_or(""), "inside");
  // A folder on the way becomes a link: nothing is.
  fs::remove_all(base_ + "/tree/folder");
  fs::create_directory_symlink(base_ + "/other", base_ + "/tree/folder");
  const auto swapped = read_whole(file);
  ASSERT_FALSE(swapped.ok());
  EXPECT_EQ(swapped.error().code, base::codes::kPermission);
}

TEST_F(LinksTest, WhatWouldMakeAReaderWaitDoesNot) {
  const std::string fifo = base_ + "/tree/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(read_whole(place("fifo")).ok());
  EXPECT_TRUE(open_place(place("fifo"), O_RDONLY).ok()) << "opened without a writer";
  // Regular by its looks, and waits for the kernel's next message. Unreadable is as good as not waiting.
  (void)read_whole(place("/proc/kmsg"));
}

TEST_F(LinksTest, AReadingTellsTheGate) {
  runtime::Loop loop;
  runtime::Pool pool(loop, "fs", 1);
  const auto reading = loop.block_on(
      reading_of(&pool, {.call_id = "c", .tool = "t"}, *place_of(base_ + "/tree", "to-other"), base_ + "/tree"));
  EXPECT_EQ(reading.action.opened, std::vector<std::string>{base_ + "/other"});
  EXPECT_EQ(reading.place.real, base_ + "/other");
}

}  // namespace
}  // namespace lathe::tools::common
