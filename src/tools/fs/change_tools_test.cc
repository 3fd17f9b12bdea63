#include "lathe/tools/fs/change_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"
#include "lathe/tools/fs/fs_tools.h"

namespace lathe::tools::fs {
namespace {

namespace stdfs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

using Sink = fakes::TextSink;

/// Remembers what it was told; refuses when asked to.
class NotedHistory final : public ports::WorkspaceHistory, ports::ReadSet {
 public:
  std::vector<std::string> writes;
  std::optional<base::Error> refuse;

  void mark(std::int64_t) override {}
  void jobs_live(bool) override {}
  base::Result<void> will_write(const std::vector<ports::FileWrite>& all) override {
    if (refuse) return *refuse;
    for (const auto& write : all) {
      writes.push_back(stdfs::path(write.path).filename().string() + ": " + std::string(write.before.value_or("-")) +
                       " -> " + std::string(write.after.value_or("-")));
    }
    return {};
  }
  runtime::Async<base::Result<ports::SnapshotSummary>> before_command() override { co_return ports::SnapshotSummary{}; }
  runtime::Async<base::Result<void>> after_command() override { co_return base::Result<void>(); }
  runtime::Async<base::Result<ports::RestoreReport>> restore(std::int64_t, ports::RestoreMode) override {
    co_return ports::RestoreReport{};
  }
  ports::ReadSet& reads() override { return *this; }
  void saw(const std::string& path, const base::Sha256Hex& content) override { seen_[path] = content; }
  std::optional<base::Sha256Hex> last_seen(const std::string& path) const override {
    const auto found = seen_.find(path);
    return found == seen_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, base::Sha256Hex> seen_;
};

class ChangeToolsTest : public testing::Test {
 protected:
  ChangeToolsTest() {
    std::string pattern = (stdfs::temp_directory_path() / "lathe-change-XXXXXX").string();
    environment_.cwd = mkdtemp(pattern.data());
    environment_.history = &history_;
  }
  ~ChangeToolsTest() override { stdfs::remove_all(environment_.cwd); }

