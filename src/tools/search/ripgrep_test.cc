#include "lathe/tools/search/ripgrep.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lathe/runtime/loop.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/tools/search/plain_runner_for_test.h"
#include "lathe/tools/search/search_tools.h"

// ripgrep and the own walker over the same odd files: the same lines, in the same order.

namespace lathe::tools::search {
namespace {

namespace fs = std::filesystem;

TEST(RipgrepPattern, SaysWhatRe2Means) {
  const auto said = [](const char* pattern) {
    return ripgrep_pattern({.pattern = pattern}).value_or("(cannot be said)");
  };
  EXPECT_EQ(said("int\\s+main"), "int[\\t\\x0C\\r\\x20]+main");
  EXPECT_EQ(said("\\bfoo\\b$"), "(?-u:\\b)foo(?-u:\\b)(?:\\r?$)");
  EXPECT_EQ(said("a\\.b\\$"), "a\\x2Eb\\x24");
  EXPECT_EQ(said("[\\w&[~-]+"), "[0-9A-Za-z_\\x26\\x5B\\x7E-]+");
  EXPECT_EQ(said("[]a]|[^]a]"), "[\\x5Da]|[^\\x5Da]");
  EXPECT_EQ(said("[[:alpha:]x]"), "[[:alpha:]x]");
  EXPECT_EQ(said("(?i)caf\u00e9(?P<n>x)(?:y)"), "(?i)caf\u00e9(?P<n>x)(?:y)");
  for (const char* pattern : {"(?s)a.b", "(?m:^a)", "[\\W]", "[--/]", "\\Qa.b\\E", "\\C", "[a", "a\\"}) {
    EXPECT_EQ(said(pattern), "(cannot be said)") << pattern;
  }
  EXPECT_EQ(ripgrep_pattern({.pattern = "a.b$", .literal = true}), "a.b$");
}

class OddFiles : public testing::Test {
 protected:
  OddFiles() {
    std::string pattern = (fs::temp_directory_path() / "lathe-odd-XXXXXX").string();
    above_ = fs::canonical(mkdtemp(pattern.data())).string();
    work_in("w");
  }
  ~OddFiles() override { fs::remove_all(above_); }

