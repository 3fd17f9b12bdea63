#include "lathe/agent/catalog_context.h"

#include <gtest/gtest.h>

namespace lathe::agent {
namespace {

ports::CatalogView view_of(std::vector<std::pair<std::string, std::string>> skills,
                           std::vector<std::pair<std::string, std::string>> agents = {}) {
  ports::CatalogView view;
  for (auto& [name, description] : skills)
    view.skills.push_back({.name = name, .description = description, .file = ""});
  for (auto& [name, description] : agents) view.agents.push_back({.name = name, .description = description});
  return view;
}
constexpr CatalogUse kBoth{.skills = true, .agents = true};

TEST(CatalogText, ListsWhatThereIsAToolFor) {
  const auto view = view_of({{"a", "A."}, {"b", "B."}}, {{"explore", "Looks."}});
  EXPECT_EQ(catalog_text(view, kBoth, 1000),
            "Skills: instructions for kinds of work. Before you do such work, read the one that fits with read_skill.\n"
            "- a: A.\n- b: B.\n\nAgents that spawn_agent knows by name:\n- explore: Looks.\n");
  EXPECT_EQ(catalog_text(view, {.skills = false, .agents = true}, 1000),
            "Agents that spawn_agent knows by name:\n- explore: Looks.\n");
  EXPECT_EQ(catalog_text({}, kBoth, 1000), "");
}

TEST(CatalogText, StaysWithinItsBound) {
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 50; ++i) many.emplace_back("s" + std::to_string(i), std::string(500, 'x'));
  const std::string text = catalog_text(view_of(many), kBoth, 2'000);
  EXPECT_LE(text.size(), 2'200U);
  EXPECT_NE(text.find("- s0: " + std::string(100, 'x') + "…\n"), std::string::npos);
  EXPECT_NE(text.find("more are left out"), std::string::npos);
}

TEST(MentionedSkills, AreNamesThatExist) {
  const auto view = view_of({{"pdf", ""}, {"pdf-forms", ""}});
  using Names = std::vector<std::string>;
  EXPECT_EQ(mentioned_skills("use $pdf-forms, then $pdf. And $pdf", view), (Names{"pdf-forms", "pdf"}));
  EXPECT_EQ(mentioned_skills("echo $HOME costs 5$pdf $ $$", view), Names{});
  EXPECT_EQ(mentioned_skills("$pdf", {}), Names{});
}

TEST(MentionedSkills, ALongOneIsCut) {
  const ports::SkillText skill{.info = {.name = "pdf", .description = "", .file = "/s/pdf/SKILL.md"},
                               .text = "0123456789"};
  EXPECT_EQ(mentioned_skill_text(skill, 100),
            "The user wants the skill pdf to be used. It lies in /s/pdf.\n<skill name=\"pdf\">\n0123456789\n</skill>");
  EXPECT_NE(mentioned_skill_text(skill, 4).find("0123\n[the rest is left out: read /s/pdf/SKILL.md]"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::agent
