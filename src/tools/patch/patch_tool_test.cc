#include "lathe/tools/patch/patch_tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"
#include "lathe/tools/common/seen_files.h"
#include "lathe/tools/patch/patch_writer.h"

namespace lathe::tools::patch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Tree = std::map<std::string, std::string>;

using Sink = fakes::TextSink;

/// A folder with files, and the tool.
class PatchTest : public testing::Test {
 protected:
  PatchTest() {
    std::string pattern = (fs::temp_directory_path() / "lathe-patch-XXXXXX").string();
    environment_.cwd = mkdtemp(pattern.data());
  }
  ~PatchTest() override { fs::remove_all(environment_.cwd); }

  void put(const Tree& tree) {
    for (const auto& [path, content] : tree) {
      fs::create_directories(fs::path(at(path)).parent_path());
      std::ofstream(at(path)) << content;
    }
  }
  [[nodiscard]] Tree tree() const {
    Tree tree;
    for (const auto& entry : fs::recursive_directory_iterator(environment_.cwd)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path());
      tree[entry.path().lexically_relative(environment_.cwd)] = {std::istreambuf_iterator<char>(file), {}};
    }
    return tree;
  }
  [[nodiscard]] std::string at(const std::string& path) const { return environment_.cwd + "/" + path; }

  base::Result<std::unique_ptr<ports::PreparedCall>> prepare(std::string patch) {
    const protocol::ToolCall call{"c", "apply_patch", base::dump_json({{"input", std::move(patch)}})};
    return loop_.block_on(tool_->prepare(call, environment_));
  }
  base::Result<ports::RunResult> apply(std::string patch) {
    auto call = prepare(std::move(patch));
    if (!call.ok()) return std::move(call).error();
    out_.text.clear();
    return loop_.block_on((*call)->run(out_, {}));
  }

  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 1};
  ports::ToolEnvironment environment_{.cwd = "", .session_id = "s"};
  std::unique_ptr<ports::Tool> tool_ = std::move(make_patch_tools({.pool = &pool_})[0]);
  Sink out_;
};

