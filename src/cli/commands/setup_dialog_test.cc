#include "lathe/cli/commands/setup_dialog.h"

#include <gtest/gtest.h>

#include "lathe/cli/chat_commands.h"
#include "lathe/cli/commands/doctor.h"

namespace lathe::cli {
namespace {

TEST(SetupDialog, DefaultsMakeABackend) {
  SetupDialog dialog({});
  for (int step = 0; step < 4; ++step) ASSERT_TRUE(dialog.answer("").ok()) << dialog.question();
  ASSERT_TRUE(dialog.done());
  EXPECT_EQ(dialog.backend().name, "openai");
  EXPECT_EQ(dialog.backend().type, "openai");
}

TEST(SetupDialog, WrongAnswersKeepTheQuestionAndNeverRepeatAKey) {
  SetupDialog dialog({});
  EXPECT_EQ(dialog.answer("olama").error().hint, "did you mean \"ollama\"?");
  ASSERT_TRUE(dialog.answer("anthropic").ok());
  EXPECT_FALSE(dialog.answer("not a url").ok());
  ASSERT_TRUE(dialog.answer("").ok());
  const auto refused = dialog.answer("sk-ant-secret");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().text().find("secret"), std::string::npos);
  ASSERT_TRUE(dialog.answer("MY_KEY").ok());
  ASSERT_TRUE(dialog.answer("mine").ok());
  EXPECT_EQ(dialog.backend().api_key_env, "MY_KEY");
  EXPECT_EQ(dialog.backend().name, "mine");
}

TEST(SetupDialog, NamesThatAreTakenAreNotOfferedAndRefused) {
  SetupDialog dialog({"openai", "openai-2"});
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(dialog.answer("").ok()) << dialog.question();
  EXPECT_EQ(dialog.question(), "A name for it? [openai-3]");
  EXPECT_FALSE(dialog.answer("openai").ok());
  ASSERT_TRUE(dialog.answer("").ok());
  EXPECT_EQ(dialog.backend().name, "openai-3");
}

TEST(Doctor, EveryFindingWithItsCommand) {
  const std::vector<Finding> findings{{Finding::State::kGood, "git", "found", ""},
                                      {Finding::State::kBroken, "backends", "none", "lathe setup"}};
  EXPECT_EQ(findings_text(findings, {}),
            "ok       git: found\nbroken   backends: none\n         mend it: lathe setup\n");
  EXPECT_TRUE(any_broken(findings));
}

TEST(ChatCommands, NearestNameAndPathsAreMessages) {
  EXPECT_EQ(*parse_chat_command("/model big"), (ChatCommand{.verb = ChatVerb::kModel, .argument = "big"}));
  EXPECT_EQ(parse_chat_command("/compct").error().hint, "did you mean \"/compact\"?");
  EXPECT_TRUE(is_chat_command("/quit"));
  EXPECT_FALSE(is_chat_command("/usr/bin is full"));
  EXPECT_FALSE(is_chat_command("what?"));
}

}  // namespace
}  // namespace lathe::cli
