#include "lathe/tools/search/search_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/tools/common/secret_guard.h"
#include "lathe/tools/search/line_search.h"
#include "lathe/tools/search/plain_runner_for_test.h"
#include "lathe/tools/search/walk.h"

// The tools over a real tree, each case with ripgrep and without: the results must be the same.

namespace lathe::tools::search {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

using Sink = fakes::TextSink;

class SearchTest : public testing::TestWithParam<bool> {
 protected:
  SearchTest() {
    std::string pattern = (fs::temp_directory_path() / "lathe-search-XXXXXX").string();
    environment_.cwd = mkdtemp(pattern.data());
    fs::create_directory(environment_.cwd + "/.git");
    put(".git/config", "needle\n");
    put(".gitignore", "*.log\n/build/\n!keep.log\n");
    put("a.txt", "one\nneedle two\r\nNeedle three\n");
    put("a/inner.cc", "int needle(int x);\n");
    put("a/.gitignore", "secret*\n");
    put("a/secret.cc", "needle\n");
    put("build/out.txt", "needle\n");
    put("drop.log", "needle\n");
    put("keep.log", "needle in a log\n");
    put(".hidden/f", "needle hidden\n");
    put("binary", std::string("needle\0\n", 8));
    put("src/z.h", "// nothing\n");
    fs::create_symlink(environment_.cwd + "/a.txt", environment_.cwd + "/link.txt");
    mkfifo((environment_.cwd + "/fifo").c_str(), 0600);
  }
  ~SearchTest() override { fs::remove_all(environment_.cwd); }

  void put(const std::string& path, std::string_view content) {
    fs::create_directories(fs::path(environment_.cwd + "/" + path).parent_path());
    std::ofstream(environment_.cwd + "/" + path) << content;
  }
  std::string use(const std::string& name, base::Json arguments, std::size_t max_results = 100) {
    SearchOptions options{.pool = &pool_,
                          .runner = &runner_,
                          .max_results = max_results,
                          .ripgrep_usually = std::chrono::milliseconds(100)};
    if (GetParam()) options.ripgrep = found_ripgrep();
    const auto tools = make_search_tools(options);
    ports::Tool& tool = *tools[name == "glob" ? 0 : name == "find_files" ? 1 : 2];
    const protocol::ToolCall call{"c", name, arguments.dump()};
    auto prepared = loop_.block_on(tool.prepare(call, environment_));
    if (!prepared.ok()) return prepared.error().message;
    opened_ = (*prepared)->action().opened;
    Sink out;
    const auto result = loop_.block_on((*prepared)->run(out, {}));
    return result.ok() ? out.text : result.error().message;
  }

  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 1};
  PlainRunner runner_{loop_};
  ports::ToolEnvironment environment_{.cwd = "", .session_id = "s"};
  /// What the last call told the gate.
  std::vector<std::string> opened_;
};

INSTANTIATE_TEST_SUITE_P(Ripgrep, SearchTest, testing::Bool(),
                         [](const auto& with) { return with.param ? "with" : "without"; });

TEST_P(SearchTest, FindsLines) {
  EXPECT_EQ(
      use("grep", {{"pattern", "needle"}}),
      ".hidden/f:1:needle hidden\na/inner.cc:1:int needle(int x);\na.txt:2:needle two\nkeep.log:1:needle in a log\n");
}

TEST_P(SearchTest, NarrowsByCaseTextFileAndFolder) {
  EXPECT_EQ(use("grep", {{"pattern", "^NEEDLE t.*$"}, {"ignore_case", true}}),
            "a.txt:2:needle two\na.txt:3:Needle three\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle("}, {"literal", true}}), "a/inner.cc:1:int needle(int x);\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"glob", "*.cc"}}), "a/inner.cc:1:int needle(int x);\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "a"}}), "a/inner.cc:1:int needle(int x);\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "a.txt"}}), "a.txt:2:needle two\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "drop.log"}}), "drop.log:1:needle\n") << "asked for by name";
  EXPECT_EQ(use("grep", {{"pattern", "no such text"}}), "(no line matches)\n");
}

TEST_P(SearchTest, FilesThatRulesKeepBackAreLeftOutAndCounted) {
  put("private/a", "needle\n");
  put("private/b", "needle\nneedle\n");
  const std::string cwd = environment_.cwd;
  std::set<std::string> tools;
  environment_.may_show = [&](const std::string& tool, const std::string& path) {
    tools.insert(tool);
    return !path.starts_with(cwd + "/private/");
  };
  const std::string note = "[2 files are not shown: rules about paths refuse or ask about them]\n";
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "private"}}), "(no line matches)\n" + note);
  EXPECT_EQ(use("grep", {{"pattern", "int needle|^needle$"}}), "a/inner.cc:1:int needle(int x);\n" + note);
  EXPECT_EQ(use("glob", {{"pattern", "{a,b,*.cc}"}}), "a/inner.cc\n" + note);
  EXPECT_EQ(use("find_files", {{"pattern", "inner"}}), "a/inner.cc\n") << "nothing was kept back";
  EXPECT_EQ(tools, (std::set<std::string>{"find_files", "glob", "grep", "read_file"}));
}