/// The behaviours that other implementations of this format agree on, case by case: what is there, the patch, what is
/// there afterwards. A case without a result is refused and changes nothing.
struct Case {
  const char* name;
  Tree before;
  std::string body;
  std::optional<Tree> after;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> value = {
      {"add a file", {}, "*** Add File: bar.md\n+one line\n", Tree{{"bar.md", "one line\n"}}},
      {"several kinds at once",
       {{"change.txt", "one\ntwo\n"}, {"old.txt", "x\n"}},
       "*** Add File: sub/new.txt\n+made\n*** Delete File: old.txt\n*** Update File: change.txt\n@@\n-two\n+2\n",
       Tree{{"change.txt", "one\n2\n"}, {"sub/new.txt", "made\n"}}},
      {"several chunks",
       {{"m.txt", "l1\nl2\nl3\nl4\n"}},
       "*** Update File: m.txt\n@@\n-l2\n+two\n@@\n-l4\n+four\n",
       Tree{{"m.txt", "l1\ntwo\nl3\nfour\n"}}},
      {"move into a new folder",
       {{"old/n.txt", "a\n"}, {"old/o.txt", "stays\n"}},
       "*** Update File: old/n.txt\n*** Move to: new/dir/n.txt\n@@\n-a\n+b\n",
       Tree{{"new/dir/n.txt", "b\n"}, {"old/o.txt", "stays\n"}}},
      {"nothing to do", {{"f", "x\n"}}, "", std::nullopt},
      {"context that is missing", {{"m.txt", "l1\n"}}, "*** Update File: m.txt\n@@\n-gone\n+x\n", std::nullopt},
      {"deletion of what is not there", {{"f", "x\n"}}, "*** Delete File: none.txt\n", std::nullopt},
      {"an empty update", {{"f", "x\n"}}, "*** Update File: f\n", std::nullopt},
      {"update of what is not there", {{"f", "x\n"}}, "*** Update File: none\n@@\n-a\n+b\n", std::nullopt},
      {"move over an existing file",
       {{"a", "from\n"}, {"b", "over\n"}},
       "*** Update File: a\n*** Move to: b\n@@\n-from\n+new\n",
       Tree{{"b", "new\n"}}},
      {"add over an existing file", {{"d", "old\n"}}, "*** Add File: d\n+new\n", Tree{{"d", "new\n"}}},
      {"deletion of a folder", {{"dir/f", "x\n"}}, "*** Delete File: dir\n", std::nullopt},
      {"an unknown header", {{"f", "x\n"}}, "*** Frobnicate File: f\n", std::nullopt},
      {"a last line without end gets one",
       {{"n", "no end"}},
       "*** Update File: n\n@@\n-no end\n+first\n+second\n",
       Tree{{"n", "first\nsecond\n"}}},
      {"a failure after a success leaves nothing behind",
       {{"f", "x\n"}},
       "*** Add File: created\n+hello\n*** Update File: missing\n@@\n-a\n+b\n",
       std::nullopt},
      {"a file makes way for a folder of its name",
       {{"a", "x\n"}},
       "*** Delete File: a\n*** Add File: a/b\n+y\n",
       Tree{{"a/b", "y\n"}}},
      {"the same in the other order",
       {{"a", "x\n"}},
       "*** Add File: a/b\n+y\n*** Delete File: a\n",
       Tree{{"a/b", "y\n"}}},
      {"only added lines", {{"i", "1\n2\n"}}, "*** Update File: i\n@@\n+3\n+4\n", Tree{{"i", "1\n2\n3\n4\n"}}},
      {"blanks around a header", {{"f", "old\n"}}, "  *** Update File: f\n@@\n-old\n+new\n", Tree{{"f", "new\n"}}},
      {"text beyond ASCII",
       {{"f", "caf\u00E9\n\u65E5\u672C\n"}},
       "*** Update File: f\n@@\n caf\u00E9\n-\u65E5\u672C\n+\u8A9E\n",
       Tree{{"f", "caf\u00E9\n\u8A9E\n"}}},
      {"deletion", {{"f", "x\n"}, {"g", "y\n"}}, "*** Delete File: f\n", Tree{{"g", "y\n"}}},
      {"lines only removed", {{"l", "1\n2\n3\n"}}, "*** Update File: l\n@@\n 1\n-2\n 3\n", Tree{{"l", "1\n3\n"}}},
      {"end of file marker",
       {{"t", "a\nb\n"}},
       "*** Update File: t\n@@\n a\n-b\n+c\n*** End of File\n",
       Tree{{"t", "a\nc\n"}}},
  };
  return value;
}

TEST_F(PatchTest, BehavesAsTheFormatDoes) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.name);
    for (const auto& entry : fs::directory_iterator(environment_.cwd)) fs::remove_all(entry.path());
    put(one.before);
    const auto result = apply("*** Begin Patch\n" + one.body + "*** End Patch");
    EXPECT_EQ(result.ok(), one.after.has_value()) << (result.ok() ? "" : result.error().text());
    EXPECT_EQ(tree(), one.after.value_or(one.before));
  }
}

TEST_F(PatchTest, CarriesOutWhatFitsWhenThatIsWanted) {
  tool_ = std::move(make_patch_tools({.pool = &pool_, .extent = Extent::kWhatFits})[0]);
  EXPECT_THAT(tool_->spec().description, testing::Not(HasSubstr("or nothing")));
  put({{"f", "x\n"}});
  const auto result = apply(
      "*** Begin Patch\n*** Add File: created\n+hello\n*** Update File: missing\n@@\n-a\n+b\n"
      "*** Delete File: f\n*** End Patch");
  ASSERT_TRUE(result.ok()) << result.error().text();
  EXPECT_EQ(result->status, protocol::CallStatus::kFailed);
  EXPECT_THAT(out_.text, HasSubstr("A created\n"));
  EXPECT_THAT(out_.text, HasSubstr("missing: there is no such file"));
  EXPECT_EQ(tree(), (Tree{{"created", "hello\n"}, {"f", "x\n"}}));
  EXPECT_FALSE(apply("*** Begin Patch\n*** Delete File: none\n*** Add File: b\n+x\n*** End Patch").ok());
  EXPECT_EQ(tree().size(), 2U);
}

