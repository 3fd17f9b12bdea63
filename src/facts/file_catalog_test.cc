#include "lathe/facts/file_catalog.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "lathe/runtime/loop.h"

namespace lathe::facts {
namespace {

namespace fs = std::filesystem;

class FileCatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            (std::string("catalog_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_ / "repo/.git");
    fs::create_directories(root_ / "repo/src");
    cwd_ = (root_ / "repo/src").string();
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void skill(const std::string& folder, const std::string& name, const std::string& description) {
    write(folder + "/" + name + "/SKILL.md",
          "---\nname: " + name + "\ndescription: " + description + "\n---\nbody of " + description);
  }
  FileCatalog catalog() {
    return {pool_,
            {.config_dir = (root_ / "config").string(),
             .home = (root_ / "home").string(),
             .trusted = [this](std::string_view kind, const std::string& file, std::string_view content) {
               asked_.insert(std::string(kind) + " " + fs::path(file).lexically_relative(root_).string());
               return content.find(distrusted_) == std::string_view::npos;
             }}};
  }
  ports::CatalogView look() {
    auto files = catalog();
    return *loop_.block_on(files.look(cwd_));
  }
  /// "name: description" of each skill.
  std::vector<std::string> skills() {
    std::vector<std::string> lines;
    for (const auto& skill : look().skills) lines.push_back(skill.name + ": " + skill.description);
    return lines;
  }

  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 1};
  fs::path root_;
  std::string cwd_;
  std::string distrusted_ = "never";
  std::set<std::string> asked_;
};

TEST_F(FileCatalogTest, TheNearestOfANameCounts) {
  skill("config/skills", "a", "person");
  skill("config/skills", "p", "person");
  skill("home/.claude/skills", "h", "home");
  skill("repo/.agents/skills", "a", "root");
  skill("repo/.claude/skills", "b", "root");
  skill("repo/src/.lathe/skills", "b", "src");
  skill("outside/.lathe/skills", "c", "beside the repository");
  EXPECT_EQ(skills(), (std::vector<std::string>{"a: root", "b: src", "h: home", "p: person"}));
  EXPECT_EQ(look().problems, std::vector<std::string>());
}

TEST_F(FileCatalogTest, WhatTheRepositoryBringsMustBeTrustedByContent) {
  distrusted_ = "evil";
  skill("repo/.lathe/skills", "a", "evil");
  skill("config/skills", "a", "person");
  write("repo/.lathe/agents/b.md", "---\ndescription: evil\n---\n");
  EXPECT_EQ(skills(), std::vector<std::string>{"a: person"}) << "the person's own takes its place";
  const auto view = look();
  EXPECT_TRUE(view.agents.empty());
  ASSERT_EQ(view.problems.size(), 2U);
  EXPECT_EQ(view.problems[1], (root_ / "repo/.lathe/agents/b.md").string() +
                                  ": this agent is not trusted yet (lathe trust " + (root_ / "repo").string() + ")");
  EXPECT_EQ(asked_, (std::set<std::string>{"skill repo/.lathe/skills/a/SKILL.md", "agent repo/.lathe/agents/b.md"}))
      << "the person's own are not asked about";
}

TEST_F(FileCatalogTest, ReadsOneWithWhatLiesBesideIt) {
  skill("config/skills", "pdf", "d");
  write("config/skills/pdf/scripts/run.py", "x");
  write("config/skills/pdf/forms.md", "x");
  auto files = catalog();
  const auto text = loop_.block_on(files.read_skill(cwd_, "pdf"));
  ASSERT_TRUE(text.ok()) << text.error().text();
  EXPECT_EQ(text->text, "body of d");
  EXPECT_EQ(text->files, (std::vector<std::string>{"forms.md", "scripts/run.py"}));
  EXPECT_EQ(loop_.block_on(files.read_skill(cwd_, "pfd")).error().text(),
            "there is no skill \"pfd\" (did you mean \"pdf\"?)");
}

TEST_F(FileCatalogTest, ABrokenEditIsToldAndChangesNothing) {
  FileCatalog files = catalog();
  const auto look = [&] { return *loop_.block_on(files.look(cwd_)); };
  skill("config/skills", "pdf", "reads");
  write("config/agents/a.md", "---\ndescription: reviews\ntools: [read_file]\n---\nbe strict");
  write("repo/.lathe/agents/b.md", "---\ndescription: of the repository\n---\n");
  const ports::CatalogView before = look();
  ASSERT_EQ(before.problems, std::vector<std::string>());
  write("config/skills/pdf/SKILL.md", "---\nname: pdf\n---\nno description");
  write("config/agents/a.md", "---\ndescription: [\n---\n");
  write("repo/.lathe/agents/b.md", "---\ndescripton: mistyped\n---\n");
  const ports::CatalogView broken = look();
  EXPECT_EQ(broken.skills, before.skills);
  EXPECT_EQ(broken.agents, before.agents);
  ASSERT_EQ(broken.problems.size(), 3U);
  for (const std::string& problem : broken.problems) {
    EXPECT_TRUE(problem.ends_with("; what it said before holds")) << problem;
  }
  EXPECT_EQ(loop_.block_on(files.read_skill(cwd_, "pdf"))->text, "body of reads");

  distrusted_ = "descripton";
  EXPECT_EQ(look().agents.size(), 1U) << "what nobody trusts is no edit of what was trusted";
  fs::remove(root_ / "config/agents/a.md");
  EXPECT_TRUE(look().agents.empty()) << "what is gone is gone";
  write("config/skills/pdf/SKILL.md", "---\nname: pdf\ndescription: writes\n---\nmended");
  EXPECT_EQ(loop_.block_on(files.read_skill(cwd_, "pdf"))->text, "mended");
}

TEST_F(FileCatalogTest, BrokenFilesLinksOutAndPipesAreLeftOut) {
  write("config/agents/bad.md", "no frontmatter");
  write("config/agents/good.md", "---\ndescription: d\n---\n");
  write("config/agents/notes.txt", "x");
  write("secret/SKILL.md", "---\nname: s\ndescription: secret\n---\n");
  fs::create_directories(root_ / "repo/.lathe/skills");
  fs::create_directory_symlink(root_ / "secret", root_ / "repo/.lathe/skills/s");
  fs::create_directories(root_ / "config/skills/fifo");
  ASSERT_EQ(mkfifo((root_ / "config/skills/fifo/SKILL.md").c_str(), 0600), 0);
  const auto view = look();
  EXPECT_TRUE(view.skills.empty());
  ASSERT_EQ(view.agents.size(), 1U);
  EXPECT_EQ(view.agents[0].name, "good");
  ASSERT_EQ(view.problems.size(), 2U);
  EXPECT_NE(view.problems[0].find("outside of its folder"), std::string::npos) << view.problems[0];
  EXPECT_NE(view.problems[1].find("bad.md:1:1"), std::string::npos) << view.problems[1];
}

}  // namespace
}  // namespace lathe::facts
