#include "lathe/tools/fs/fs_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"
#include "lathe/tools/common/secret_guard.h"

namespace lathe::tools::fs {
namespace {

namespace stdfs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

using Sink = fakes::TextSink;

class FsTest : public testing::Test {
 protected:
  FsTest() {
    std::string pattern = (stdfs::temp_directory_path() / "lathe-fs-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    environment_.cwd = base_ + "/work";
    stdfs::create_directory(environment_.cwd);
  }
  ~FsTest() override { stdfs::remove_all(base_); }

  [[nodiscard]] std::string at(const std::string& path) const { return environment_.cwd + "/" + path; }
  void put(const std::string& path, std::string_view content) { std::ofstream(at(path)) << content; }
  [[nodiscard]] std::string get(const std::string& path) const {
    std::ifstream file(at(path));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  ports::Tool& tool(std::string_view name) {
    for (const auto& tool : tools_) {
      if (tool->spec().name == name) return *tool;
    }
    std::abort();
  }
  base::Result<std::unique_ptr<ports::PreparedCall>> prepare(const std::string& name, base::Json arguments) {
    const protocol::ToolCall call{"c", name, arguments.dump()};
    return loop_.block_on(tool(name).prepare(call, environment_));
  }
  /// What the model is told.
  std::string use(const std::string& name, base::Json arguments) {
    auto call = prepare(name, std::move(arguments));
    if (!call.ok()) return call.error().text();
    Sink out;
    result_ = loop_.block_on((*call)->run(out, {}));
    return result_->ok() ? out.text : result_->error().text();
  }

  std::string base_;
  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 2};
  ports::ToolEnvironment environment_{.cwd = "", .session_id = "s"};
  std::vector<std::unique_ptr<ports::Tool>> tools_ =
      make_fs_tools({.pool = &pool_, .max_read_bytes = 1'000, .max_image_bytes = 100, .max_entries = 3});
  std::optional<base::Result<ports::RunResult>> result_;
};

TEST_F(FsTest, SaysWhichToolsOnlyRead) {
  EXPECT_TRUE(tool("read_file").read_only());
  EXPECT_TRUE(tool("list_dir").read_only());
  EXPECT_FALSE(tool("write_file").read_only());
  EXPECT_FALSE(tool("edit_file").read_only());
}

TEST_F(FsTest, ReadsLinesWithNumbers) {
  put("f", "one\ntwo\r\nthree");
  EXPECT_EQ(use("read_file", {{"path", "f"}}), "     1\tone\n     2\ttwo\n     3\tthree\n");
  EXPECT_EQ(use("read_file", {{"path", "f"}, {"offset", 2}, {"limit", 1}}),
            "     2\ttwo\n[1 of 3 lines; to read on: read_file {\"path\":\"f\",\"offset\":3}]\n");
  EXPECT_EQ(use("read_file", {{"path", "f"}, {"offset", 4}}), "read_file: offset 4 is past the end; f has 3 lines");
  put("empty", "");
  EXPECT_EQ(use("read_file", {{"path", "empty"}}), "(the file is empty)\n");
}

TEST_F(FsTest, CutsALongFileAndTellsTheNextCall) {
  std::string content;
  for (int i = 1; i <= 200; ++i) content += "line " + std::to_string(i) + "\n";
  put("long", content);
  std::string all;
  std::int64_t offset = 1;
  for (int calls = 0; calls < 10 && offset > 0; ++calls) {
    const std::string text = use("read_file", {{"path", "long"}, {"offset", offset}});
    EXPECT_LE(text.size(), 1'000U + 100U);
    const std::size_t more = text.find("\"offset\":");
    offset = more == std::string::npos ? 0 : std::stol(text.substr(more + 9));
    all += text;
  }
  EXPECT_THAT(all, HasSubstr("     1\tline 1\n"));
  EXPECT_THAT(all, HasSubstr("   200\tline 200\n"));
}

TEST_F(FsTest, CutsALongLineAndKeepsUtf8Whole) {
  put("f", std::string(16 * 1024 - 1, 'x') + "\u00E9 end");
  const std::string text = use("read_file", {{"path", "f"}});
  EXPECT_THAT(text, HasSubstr("x [line cut: "));
  put("bad",
      "a\xFF"
      "b\n");
  EXPECT_EQ(use("read_file", {{"path", "bad"}}), "     1\ta\uFFFDb\n");
}

TEST_F(FsTest, GivesImagesAsImages) {
  put("i.dat", "GIF89a....");
  EXPECT_EQ(use("read_file", {{"path", "i.dat"}}), "(image/gif, 10 B)\n");
  const auto& images = (*result_)->images;
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(std::get<protocol::ImagePart>(images[0]).image_url, "data:image/gif;base64,R0lGODlhLi4uLg==");
  put("big.gif", "GIF89a" + std::string(200, 'x'));
  EXPECT_THAT(use("read_file", {{"path", "big.gif"}}), HasSubstr("big.gif is over the limit of 100 bytes"));
}

TEST_F(FsTest, RefusesToReadWhatIsNoText) {
  put("b", std::string_view("\x7F"
                            "ELF\0\0",
                            6));
  EXPECT_THAT(use("read_file", {{"path", "b"}}), StartsWith("b is a binary file (6 B)"));
  stdfs::create_directory(at("dir"));
  EXPECT_EQ(use("read_file", {{"path", "dir"}}), "dir is a folder (use list_dir)");
  mkfifo(at("fifo").c_str(), 0600);
  EXPECT_EQ(use("read_file", {{"path", "fifo"}}), "fifo is a FIFO, not a file");
  EXPECT_THAT(use("read_file", {{"path", "none"}}), StartsWith("none: "));
  EXPECT_THAT(use("read_file", {{"path", std::string(10'000, 'x')}}), HasSubstr("4095 is the limit"));
  EXPECT_THAT(use("read_file", {{"path", std::string("a\0b", 3)}}), HasSubstr("NUL"));
  EXPECT_EQ(use("read_file", {{"path", "f"}, {"offset", -1}}),
            "read_file: offset must be from 1 to 1099511627776, not -1");
}

TEST_F(FsTest, EveryToolRefusesWhatIsNoFileAndPathsThatAreNone) {
  put("f", "a\n");
  mkfifo(at("fifo").c_str(), 0600);
  stdfs::create_symlink("loop", at("loop"));
  const auto calls_about = [](const std::string& path) {
    return std::vector<std::pair<std::string, base::Json>>{
        {"read_file", {{"path", path}}},
        {"view_image", {{"path", path}}},
        {"write_file", {{"path", path}, {"content", "x"}}},
        {"edit_file", {{"path", path}, {"old_text", "a"}, {"new_text", "b"}}},
        {"multi_edit", {{"path", path}, {"edits", {{{"old_text", "a"}, {"new_text", "b"}}}}}},
        {"move_file", {{"from", "f"}, {"to", path}}},
        {"list_dir", {{"path", path}}},
        {"delete_file", {{"path", path}}},
        {"move_file", {{"from", path}, {"to", "moved"}}}};
  };
  const std::vector<std::pair<std::string, const char*>> rows{{"fifo", "fifo is a FIFO, not a file"},
                                                              {"/dev/zero", "/dev/zero is a device, not a file"},
                                                              {"loop", "loop: Too many levels of symbolic links"},
                                                              {std::string(10'000, 'x'), "4095 is the limit"},
                                                              {std::string("a\0b", 3), "holds a NUL byte"},
                                                              {"", "the path is empty"}};
  for (const auto& [path, refusal] : rows) {
    for (const auto& [tool, arguments] : calls_about(path)) {
      const bool by_name = tool == "delete_file" || arguments.contains("from");
      const bool names_link = path == "loop" && by_name && arguments.value("from", "loop") == "loop";
      const bool lists = tool == "list_dir" && (path == "fifo" || path == "/dev/zero");
      EXPECT_THAT(use(tool, arguments), HasSubstr(names_link ? "loop is a link"
                                                  : lists    ? "Not a directory"
                                                             : refusal))
          << tool << " " << path;
    }
  }
  EXPECT_EQ(get("f"), "a\n");
}

TEST_F(FsTest, WritesAndShowsTheDiff) {
  const auto call = prepare("write_file", {{"path", "new/f.txt"}, {"content", "a\n"}});
  ASSERT_TRUE(call.ok()) << call.error().text();
  const ports::Action& action = (*call)->action();
  EXPECT_EQ(action.kind, ports::Action::Kind::kFileChange);
  ASSERT_EQ(action.changes.size(), 1U);
  EXPECT_EQ(action.changes[0].path, "new/f.txt");
  EXPECT_EQ(action.changes[0].kind, protocol::ChangeKind::kAdd);
  EXPECT_FALSE(stdfs::exists(at("new"))) << "preparing changes nothing";
  Sink out;
  const auto result = loop_.block_on((*call)->run(out, {}));
  EXPECT_EQ(out.text, "Created new/f.txt (2 B).\n");
  EXPECT_EQ(get("new/f.txt"), "a\n");
  EXPECT_EQ(result->diff, "--- /dev/null\n+++ b/new/f.txt\n@@ -0,0 +1 @@\n+a\n");
}

TEST_F(FsTest, EditsAndKeepsTheMode) {
  put("f", "a\r\nb\r\n");
  chmod(at("f").c_str(), 0750);
  EXPECT_EQ(use("edit_file", {{"path", "f"}, {"old_text", "a\nb"}, {"new_text", "x\ny"}}), "Changed f (6 B).\n");
  EXPECT_EQ(get("f"), "x\r\ny\r\n");
  struct stat status{};
  stat(at("f").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0750U);
}

TEST_F(FsTest, WhatIsOutsideIsTheGatesToDecideAndThenExactlyThatIsChanged) {
  std::ofstream(base_ + "/precious") << "s";
  stdfs::create_symlink(base_ + "/precious", at("link"));
  stdfs::create_directory(base_ + "/elsewhere");
  const std::string real = stdfs::canonical(base_).string();
  const auto by_link = prepare("write_file", {{"path", "link"}, {"content", "x"}});
  ASSERT_TRUE(by_link.ok()) << by_link.error().text();
  EXPECT_EQ((*by_link)->action().opened, std::vector<std::string>{real + "/precious"});
  const auto swapped = prepare("write_file", {{"path", "../new/f"}, {"content", "x"}});
  ASSERT_TRUE(swapped.ok()) << swapped.error().text();
  EXPECT_EQ((*swapped)->action().opened, std::vector<std::string>{real + "/new/f"});
  EXPECT_FALSE(stdfs::exists(base_ + "/new")) << "nothing is made before the decision";

  // The folder became a link while the question was open.
  stdfs::create_directory_symlink(base_ + "/elsewhere", base_ + "/new");
  Sink out;
  EXPECT_EQ(loop_.block_on((*swapped)->run(out, {})).error().code, base::codes::kPermission);
  EXPECT_TRUE(stdfs::is_empty(base_ + "/elsewhere"));
  stdfs::remove(base_ + "/new");

  EXPECT_TRUE(loop_.block_on((*by_link)->run(out, {})).ok());
  EXPECT_EQ(get("../precious"), "x");
  EXPECT_TRUE(stdfs::is_symlink(at("link")));
  EXPECT_THAT(use("write_file", {{"path", "../new/f"}, {"content", "x"}}), HasSubstr("Created " + base_ + "/new/f"));
  EXPECT_EQ(get("../new/f"), "x");
  EXPECT_EQ(use("move_file", {{"from", "../new/f"}, {"to", "moved"}}), "Moved " + base_ + "/new/f to moved.\n");
  EXPECT_EQ(get("moved"), "x");
}

/// A file that was not read, nothing, a folder, a FIFO: until it is decided about, all of them are the same.
TEST_F(FsTest, WhatLiesOutsideIsNotToldBeforeTheDecision) {
  std::ofstream(base_ + "/file") << "s";
  stdfs::create_directory(base_ + "/folder");
  mkfifo((base_ + "/fifo").c_str(), 0600);
  stdfs::create_symlink(base_ + "/none", at("link"));
  put("mine", "x");
  const std::string above = stdfs::canonical(base_).string();
  for (const std::string path : {"../file", "../none", "../folder", "../fifo", "../file/below", "link"}) {
    for (const auto& [tool, arguments] :
         {std::pair("write_file", base::Json{{"path", path}, {"content", "x"}}),
          std::pair("edit_file", base::Json{{"path", path}, {"old_text", "a"}, {"new_text", "b"}}),
          std::pair("multi_edit", base::Json{{"path", path}, {"edits", {{{"old_text", "a"}, {"new_text", "b"}}}}}),
          std::pair("delete_file", base::Json{{"path", path}}),
          std::pair("move_file", base::Json{{"from", path}, {"to", "new"}}),
          std::pair("move_file", base::Json{{"from", "mine"}, {"to", path}})}) {
      const auto call = prepare(tool, arguments);
      ASSERT_TRUE(call.ok()) << tool << " " << path << ": " << call.error().text();
      const ports::Action& action = (*call)->action();
      EXPECT_EQ(action.kind, ports::Action::Kind::kFileChange);
      const std::string leads = above + "/" + (path == "link" ? "none" : path.substr(3));
      EXPECT_THAT(action.opened, testing::Contains(leads)) << tool << " " << path;
    }
  }
  const auto doomed = prepare("edit_file", {{"path", "../none"}, {"old_text", "a"}, {"new_text", "b"}});
  EXPECT_THAT((*doomed)->action().changes.at(0).diff, HasSubstr("it will fail: ")) << "who decides is told";
  Sink out;
  EXPECT_EQ(loop_.block_on((*doomed)->run(out, {})).error().code, base::codes::kNotFound);
  EXPECT_EQ(prepare("edit_file", {{"path", "../none"}, {"old_text", ""}, {"new_text", "b"}}).error().code,
            base::codes::kInvalid)
      << "what is wrong with the arguments alone is told at once";
}

TEST_F(FsTest, ProtectedNamesAreProtectedInEveryFolder) {
  for (const char* path :
       {"../repository/.git/hooks/pre-commit", "../repository/.git", "../.envrc", "../.vscode/tasks.json"}) {
    EXPECT_THAT(use("write_file", {{"path", path}, {"content", "x"}}), HasSubstr("only a person can")) << path;
  }
  EXPECT_FALSE(stdfs::exists(base_ + "/repository"));
}

/// What no answer could let happen is refused before anybody is asked, by its name alone: it need not be there.
TEST_F(FsTest, OutsideWhatItsNameForbidsIsRefusedWithoutAQuestion) {
  const common::SecretGuard guard(*globs::SecretFiles::create(globs::default_secret_patterns()), "",
                                  {base_ + "/state"});
  tools_ = make_fs_tools({.pool = &pool_, .secrets = &guard});
  put("mine", "x");
  stdfs::create_directory(base_ + "/state");
  std::ofstream(base_ + "/state/journal") << "x";
  for (const char* path : {"../other/.git/hooks/pre-commit", "../.envrc", "../state/journal", "../state/none"}) {
    for (const auto& [tool, arguments] :
         {std::pair("write_file", base::Json{{"path", path}, {"content", "x"}}),
          std::pair("edit_file", base::Json{{"path", path}, {"old_text", "a"}, {"new_text", "b"}}),
          std::pair("delete_file", base::Json{{"path", path}}),
          std::pair("move_file", base::Json{{"from", path}, {"to", "new"}}),
          std::pair("move_file", base::Json{{"from", "mine"}, {"to", path}})}) {
      const auto call = prepare(tool, arguments);
      ASSERT_FALSE(call.ok()) << tool << " " << path;
      EXPECT_EQ(call.error().code, base::codes::kPermission) << call.error().text();
    }
  }
  // Of these something must be there for a refusal, so that a decision comes first.
  for (const char* path : {"../.env", "../venv/lib/x"}) {
    EXPECT_TRUE(prepare("write_file", {{"path", path}, {"content", "x"}}).ok()) << path;
  }
}

TEST_F(FsTest, RefusesALinkThatIsSwappedInAfterTheCheck) {
  put("f", "a\n");
  std::ofstream(base_ + "/secret") << "a\n";
  const auto call = prepare("edit_file", {{"path", "f"}, {"old_text", "a"}, {"new_text", "b"}});
  stdfs::remove(at("f"));
  stdfs::create_symlink(base_ + "/secret", at("f"));
  Sink out;
  const auto result = loop_.block_on((*call)->run(out, {}));
  EXPECT_EQ(result.error().code, base::codes::kPermission);
  std::ifstream secret(base_ + "/secret");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), "a\n");
}

/// The link leads to another file of the same bytes by then, of which nothing was decided.
TEST_F(FsTest, WritesTheFileThatWasDecidedAbout) {
  put("open", "a\n");
  put("kept", "a\n");
  stdfs::create_symlink("open", at("link"));
  for (const auto& [tool, arguments] :
       {std::pair("write_file", base::Json{{"path", "link"}, {"content", "b\n"}}),
        std::pair("edit_file", base::Json{{"path", "link"}, {"old_text", "b"}, {"new_text", "c"}})}) {
    const auto call = prepare(tool, arguments);
    EXPECT_EQ((*call)->action().opened, std::vector<std::string>{at("open")});
    stdfs::remove(at("link"));
    stdfs::create_symlink("kept", at("link"));
    Sink out;
    EXPECT_TRUE(loop_.block_on((*call)->run(out, {})).ok()) << tool;
    stdfs::remove(at("link"));
    stdfs::create_symlink("open", at("link"));
  }
  EXPECT_EQ(get("open"), "c\n");
  EXPECT_EQ(get("kept"), "a\n");
}

TEST_F(FsTest, AWriteThroughALinkToNothingIsDecidedAboutByWhatItWouldMake) {
  stdfs::create_directory(at("private"));
  stdfs::create_symlink("private/new", at("innocent"));
  const auto call = prepare("write_file", {{"path", "innocent"}, {"content", "x"}});
  EXPECT_EQ((*call)->action().opened, std::vector<std::string>{at("private/new")});
}

TEST_F(FsTest, DoesNotOverwriteAChangeMadeMeanwhile) {
  put("f", "a\n");
  const auto call = prepare("write_file", {{"path", "f"}, {"content", "mine"}});
  put("f", "theirs");
  Sink out;
  const auto result = loop_.block_on((*call)->run(out, {}));
  EXPECT_THAT(result.error().message, HasSubstr("changed by someone else"));
  EXPECT_EQ(get("f"), "theirs");
}

TEST_F(FsTest, SecretFoldersAreNeitherListedNorDescribed) {
  stdfs::create_directory(base_ + "/state");
  std::ofstream(base_ + "/state/journal") << "x";
  const common::SecretGuard guard(*globs::SecretFiles::create({}), "", {base_ + "/state"});
  tools_ = make_fs_tools({.pool = &pool_, .secrets = &guard});
  EXPECT_THAT(use("list_dir", {{"path", "../state"}}), HasSubstr("holds secrets"));
  EXPECT_THAT(use("stat", {{"path", "../state/journal"}}), HasSubstr("holds secrets"));
  EXPECT_THAT(use("stat", {{"path", "."}}), HasSubstr("folder"));
  stdfs::create_directory_symlink("../state", at("link"));
  EXPECT_THAT(use("list_dir", {{"path", "link"}}), HasSubstr("holds secrets"));
  EXPECT_THAT(use("stat", {{"path", "link"}}), HasSubstr("target: ../state"));
}

TEST_F(FsTest, ListsSortedAndBounded) {
  EXPECT_EQ(use("list_dir", {{"path", "."}}), "(the folder is empty)\n");
  put("b", "12345");
  stdfs::create_directory(at("a"));
  stdfs::create_symlink("b", at("c"));
  EXPECT_EQ(use("list_dir", base::Json::object()), "a/\nb (5 B)\nc -> b\n");
  put("d", "");
  EXPECT_EQ(use("list_dir", base::Json::object()), "a/\nb (5 B)\nc -> b\n[3 of 4 entries; narrow it down with glob]\n");
  EXPECT_THAT(use("list_dir", {{"path", "b"}}), HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace lathe::tools::fs
