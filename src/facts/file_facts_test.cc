#include "lathe/facts/file_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lathe/facts/git_head.h"
#include "lathe/runtime/loop.h"

namespace lathe::facts {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// A folder of its own for each test, below the system's temporary folder (which is in no repository).
class Facts : public testing::Test {
 protected:
  Facts() {
    std::string pattern = (fs::temp_directory_path() / "lathe-facts-XXXXXX").string();
    dir_ = fs::canonical(mkdtemp(pattern.data()));
  }
  ~Facts() override { fs::remove_all(dir_); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((dir_ / path).parent_path());
    std::ofstream(dir_ / path) << text;
  }
  std::string at(const std::string& path) const { return (dir_ / path).string(); }
  std::vector<std::string> docs(const std::string& cwd, std::size_t max_bytes = 32'768,
                                const std::vector<std::string>& fallback = {"CLAUDE.md"}) {
    fs::create_directories(dir_ / cwd);
    std::vector<std::string> found;
    const ports::ProjectDocs docs = read_project_docs(at(cwd), max_bytes, fallback);
    for (const auto& doc : docs.files) {
      found.push_back(fs::relative(doc.path, dir_).string() + "=" + doc.text + (doc.truncated ? "|cut" : ""));
    }
    problems_.clear();
    for (const std::string& problem : docs.problems) problems_.push_back(problem.substr(dir_.string().size() + 1));
    return found;
  }
  fs::path dir_;
  /// Of the last docs(), without the folder.
  std::vector<std::string> problems_;
};

TEST_F(Facts, DocsGoFromTheRepositoryDownToTheFolderAndNoFurther) {
  write("AGENTS.md", "above");
  write("repo/.git/HEAD", "ref: refs/heads/main\n");
  write("repo/AGENTS.md", "top");
  write("repo/a/b/CLAUDE.md", "deep");
  write("repo/a/b/c/AGENTS.md", "below");
  EXPECT_THAT(docs("repo/a/b"), ElementsAre("repo/AGENTS.md=top", "repo/a/b/CLAUDE.md=deep"));
}

TEST_F(Facts, EachFolderGivesItsFirstFile) {
  write("repo/.git/HEAD", "x");
  write("repo/AGENTS.override.md", "override");
  write("repo/AGENTS.md", "agents");
  write("repo/a/AGENTS.md", "agents");
  write("repo/a/CLAUDE.md", "claude");
  EXPECT_THAT(docs("repo/a"), ElementsAre("repo/AGENTS.override.md=override", "repo/a/AGENTS.md=agents"));
}

TEST_F(Facts, WhatTakesThePlaceOfAMissingFileIsConfigured) {
  write("repo/.git/HEAD", "x");
  write("repo/CLAUDE.md", "claude");
  write("repo/RULES.md", "rules");
  write("repo/a/AGENTS.md", "agents");
  write("repo/a/RULES.md", "rules");
  EXPECT_THAT(docs("repo/a", 100, {"TEAM.md", "RULES.md", "CLAUDE.md"}),
              ElementsAre("repo/RULES.md=rules", "repo/a/AGENTS.md=agents"));
  EXPECT_THAT(docs("repo/a", 100, {}), ElementsAre("repo/a/AGENTS.md=agents"));
}

TEST_F(Facts, OutsideOfARepositoryOnlyTheFolderItselfCounts) {
  write("AGENTS.md", "above");
  write("plain/AGENTS.md", "here");
  EXPECT_THAT(docs("plain"), ElementsAre("plain/AGENTS.md=here"));
  EXPECT_THAT(docs("other"), IsEmpty());
}

TEST_F(Facts, TheBoundIsSharedAndCutsBetweenCharacters) {
  write("repo/.git/HEAD", "x");
  write("repo/AGENTS.md", "12345678");
  write("repo/a/AGENTS.md", "ab€def");
  write("repo/a/b/AGENTS.md", "nothing left");
  EXPECT_THAT(docs("repo/a/b", 12),
              ElementsAre("repo/AGENTS.md=12345678", "repo/a/AGENTS.md=ab|cut", "repo/a/b/AGENTS.md=no|cut"));
  EXPECT_THAT(problems_, ElementsAre("repo/a/AGENTS.md: is cut, the limit is project-docs-bytes",
                                     "repo/a/b/AGENTS.md: is cut, the limit is project-docs-bytes"));
  EXPECT_THAT(docs("repo/a/b", 0), IsEmpty());
  EXPECT_THAT(problems_, IsEmpty()) << "nobody asked for them";
}

TEST_F(Facts, ALinkThatLeadsOutOfTheRepositoryIsNotRead) {
  write("secret", "a key");
  write("repo/.git/HEAD", "x");
  write("repo/docs/agents.md", "inside");
  fs::create_symlink("../secret", dir_ / "repo/AGENTS.md");
  fs::create_directories(dir_ / "repo/a");
  fs::create_symlink("../docs/agents.md", dir_ / "repo/a/AGENTS.md");
  EXPECT_THAT(docs("repo/a"), ElementsAre("repo/docs/agents.md=inside"));
  EXPECT_THAT(problems_, ElementsAre(testing::AllOf(testing::StartsWith("repo/AGENTS.md: is a link that leads out of"),
                                                    testing::EndsWith("; it is not used"))));
}

TEST_F(Facts, PipesAreNoInstructionsAndBadBytesBecomeValid) {
  fs::create_directories(dir_ / "w");
  ASSERT_EQ(mkfifo(at("w/AGENTS.md").c_str(), 0600), 0);
  write("w/CLAUDE.md", "a\xFFz");
  EXPECT_THAT(docs("w"), ElementsAre("w/CLAUDE.md=a\uFFFDz"));
  EXPECT_THAT(problems_, ElementsAre("w/AGENTS.md: is no file; it is not used",
                                     "w/CLAUDE.md: is not UTF-8; the bad bytes are replaced"));
}

TEST_F(Facts, AFileThatCannotBeReadCostsNothingButItself) {
  write("repo/.git/HEAD", "x");
  write("repo/AGENTS.md", "top");
  write("repo/a/CLAUDE.md", "middle");
  fs::create_directory(dir_ / "repo/a/AGENTS.md");
  fs::create_directories(dir_ / "repo/a/b/c");
  fs::create_symlink("AGENTS.md", dir_ / "repo/a/b/AGENTS.md");
  write("repo/a/b/c/AGENTS.md", std::string(10U << 20, 'x'));
  EXPECT_THAT(docs("repo/a/b/c", 20),
              ElementsAre("repo/AGENTS.md=top", "repo/a/CLAUDE.md=middle", "repo/a/b/c/AGENTS.md=xxxxxxxxxxx|cut"));
  ASSERT_THAT(problems_, testing::SizeIs(3));
  EXPECT_EQ(problems_[0], "repo/a/AGENTS.md: is no file; it is not used");
  EXPECT_THAT(problems_[1], testing::StartsWith("repo/a/b/AGENTS.md: Too many levels of symbolic links"));
  EXPECT_THAT(problems_[2], testing::StartsWith("repo/a/b/c/AGENTS.md: is cut"));
}

TEST_F(Facts, BranchesCommitsAndWorktrees) {
  write("repo/.git/HEAD", "ref: refs/heads/feature/x\n");
  EXPECT_EQ(git_branch(at("repo")), "feature/x");
  write("repo/.git/HEAD", "0123456789abcdef0123456789abcdef01234567\n");
  EXPECT_EQ(git_branch(at("repo")), "0123456789ab");
  write("repo/.git/worktrees/w/HEAD", "ref: refs/heads/side\n");
  write("tree/.git", "gitdir: " + at("repo/.git/worktrees/w") + "\n");
  EXPECT_EQ(git_branch(at("tree")), "side");
  write("rel/.git", "gitdir: ../repo/.git/worktrees/w\n");
  EXPECT_EQ(git_branch(at("rel")), "side");
  EXPECT_EQ(git_branch(at("nowhere")), "");
  EXPECT_EQ(repository_root(at("repo/.git/worktrees")), at("repo"));
}

TEST_F(Facts, TheEnvironmentNamesWhatThereIs) {
  write("repo/.git/HEAD", "ref: refs/heads/main\n");
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  runtime::Pool pool(loop, "fs", 1);
  FileFacts facts(pool, loop, {.shell = "/usr/bin/zsh"});
  const auto environment = *loop.block_on(facts.environment(at("repo")));
  EXPECT_EQ(environment.cwd, at("repo"));
  EXPECT_EQ(environment.repository_root, at("repo"));
  EXPECT_EQ(environment.git_branch, "main");
  EXPECT_EQ(environment.shell, "zsh");
  EXPECT_EQ(environment.date.size(), 10U);
  EXPECT_THAT(environment.os, testing::HasSubstr("Linux"));
  const auto docs = *loop.block_on(facts.docs(at("repo"), 100));
  EXPECT_EQ(docs, ports::ProjectDocs());
}

}  // namespace
}  // namespace lathe::facts