TEST_P(SearchTest, FilesThatAreKeptBackTakeNobodysPlace) {
  for (int i = 0; i < 5; ++i) put("a/0" + std::to_string(i), "needle\n");
  environment_.may_show = [](const std::string&, const std::string& path) {
    return path.find("/a/0") == std::string::npos;
  };
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "a"}}, 2),
            "a/inner.cc:1:int needle(int x);\n[5 files are not shown: rules about paths refuse or ask about them]\n");
}

TEST_P(SearchTest, ASearchIsOfWhatItsPathLeadsTo) {
  fs::create_directory_symlink(environment_.cwd + "/a", environment_.cwd + "/to-a");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "to-a"}}), "to-a/inner.cc:1:int needle(int x);\n");
  EXPECT_EQ(opened_, std::vector<std::string>{environment_.cwd + "/a"});
  EXPECT_EQ(use("glob", {{"pattern", "*.cc"}, {"path", "to-a"}}), "to-a/inner.cc\n");
}

TEST_P(SearchTest, HonoursTheRulesAboveTheFolder) {
  put("src/x.log", "needle\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "src"}}), "(no line matches)\n");
}

TEST_P(SearchTest, AFileOfRulesThatWaitsForAWriterHoldsNothingUp) {
  for (const char* name : {"src/.gitignore", "a/.ignore"}) mkfifo((environment_.cwd + "/" + name).c_str(), 0600);
  fs::create_symlink(environment_.cwd + "/fifo", environment_.cwd + "/.hidden/.rgignore");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "a"}}), "a/inner.cc:1:int needle(int x);\n");
  EXPECT_THAT(use("grep", {{"pattern", "needle hidden"}}), HasSubstr(".hidden/f:1:needle hidden\n"));
}

TEST_P(SearchTest, IsBounded) {
  put("many.txt", "needle\nneedle\nneedle\n" + std::string(2'000, 'x') + " needle\n");
  EXPECT_EQ(use("grep", {{"pattern", "^needle"}, {"path", "."}, {"glob", "many.txt"}}, 2),
            "many.txt:1:needle\nmany.txt:2:needle\n[the first 2 lines; there are more]\n");
  EXPECT_EQ(use("grep", {{"pattern", "x needle"}}), "many.txt:4:" + std::string(500, 'x') + " [cut]\n");
}

TEST_P(SearchTest, KeepsTheOrderOfFoldersAmongMany) {
  // More than is sorted at once: the first ones are still those that come first.
  const std::string line = "needle " + std::string(400, 'x') + "\n";
  std::string many;
  for (int i = 0; i < 50; ++i) many += line;
  for (int i = 0; i < 600; ++i) put("many/" + std::to_string(i) + "/f.txt", many);
  put("many/0.txt", "needle last\n");
  put("many/0/f.txt", "needle first\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle"}, {"path", "many"}}, 1),
            "many/0/f.txt:1:needle first\n[the first 1 lines; there are more]\n");
  EXPECT_EQ(use("grep", {{"pattern", "needle [fl]"}, {"path", "many"}}),
            "many/0/f.txt:1:needle first\nmany/0.txt:1:needle last\n");
}