  void work_in(const std::string& name) {
    root_ = above_ + "/" + name;
    fs::create_directories(root_);
  }
  void put(const std::string& name, std::string_view bytes) {
    const fs::path path = root_ + "/" + name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  /// "file:line" of every match, by the tool itself.
  std::string grep(base::Json arguments, bool with_ripgrep) {
    SearchOptions options{.pool = &pool_, .runner = &runner_, .max_results = 1'000};
    if (with_ripgrep) options.ripgrep = found_ripgrep();
    const auto tools = make_search_tools(options);
    const protocol::ToolCall call{"c", "grep", arguments.dump()};
    auto prepared = loop_.block_on(tools[2]->prepare(call, {.cwd = root_, .session_id = "s"}));
    if (!prepared.ok()) return prepared.error().text();
    struct Sink final : ports::OutputSink {
      std::string text;
      void write(protocol::OutputStream, std::string_view bytes) override { text += bytes; }
    } out;
    const auto result = loop_.block_on((*prepared)->run(out, {}));
    return result.ok() ? out.text : result.error().text();
  }
  /// By both; they agree.
  std::string both(const base::Json& arguments) {
    const LineQuery query{.pattern = arguments["pattern"].get<std::string>(),
                          .ignore_case = arguments.value("ignore_case", false),
                          .literal = arguments.value("literal", false)};
    const auto files = loop_.block_on(files_by_ripgrep(&runner_, *found_ripgrep(), query, root_, {}));
    EXPECT_TRUE(files.ok()) << arguments.dump() << " is for ripgrep: " << files.error().text();
    const std::string without = grep(arguments, false);
    EXPECT_EQ(grep(arguments, true), without) << arguments.dump();
    return without;
  }

  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 1};
  PlainRunner runner_{loop_};
  std::string above_;
  std::string root_;
};

using namespace std::string_literals;

TEST_F(OddFiles, BothWaysFindTheSame) {
  if (!found_ripgrep()) GTEST_SKIP() << "there is no ripgrep here";
  put("bom", "\xef\xbb\xbfneedle with a mark\nneedle two\n");
  put("binary", "needle\n\0rest\nneedle\n"s);
  put("carriage", "needle\r\nx needle\r\nneedle x\r\n");
  put("carriage-alone", "needle\rneedle a\nz\n");
  put("carriage-twice", "needle\r\r\nq\n");
  put("empty", "");
  put("invalid", "needle \xff\xfe caf\xe9\nneedle ok\n");
  put("no-end", "a\nneedle");
  put("sixteen-big", "\xfe\xff\0n\0e\0e\0d\0l\0e\0\n"s);
  put("sixteen-little", "\xff\xfen\0e\0e\0d\0l\0e\0\n\0"s);
  put("unicode", "caf\u00e9 needle\nCAF\u00c9\n\u017f \u212a k s\n\u0663 digit\nna\u00efve word\n\u00a0space\n");
  put("white",
      "a\x0b"
      "b\na\x0c"
      "b\na\tb\na b\n");

  EXPECT_EQ(both({{"pattern", "^needle$"}}), "carriage:1:needle\nno-end:2:needle\n");
  EXPECT_EQ(both({{"pattern", "\\bneedle two"}}), "bom:2:needle two\n");
  EXPECT_EQ(both({{"pattern", "\\d"}}), "(no line matches)\n") << "digits are those of ASCII";
  EXPECT_EQ(both({{"pattern", "na\\wve"}}), "(no line matches)\n");
  EXPECT_EQ(both({{"pattern", "na.ve"}}), "unicode:5:na\u00efve word\n");
  EXPECT_EQ(both({{"pattern", "a\\sb"}}), "white:2:a\fb\nwhite:3:a\tb\nwhite:4:a b\n");
  EXPECT_EQ(both({{"pattern", "caf\u00e9"}, {"ignore_case", true}}),
            "unicode:1:caf\u00e9 needle\nunicode:2:CAF\u00c9\n");
  for (const char* pattern :
       {"needle",  "needle.needle", "needle.$",    "x$",      "\\z",        "\\Aneedle", "^$",     "x*",
        "caf.",    "caf\\W",        "caf\\b",      "[^a-z ]", "\\S+\\s\\S", "(?i)K",     "(?i)^s", "[[:upper:]]",
        "\\p{Lu}", "\\D$",          "needle|word", "a\\x0Bb", "[\\d\\s]$",  "\\Bve"}) {
    (void)both({{"pattern", pattern}});
    (void)both({{"pattern", pattern}, {"ignore_case", true}});
  }
  for (const char* text : {"needle", "needle x", "a b", "caf\u00e9"}) {
    (void)both({{"pattern", text}, {"literal", true}});
    (void)both({{"pattern", text}, {"literal", true}, {"ignore_case", true}});
  }
}

TEST_F(OddFiles, LongLinesAndLargeFilesAreSearchedByBoth) {
  if (!found_ripgrep()) GTEST_SKIP() << "there is no ripgrep here";
  put("long", std::string(3'000'000, 'a') + "needle\nneedle\n");
  put("long-behind", "needle" + std::string(3'000'000, 'a') + "\nneedle");
  // Larger than what is read of any other file.
  const int fd = open((root_ + "/vast").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  std::string lines;
  while (lines.size() < (1U << 20)) lines += std::string(1'000, 'x') + "\n";
  for (int i = 0; i < 70; ++i) ASSERT_EQ(write(fd, lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  ASSERT_EQ(write(fd, "needle\n", 7), 7);
  close(fd);
  const std::string found = both({{"pattern", "needle$"}});
  EXPECT_THAT(found, testing::HasSubstr("long:1:" + std::string(500, 'a') + " [cut]\nlong:2:needle\n"));
  EXPECT_THAT(found, testing::HasSubstr("long-behind:2:needle\n"));
  EXPECT_THAT(found, testing::ContainsRegex("vast:[0-9]+:needle\n"));
}

TEST_F(OddFiles, ABinaryFileEndsWhereItsNulIs) {
  if (!found_ripgrep()) GTEST_SKIP() << "there is no ripgrep here";
  std::string late = "needle\n";
  for (int i = 0; i < 40'000; ++i) late += "x\n";
  put("late", late + "needle\nneedle a\0b needle\nneedle\n"s);
  // Where ripgrep by itself gives up a whole part of the file, with the lines before its NUL.
  std::string only;
  for (int i = 0; i < 50'000; ++i) only += "x\n";
  put("late-only", only + "needle\nneedle a\0b\n"s);
  put("soon", "needle\n" + std::string(60'000, 'x') + "\0"s);
  EXPECT_EQ(both({{"pattern", "needle"}}),
            "late:1:needle\nlate:40002:needle\nlate:40003:needle a\n"
            "late-only:50001:needle\nlate-only:50002:needle a\n");
  EXPECT_EQ(both({{"pattern", "needle a$"}}), "late:40003:needle a\nlate-only:50002:needle a\n");
}

/// A tree, what is searched in it, and which of its files are seen. Files of rules say what is given, a name that ends
/// in a slash is a folder, and all others hold a line to be found.
struct Tree {
  const char* says;
  std::vector<std::pair<std::string, std::string>> rules;
  std::vector<std::string> others;
  std::vector<std::string> seen;
  std::string path = ".";
};

std::string folders(std::size_t count) {
  std::string path;
  for (std::size_t i = 0; i < count; ++i) path += "d/";
  return path;
}

const std::vector<Tree>& trees() {
  static const std::vector<Tree> kTrees{
      {"rules of git",
       {{".gitignore", "*.log\n/build/\n!keep.log\n"}},
       {".git/", "a.log", "build/x", "keep.log", "src/build/x"},
       {"keep.log", "src/build/x"}},
      {"rules above the folder",
       {{".gitignore", "/src/gen/\nsrc/one.txt\n*.log\n"}},
       {".git/", "src/a.log", "src/gen/x", "src/one.txt", "src/two.txt"},
       {"src/two.txt"},
       "src"},
      {"rules for searches",
       {{"a/.ignore", "hid\n"}, {"b/.rgignore", "hid\n"}},
       {"a/hid", "a/seen", "b/hid", "b/seen"},
       {"a/seen", "b/seen"}},
      {"the name of the file of rules comes before its place",
       {{"a/.gitignore", "f\n"},
        {"a/.ignore", "!f\n"},
        {"b/.ignore", "f\n"},
        {"b/.rgignore", "!f\n"},
        {"c/.ignore", "deep\n"},
        {"c/in/.gitignore", "!deep\n"}},
       {"a/f", "b/f", "c/in/deep"},
       {"a/f", "b/f"}},
      {"the rules of git end at a repository within, those for searches do not",
       {{".gitignore", "*.log\n"}, {".ignore", "*.tmp\n"}, {"file/.git", "gitdir: ../x\n"}},
       {".git/", "file/a.log", "sub/.git/", "sub/a.log", "sub/a.tmp", "x.log"},
       {"file/a.log", "sub/a.log"}},
      {"above the repository only those for searches count",
       {{"../.gitignore", "out\n"}, {"../.ignore", "hid\n"}},
       {".git/", "hid", "out"},
       {"out"}},
      {"without a repository those of git count as well", {{"../.gitignore", "out\n"}}, {"hid", "out"}, {"hid"}},
      {"what a person leaves out for git alone is seen", {{".git/info/exclude", "x\n"}}, {"x"}, {"x"}},
      {"lines that git and ripgrep read differently",
       {{".gitignore", "*.{aa,bb}\ntab\t\nbroken[\n{open\nfine\r\n"}},
       {"broken[", "fine", "tab", "x.aa", "x.cc", "{open"},
       {"broken[", "x.cc", "{open"}},
      {"hidden files", {}, {".hidden/.f", ".f"}, {".f", ".hidden/.f"}},
      {"what lies deep", {}, {folders(100) + "f", folders(101) + "f"}, {folders(100) + "f"}},
  };
  return kTrees;
}

TEST_F(OddFiles, BothWaysSeeTheSameFiles) {
  if (!found_ripgrep()) GTEST_SKIP() << "there is no ripgrep here";
  for (std::size_t number = 0; number < trees().size(); ++number) {
    const Tree& tree = trees()[number];
    SCOPED_TRACE(tree.says);
    work_in(std::to_string(number) + "/w");
    for (const auto& [name, text] : tree.rules) put(name, text);
    for (const std::string& name : tree.others) {
      if (name.ends_with('/')) {
        fs::create_directories(root_ + "/" + name);
      } else {
        put(name, "needle\n");
      }
    }
    std::string expected;
    for (const std::string& name : tree.seen) expected += name + ":1:needle\n";
    EXPECT_EQ(both({{"pattern", "needle"}, {"path", tree.path}}), expected);
  }
}

}  // namespace
}  // namespace lathe::tools::search