TEST_F(PatchTest, TakesBlanksAroundTheMarkers) {
  put({{"f", "one\n"}});
  EXPECT_TRUE(apply(" *** Begin Patch\n*** Update File: f\n@@\n-one\n+two\n*** End Patch ").ok());
  EXPECT_TRUE(apply("*** Begin Patch  \n*** Update File: f\n@@\n-two\n+three\n  *** End Patch\n").ok());
  EXPECT_EQ(tree(), (Tree{{"f", "three\n"}}));
}

TEST_F(PatchTest, TellsWhatItDoesAndDid) {
  put({{"src/a", "1\n"}});
  const std::string patch = "*** Begin Patch\n*** Update File: ./src/a\n@@\n-1\n+2\n*** Add File: b\n+x\n*** End Patch";
  const auto call = prepare(patch);
  ASSERT_TRUE(call.ok());
  EXPECT_EQ((*call)->title(), "patch 2 files");
  const auto& changes = (*call)->action().changes;
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].path, "src/a");
  EXPECT_TRUE(changes[0].diff.ends_with("\n--- a/src/a\n+++ b/src/a\n@@ -1 +1 @@\n-1\n+2\n")) << changes[0].diff;
  EXPECT_EQ(changes[1].kind, protocol::ChangeKind::kAdd);
  EXPECT_EQ(tree(), (Tree{{"src/a", "1\n"}})) << "preparing changes nothing";
  const auto result = loop_.block_on((*call)->run(out_, {}));
  EXPECT_EQ(out_.text, "Done. Files:\nM src/a\nA b\n");
  const auto shown = [](const std::string& diff) { return diff.substr(diff.find('\n') + 1); };
  EXPECT_EQ(result->diff, shown(changes[0].diff) + shown(changes[1].diff));
}

TEST_F(PatchTest, TellsTheGateWhatLiesOutside) {
  fs::create_symlink("/lathe-test", at("link"));
  const std::string above = fs::canonical(environment_.cwd).parent_path().string();
  const std::vector<std::pair<std::string, std::string>> rows{
      {"../lathe-out", above + "/lathe-out"}, {"/lathe-test/x", "/lathe-test/x"}, {"link/out", "/lathe-test/out"}};
  for (const auto& [path, leads] : rows) {
    const auto call = prepare("*** Begin Patch\n*** Add File: " + path + "\n+x\n*** End Patch");
    ASSERT_TRUE(call.ok()) << call.error().text();
    EXPECT_EQ((*call)->action().opened, std::vector<std::string>{leads});
  }
}

TEST_F(PatchTest, RefusesAFileThatChangedMeanwhile) {
  put({{"a", "1\n"}, {"b", "1\n"}});
  const auto call =
      prepare("*** Begin Patch\n*** Update File: a\n@@\n-1\n+2\n*** Update File: b\n@@\n-1\n+2\n*** End Patch");
  put({{"b", "other\n"}});
  const auto result = loop_.block_on((*call)->run(out_, {}));
  EXPECT_THAT(result.error().message, HasSubstr("b was changed by someone else"));
  EXPECT_EQ(tree(), (Tree{{"a", "1\n"}, {"b", "other\n"}}));
}