TEST_P(SearchTest, RefusesWhatMakesNoSense) {
  EXPECT_THAT(use("grep", {{"pattern", "("}}), HasSubstr("grep: pattern is no regular expression"));
  EXPECT_THAT(use("grep", {{"pattern", "a\nb"}}), HasSubstr("line break"));
  EXPECT_THAT(use("grep", {{"pattern", ""}}), HasSubstr("is empty"));
  EXPECT_THAT(use("grep", {{"pattern", "x"}, {"path", "fifo"}}), HasSubstr("fifo is a FIFO"));
  EXPECT_THAT(use("grep", {{"pattern", "x"}, {"path", "none"}}), HasSubstr("none"));
  EXPECT_THAT(use("glob", {{"pattern", "a[b"}}), HasSubstr("not closed"));
  EXPECT_THAT(use("glob", {{"pattern", "*"}, {"path", "none"}}), HasSubstr("none"));
  for (const char* tool : {"glob", "grep"}) {
    const auto at = [&](const std::string& path) { return use(tool, {{"pattern", "x"}, {"path", path}}); };
    EXPECT_THAT(at(std::string(10'000, 'x')), HasSubstr("4095 is the limit")) << tool;
    EXPECT_THAT(at(std::string("a\0b", 3)), HasSubstr("holds a NUL byte")) << tool;
    EXPECT_THAT(at("/dev/zero"), testing::AnyOf(HasSubstr("is a device"), HasSubstr("Not a directory"))) << tool;
  }
  EXPECT_THAT(use("glob", {{"pattern", "*"}, {"path", "fifo"}}), HasSubstr("Not a directory"));
}

TEST_P(SearchTest, FindsFiles) {
  EXPECT_EQ(use("glob", {{"pattern", "**/*.{cc,h}"}}), "a/inner.cc\nsrc/z.h\n");
  EXPECT_EQ(use("glob", {{"pattern", "*.txt"}}), "a.txt\n");
  EXPECT_EQ(use("glob", {{"pattern", "*.cc"}, {"path", "a"}}), "a/inner.cc\n");
  EXPECT_EQ(use("glob", {{"pattern", "*.zip"}}), "(no file matches)\n");
  EXPECT_EQ(use("glob", {{"pattern", "*"}}, 2), ".gitignore\n.hidden/f\n[2 of 8 files; narrow the pattern down]\n");
}

TEST_P(SearchTest, FindsFilesByAPartOfTheirName) {
  put("Src/InnerPart.h", "");
  EXPECT_EQ(use("find_files", {{"pattern", "INNER"}}), "Src/InnerPart.h\na/inner.cc\n");
  EXPECT_EQ(use("find_files", {{"pattern", "inner.*"}}), "a/inner.cc\n");
  EXPECT_EQ(use("find_files", {{"pattern", "?.txt"}}), "a.txt\n");
  EXPECT_EQ(use("find_files", {{"pattern", "src"}}), "(no file matches)\n") << "folders are no files";
  EXPECT_THAT(use("find_files", {{"pattern", "a/b"}}), HasSubstr("holds a slash"));
  EXPECT_THAT(use("find_files", {{"pattern", ""}}), HasSubstr("is empty"));
}

/// A tree beside which something lies that nobody may be led to.
class SwappedLinks : public testing::Test {
 protected:
  SwappedLinks() {
    std::string pattern = (fs::temp_directory_path() / "lathe-swapped-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    for (const char* path : {"tree/a", "tree/b", "outside"}) fs::create_directories(base_ + "/" + path);
    for (const char* path : {"tree/a/f", "tree/b/f", "tree/c", "outside/f"}) {
      std::ofstream(base_ + "/" + path) << "needle of " << path << "\n";
    }
  }
  ~SwappedLinks() override { fs::remove_all(base_); }
  /// The folder b and the file c become links that lead out.
  void swap() {
    fs::remove_all(base_ + "/tree/b");
    fs::remove(base_ + "/tree/c");
    fs::create_directory_symlink(base_ + "/outside", base_ + "/tree/b");
    fs::create_symlink(base_ + "/outside/f", base_ + "/tree/c");
  }
  std::string base_;
  std::atomic<bool> stop_ = false;
};

TEST_F(SwappedLinks, AFolderThatBecomesALinkIsNotWalked) {
  std::vector<std::string> seen;
  const auto walked = walk_files({.absolute = base_ + "/tree", .relative = "."}, stop_, [&](const FoundFile& file) {
    if (seen.empty()) swap();
    seen.push_back(file.path);
    return Visit::kGoOn;
  });
  ASSERT_TRUE(walked.ok()) << walked.error().text();
  EXPECT_THAT(seen, testing::ElementsAre("a/f", "c")) << "the name c was read before; what it leads to is not opened";
}

TEST_F(SwappedLinks, AFileThatBecomesALinkIsNotSearched) {
  const LineQuery query{.pattern = "needle", .max_matches = 10};
  const auto found = search_tree(
      query, {.absolute = base_ + "/tree", .relative = "."},
      [&](const std::string&, int) {
        swap();
        return true;
      },
      stop_);
  ASSERT_TRUE(found.ok()) << found.error().text();
  EXPECT_THAT(found->matches, testing::ElementsAre(LineMatch{"a/f", 1, "needle of tree/a/f"}));
}

TEST_F(SwappedLinks, SecretFoldersAreNotListed) {
  runtime::Loop loop;
  runtime::Pool pool(loop, "fs", 1);
  const common::SecretGuard guard(*globs::SecretFiles::create({}), "", {base_ + "/outside"});
  const auto tools = make_search_tools({.pool = &pool, .secrets = &guard});
  const auto use = [&](std::size_t tool, const base::Json& arguments) -> std::string {
    const protocol::ToolCall call{"c", tools[tool]->spec().name, arguments.dump()};
    auto prepared = loop.block_on(tools[tool]->prepare(call, {.cwd = base_ + "/tree", .session_id = "s"}));
    if (!prepared.ok()) return prepared.error().text();
    Sink out;
    const auto ran = loop.block_on((*prepared)->run(out, {}));
    return ran.ok() ? out.text : ran.error().code;
  };
  for (const std::size_t tool : {0U, 1U}) {
    EXPECT_EQ(use(tool, {{"pattern", "f"}, {"path", "../outside"}}), base::codes::kPermission);
    EXPECT_EQ(use(tool, {{"pattern", "f"}, {"path", ".."}}), base_ + "/tree/a/f\n" + base_ + "/tree/b/f\n");
  }
}

}  // namespace
}  // namespace lathe::tools::search
