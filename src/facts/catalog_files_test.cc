#include "lathe/facts/catalog_files.h"

#include <gtest/gtest.h>

namespace lathe::facts {
namespace {

std::string skill_error(std::string_view text) {
  const auto skill = parse_skill(text, "SKILL.md");
  return skill.ok() ? "" : skill.error().text();
}
std::string agent_error(std::string_view text) {
  const auto agent = parse_agent(text, "agents/reviewer.md");
  return agent.ok() ? "" : agent.error().text();
}

TEST(SkillFile, NameDescriptionAndBody) {
  const auto skill = parse_skill(
      "---\nname: pdf\ndescription: Reads PDFs.\nlicense: MIT\nmetadata:\n  x: [1]\n---\n\n# PDF\nDo this.\n", "f");
  ASSERT_TRUE(skill.ok()) << skill.error().text();
  EXPECT_EQ(skill->info, (ports::SkillInfo{.name = "pdf", .description = "Reads PDFs.", .file = "f"}));
  EXPECT_EQ(skill->text, "# PDF\nDo this.\n");
}

TEST(SkillFile, PlainTextThatIsNoYamlIsText) {
  const auto skill = parse_skill("---\r\nname: pdf\r\ndescription: Use it when: it's a PDF # 1\r\n---\r\nbody", "f");
  ASSERT_TRUE(skill.ok()) << skill.error().text();
  EXPECT_EQ(skill->info.description, "Use it when: it's a PDF # 1");
  EXPECT_EQ(skill->text, "body");
}

TEST(SkillFile, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(skill_error("# PDF\n"),
            "SKILL.md:1:1: the file does not begin with frontmatter (begin it with a line of ---)");
  EXPECT_EQ(skill_error("---\nname: pdf\n"), "SKILL.md:1:1: the frontmatter does not end (end it with a line of ---)");
  EXPECT_NE(skill_error("---\nname: pdf\n---\n").find("description"), std::string::npos);
  EXPECT_EQ(skill_error("---\ndescription: x\nname: a b\n---\n"),
            "SKILL.md:3:7: name \"a b\" may hold letters, digits, \".\", \"_\" and \"-\" only");
  EXPECT_EQ(skill_error("---\nname: x\ndescription: \"\"\n---\n"), "SKILL.md:3:14: description is empty");
  EXPECT_EQ(skill_error("---\nname: " + std::string(65, 'x') + "\ndescription: d\n---\n"),
            "SKILL.md:2:7: name must have 1 to 64 characters");
  EXPECT_NE(skill_error("---\n- a\n---\n").find("SKILL.md:2:1: the frontmatter is no map"), std::string::npos);
  EXPECT_TRUE(skill_error("---\nname: [\n---\n").starts_with("SKILL.md:"));
}

TEST(AgentFile, EverythingThatNarrowsIt) {
  const auto agent = parse_agent(
      "---\ndescription: Reviews.\nmodel: b/m\ntools: Read, Grep\nmax_turns: 20\nmax_tokens: 1000\nmax-tool-calls: 7\n"
      "max_time: 5m\ntools_policies:\n  local_shell:\n    _allowed_commands: [git, ls]\n  local_fs:\n"
      "    _max_read_bytes: 100\n---\nYou review.\n",
      "agents/reviewer.md");
  ASSERT_TRUE(agent.ok()) << agent.error().text();
  ports::AgentDefinition expected{.name = "reviewer", .description = "Reviews.", .file = "agents/reviewer.md"};
  expected.model = "b/m";
  expected.tools = {"Read", "Grep"};
  expected.budget = {.turns = 20, .tool_calls = 7, .tokens = 1000, .millis = 300'000};
  expected.policies.shell.allowed_commands = {"git", "ls"};
  expected.policies.files.max_read_bytes = 100;
  expected.instructions = "You review.";
  EXPECT_EQ(*agent, expected);
}

TEST(AgentFile, NoToolsIsNotAllTools) {
  EXPECT_EQ(parse_agent("---\ndescription: d\n---\n", "a.md")->tools, std::nullopt);
  EXPECT_EQ(parse_agent("---\ndescription: d\ntools:\n---\n", "a.md")->tools, std::vector<std::string>());
  EXPECT_EQ(parse_agent("---\ndescription: d\ntools: [Read]\nmodel: inherit\n---\n", "a.md")->tools,
            std::vector<std::string>{"Read"});
}

TEST(AgentFile, WhatIsNotKnownIsAnError) {
  EXPECT_EQ(agent_error("---\ndescription: d\nmax_turn: 3\n---\n"),
            "agents/reviewer.md:3:1: \"max_turn\" is not a known key (did you mean \"max_turns\"?)");
  EXPECT_EQ(agent_error("---\ndescription: d\nmax_turns: -1\n---\n"),
            "agents/reviewer.md:3:12: max_turns must be at least 0");
  EXPECT_EQ(agent_error("---\ndescription: d\ntools_policies:\n  local_shell:\n    _allowed: x\n---\n"),
            "agents/reviewer.md:5:5: local_shell has no policy \"_allowed\" (did you mean \"_allowed_commands\"?)");
  EXPECT_TRUE(agent_error("---\ndescription: d\ntools_policies: x\n---\n").starts_with("agents/reviewer.md:3:17: "));
}

}  // namespace
}  // namespace lathe::facts