/// A link may be pointed elsewhere between the decision and the writing; the other file has the same bytes here.
TEST_F(PatchTest, WritesTheFileThatWasDecidedAbout) {
  put({{"open/f", "1\n"}, {"kept/f", "1\n"}});
  fs::create_symlink("open/f", at("link"));
  const std::string patch = "*** Begin Patch\n*** Update File: link\n@@\n-1\n+2\n*** End Patch";
  auto call = prepare(patch);
  ASSERT_TRUE(call.ok()) << call.error().text();
  EXPECT_THAT((*call)->action().opened, testing::ElementsAre(at("open/f")));
  fs::remove(at("link"));
  fs::create_symlink("kept/f", at("link"));
  EXPECT_TRUE(loop_.block_on((*call)->run(out_, {})).ok());
  EXPECT_EQ(fs::read_symlink(at("link")), "kept/f");

  call = prepare("*** Begin Patch\n*** Update File: open/f\n@@\n-2\n+1\n*** Add File: open/new\n+x\n*** End Patch");
  ASSERT_TRUE(call.ok()) << call.error().text();
  put({{"kept/f", "2\n"}});
  fs::rename(at("open"), at("away"));
  fs::create_directory_symlink("kept", at("open"));
  EXPECT_EQ(loop_.block_on((*call)->run(out_, {})).error().code, base::codes::kPermission);
  EXPECT_EQ(tree(), (Tree{{"away/f", "2\n"}, {"kept/f", "2\n"}, {"link", "2\n"}}));
}

TEST_F(PatchTest, ALinkIsNeitherDeletedNorMoved) {
  put({{"f", "1\n"}});
  fs::create_symlink("f", at("link"));
  for (const char* body : {"*** Delete File: link\n", "*** Update File: link\n*** Move to: g\n@@\n-1\n+2\n"}) {
    const auto refused = apply("*** Begin Patch\n" + std::string(body) + "*** End Patch");
    ASSERT_FALSE(refused.ok()) << body;
    EXPECT_EQ(refused.error().message, "apply_patch: link is a link");
  }
  EXPECT_EQ(tree(), (Tree{{"f", "1\n"}, {"link", "1\n"}}));
}

TEST_F(PatchTest, AMovedFileStaysExecutable) {
  put({{"run", "#!/bin/sh\n"}});
  chmod(at("run").c_str(), 0755);
  ASSERT_TRUE(apply("*** Begin Patch\n*** Update File: run\n*** Move to: bin/run\n*** End Patch").ok());
  struct stat status{};
  stat(at("bin/run").c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0755U);
}

/// Writes the plan while no file may grow beyond 4 KiB: a larger one fails midway, as it would on a full disk.
base::Result<void> write_with_little_room(const std::vector<PlannedFile>& files, const std::string& cwd) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  Places places(cwd);
  auto result = write_plan(files, places);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old_handler);
  return result;
}