  [[nodiscard]] std::string at(const std::string& path) const { return environment_.cwd + "/" + path; }
  void put(const std::string& path, std::string_view content) { std::ofstream(at(path)) << content; }
  [[nodiscard]] std::string get(const std::string& path) const {
    std::ifstream file(at(path));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// What the model is told.
  std::string use(const std::string& name, base::Json arguments) {
    for (const auto& tool : tools_) {
      if (tool->spec().name != name) continue;
      auto call = loop_.block_on(tool->prepare({"c", name, arguments.dump()}, environment_));
      if (!call.ok()) return call.error().text();
      Sink out;
      const auto result = loop_.block_on((*call)->run(out, {}));
      return result.ok() ? out.text : result.error().text();
    }
    return "no such tool";
  }
  void read(const std::string& path) { use("read_file", {{"path", path}}); }

  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 2};
  NotedHistory history_;
  const common::SecretGuard secrets_{
      *globs::SecretFiles::create(globs::default_secret_patterns()), "", {"/lathe-secrets"}};
  ports::ToolEnvironment environment_{.cwd = "", .session_id = "s"};
  std::vector<std::unique_ptr<ports::Tool>> tools_ = make_fs_tools({.pool = &pool_, .secrets = &secrets_});
};

TEST_F(ChangeToolsTest, WhatWasNotReadIsNotChanged) {
  put("f", "one\n");
  EXPECT_EQ(use("write_file", {{"path", "f"}, {"content", "x"}}),
            R"(write_file: f has not been read in this session (read it first: read_file {"path":"f"}))");
  EXPECT_THAT(use("edit_file", {{"path", "f"}, {"old_text", "one"}, {"new_text", "x"}}),
              HasSubstr("has not been read"));
  EXPECT_THAT(use("delete_file", {{"path", "f"}}), HasSubstr("has not been read"));
  read("f");
  put("f", "two\n");
  EXPECT_THAT(use("edit_file", {{"path", "f"}, {"old_text", "two"}, {"new_text", "x"}}),
              HasSubstr("was changed on disk since you read it"));
  read("f");
  EXPECT_EQ(use("edit_file", {{"path", "f"}, {"old_text", "two"}, {"new_text", "x"}}), "Changed f (2 B).\n");
  EXPECT_EQ(use("write_file", {{"path", "f"}, {"content", "y"}}), "Changed f (1 B).\n") << "it wrote that itself";
  EXPECT_EQ(use("write_file", {{"path", "new"}, {"content", "z"}}), "Created new (1 B).\n");
  EXPECT_THAT(history_.writes, ElementsAre("f: two\n -> x\n", "f: x\n -> y", "new: - -> z"));
}

TEST_F(ChangeToolsTest, NothingIsWrittenWhenItsHistoryCannotBeKept) {
  history_.refuse = base::Error{.code = base::codes::kNoSpace, .message = "the disk is full"};
  EXPECT_THAT(use("write_file", {{"path", "new"}, {"content", "z"}}), HasSubstr("the disk is full"));
  EXPECT_FALSE(stdfs::exists(at("new")));
}

TEST_F(ChangeToolsTest, SeveralEditsAreOneStep) {
  put("f", "a b c\n");
  read("f");
  const auto edits = [](std::string second) {
    return base::Json{{"path", "f"},
                      {"edits",
                       {{{"old_text", "a"}, {"new_text", "b"}},
                        {{"old_text", std::move(second)}, {"new_text", "x"}, {"replace_all", true}}}}};
  };
  EXPECT_EQ(use("multi_edit", edits("none")),
            "multi_edit: edits[1]: old_text is not in f (read the file again and copy "
            "the text from it)");
  EXPECT_EQ(get("f"), "a b c\n");
  EXPECT_EQ(use("multi_edit", edits("b")), "Changed f (6 B).\n");
  EXPECT_EQ(get("f"), "x x c\n");
  EXPECT_THAT(use("multi_edit", {{"path", "f"}, {"edits", {{{"old_text", 1}, {"new_text", ""}}}}}),
              HasSubstr("edits[0].old_text must be a string"));
  EXPECT_THAT(use("multi_edit", {{"path", "f"}, {"edits", base::Json::array()}}), HasSubstr("edits is empty"));
}

TEST_F(ChangeToolsTest, DeletesAndMovesFilesOnly) {
  put("f", "one");
  chmod(at("f").c_str(), 0754);
  EXPECT_EQ(use("move_file", {{"from", "f"}, {"to", "deep/g"}}), "Moved f to deep/g.\n");
  struct stat status{};
  ASSERT_EQ(stat(at("deep/g").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0754U);
  EXPECT_THAT(history_.writes, ElementsAre("f: one -> -", "g: - -> one"));
  put("f", "two");
  EXPECT_THAT(use("move_file", {{"from", "f"}, {"to", "deep/g"}}), HasSubstr("deep/g exists already"));
  EXPECT_EQ(get("deep/g"), "one");
  EXPECT_EQ(use("delete_file", {{"path", "deep/g"}}), "Deleted deep/g.\n") << "moving it told what is in it";
  EXPECT_THAT(use("delete_file", {{"path", "deep"}}), HasSubstr("is a folder"));
  EXPECT_THAT(use("delete_file", {{"path", "/lathe-test/x"}}), HasSubstr("/lathe-test/x: no such file"));
  EXPECT_THAT(use("delete_file", {{"path", "fi"}}), HasSubstr("fi"));
  stdfs::create_symlink("f", at("link"));
  EXPECT_THAT(use("delete_file", {{"path", "link"}}), HasSubstr("link is a link"));
}

TEST_F(ChangeToolsTest, SecretsAreNeitherReadNorReplaced) {
  put(".env", "KEY=1");
  for (const char* tool : {"read_file", "delete_file", "view_image"}) {
    EXPECT_THAT(use(tool, {{"path", ".env"}}), HasSubstr("holds secrets")) << tool;
  }
  EXPECT_THAT(use("write_file", {{"path", ".env"}, {"content", ""}}), HasSubstr("holds secrets"));
  EXPECT_THAT(use("move_file", {{"from", ".env"}, {"to", "open"}}), HasSubstr("holds secrets"));
  put("f", "one");
  for (const char* place : {"/proc/self/none", "/lathe-secrets/none"}) {
    EXPECT_THAT(use("write_file", {{"path", place}, {"content", ""}}), HasSubstr("holds secrets")) << place;
    EXPECT_THAT(use("move_file", {{"from", "f"}, {"to", place}}), HasSubstr("holds secrets")) << place;
  }
  EXPECT_EQ(get(".env"), "KEY=1");
}

TEST_F(ChangeToolsTest, SaysWhatAPathIs) {
  put("f", "12345");
  chmod(at("f").c_str(), 0640);
  EXPECT_THAT(use("stat", {{"path", "f"}}), HasSubstr("f: file\nbytes: 5\npermissions: 0640\nlast change: 2"));
  stdfs::create_symlink("f", at("link"));
  EXPECT_THAT(use("stat", {{"path", "link"}}), HasSubstr("link: link\ntarget: f\n"));
  EXPECT_THAT(use("stat", {{"path", "none"}}), HasSubstr("none: "));
  put("i", "GIF89a...");
  EXPECT_EQ(use("view_image", {{"path", "i"}}), "(image/gif, 9 B)\n");
  EXPECT_THAT(use("view_image", {{"path", "f"}}), HasSubstr("is no png, jpeg, gif or webp image"));
}

}  // namespace
}  // namespace lathe::tools::fs