TEST_F(PatchTest, TakesBackWhatWasWrittenWhenWritingFails) {
  put({{"a", "1\n"}, {"gone", "x\n"}});
  chmod(at("gone").c_str(), 0755);
  const auto result = write_with_little_room({{"a", "1\n", "2\n"},
                                              {"gone", "x\n", std::nullopt},
                                              {"new", std::nullopt, "n\n"},
                                              {"big", std::nullopt, std::string(100'000, 'x')}},
                                             environment_.cwd);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("nothing is changed, what was written was taken back"));
  EXPECT_EQ(tree(), (Tree{{"a", "1\n"}, {"gone", "x\n"}}));
  struct stat status{};
  stat(at("gone").c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0755U);
}

TEST_F(PatchTest, TakesBackTheFoldersThatItMade) {
  put({{"name", "a file\n"}, {"there/kept", "k\n"}});
  const auto result = write_with_little_room({{"new/deep/a", std::nullopt, "a\n"},
                                              {"new/b", std::nullopt, "b\n"},
                                              {"name", "a file\n", std::nullopt},
                                              {"name/below", std::nullopt, "c\n"},
                                              {"there/d", std::nullopt, "d\n"},
                                              {"other/big", std::nullopt, std::string(100'000, 'x')}},
                                             environment_.cwd);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("nothing is changed, what was written was taken back"));
  EXPECT_EQ(tree(), (Tree{{"name", "a file\n"}, {"there/kept", "k\n"}}));
  EXPECT_FALSE(fs::exists(at("new")));
  EXPECT_FALSE(fs::exists(at("other")));
}

/// Knows what was read, and keeps nothing.
class Reads final : public ports::WorkspaceHistory, ports::ReadSet {
 public:
  void mark(std::int64_t) override {}
  void jobs_live(bool) override {}
  base::Result<void> will_write(const std::vector<ports::FileWrite>&) override { return {}; }
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

TEST_F(PatchTest, WhatItWouldLoseMustHaveBeenRead) {
  Reads history;
  environment_.history = &history;
  put({{"a", "1\n"}, {"b", "2\n"}});
  for (const char* body :
       {"*** Add File: b\n+new\n", "*** Delete File: b\n", "*** Update File: a\n*** Move to: b\n@@\n-1\n+new\n"}) {
    const std::string patch = "*** Begin Patch\n" + std::string(body) + "*** End Patch";
    const auto refused = apply(patch);
    ASSERT_FALSE(refused.ok()) << body;
    EXPECT_EQ(refused.error().message, "apply_patch: b has not been read in this session");
    EXPECT_EQ(tree(), (Tree{{"a", "1\n"}, {"b", "2\n"}}));
  }
  EXPECT_TRUE(apply("*** Begin Patch\n*** Update File: a\n@@\n-1\n+one\n*** End Patch").ok()) << "it names the lines";
  common::saw_file(&history, *common::place_of(environment_.cwd, "b"), "2\n");
  EXPECT_TRUE(apply("*** Begin Patch\n*** Delete File: b\n*** End Patch").ok());
}

TEST_F(PatchTest, OfWhatLiesOutsideNothingIsToldBeforeTheDecision) {
  Reads history;
  environment_.history = &history;
  put({{"theirs/f", "private line\n"}, {"work/g", "1\n"}});
  const std::string whole = environment_.cwd;
  environment_.cwd = at("work");
  const std::string theirs = fs::canonical(whole).string() + "/theirs/";
  for (const std::string body :
       {"*** Update File: ../theirs/f\n@@\n-private lime\n+x\n", "*** Update File: ../theirs/none\n@@\n-a\n+b\n",
        "*** Delete File: ../theirs/f\n", "*** Delete File: ../theirs/none\n",
        "*** Update File: g\n*** Move to: ../theirs/f\n@@\n-1\n+2\n"}) {
    const auto call = prepare("*** Begin Patch\n" + body + "*** End Patch");
    ASSERT_TRUE(call.ok()) << body << call.error().text();
    const std::string leads = theirs + (body.contains("none") ? "none" : "f");
    EXPECT_THAT((*call)->action().opened, testing::Contains(leads)) << body;
    EXPECT_THAT((*call)->action().changes.at(0).diff, HasSubstr("it will fail: ")) << body;
    const auto ran = loop_.block_on((*call)->run(out_, {}));
    ASSERT_FALSE(ran.ok()) << body;
    EXPECT_THAT(ran.error().text(), testing::Not(HasSubstr("private line"))) << "a yes to a change shows nothing";
  }
  environment_.cwd = whole;
  EXPECT_EQ(tree(), (Tree{{"theirs/f", "private line\n"}, {"work/g", "1\n"}}));
}

/// Were only the change that fits told to the gate, then what is done would tell what is out there.
TEST_F(PatchTest, OutsideWhatItsNameForbidsIsRefusedWithoutAQuestion) {
  const auto hook = prepare(
      "*** Begin Patch\n*** Add File: mine\n+x\n*** Add File: ../other/.git/hooks/post-checkout\n+x\n*** End Patch\n");
  ASSERT_FALSE(hook.ok());
  EXPECT_EQ(hook.error().code, base::codes::kPermission);
  EXPECT_THAT(hook.error().text(), HasSubstr("only a person can"));
}

TEST_F(PatchTest, TheGateIsToldOfAllThatLiesOutside) {
  tool_ = std::move(make_patch_tools({.pool = &pool_, .extent = Extent::kWhatFits})[0]);
  const auto call =
      prepare("*** Begin Patch\n*** Add File: a\n+x\n*** Update File: /lathe-test/none\n@@\n-a\n+b\n*** End Patch");
  ASSERT_TRUE(call.ok()) << call.error().text();
  EXPECT_THAT((*call)->action().opened, testing::UnorderedElementsAre(at("a"), "/lathe-test/none"));
}

}  // namespace
}  // namespace lathe::tools::patch
