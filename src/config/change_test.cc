#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "lathe/config/config.h"
#include "lathe/config/test_home.h"

namespace lathe::config {
namespace {

using testing::HasSubstr;

std::string outcome(const base::Result<void>& result) { return result.ok() ? "" : result.error().text(); }

TEST(Set, WritesAFileThatIsNotThereYetAndKeepsOneThatIs) {
  const TestHome home;
  EXPECT_EQ(outcome(set(home.paths(), "default-model", "gpt-5")), "");
  EXPECT_EQ(home.config_text(), "default-model: gpt-5\n");
  home.write_config("# mine\ndefault_model: a # yes\n\nshell:\n  max-timeout: 20m\n");
  EXPECT_EQ(outcome(set(home.paths(), "default-model", "b c")), "");
  EXPECT_EQ(outcome(set(home.paths(), "shell.default-timeout", "3m")), "");
  EXPECT_EQ(outcome(set(home.paths(), "budget.usd", "2.5")), "");
  EXPECT_EQ(outcome(set(home.paths(), "fallback-models", "x, y/z")), "");
  EXPECT_EQ(home.config_text(),
            "# mine\ndefault_model: \"b c\" # yes\n\nshell:\n  max-timeout: 20m\n  default-timeout: 3m\n"
            "budget:\n  usd: 2.5\nfallback-models: [x, y/z]\n");
  EXPECT_EQ(load(home.paths(), {})->config.fallback_models, (std::vector<std::string>{"x", "y/z"}));
}

TEST(Set, RefusesWhatLoadWouldRefuseAndLeavesTheFileAlone) {
  const TestHome home;
  home.write_config("default-model: a\n");
  EXPECT_EQ(outcome(set(home.paths(), "defualt-model", "x")),
            "there is no setting \"defualt-model\" (did you mean \"default-model\"?)");
  EXPECT_EQ(outcome(set(home.paths(), "durability", "powr")),
            "durability: \"powr\" is not known (did you mean \"power\"? give one of: process, power)");
  EXPECT_EQ(outcome(set(home.paths(), "budget.turns", "many")),
            "budget.turns \"many\": expected a whole number, not text (give a whole number, at least 0)");
  EXPECT_EQ(outcome(set(home.paths(), "budget.turns", "-1")),
            "budget.turns \"-1\": must be at least 0 (give a whole number, at least 0)");
  EXPECT_EQ(outcome(set(home.paths(), "memory-bytes", "0")),
            "memory-bytes \"0\": must be at least 1 (give a whole number, at least 1)");
  EXPECT_EQ(outcome(set(home.paths(), "default-backend", "opneai")),
            "there is no backend \"opneai\" (did you mean \"openai\"?)");
  EXPECT_THAT(outcome(set(home.paths(), "shell.default-timeout", "1h")), HasSubstr("longer than shell.max-timeout"));
  EXPECT_EQ(home.config_text(), "default-model: a\n");
  home.write_config("a: [1\n");
  EXPECT_THAT(outcome(set(home.paths(), "default-model", "x")), HasSubstr("not YAML"));
  EXPECT_EQ(home.config_text(), "a: [1\n");
}

TEST(Set, FollowsALinkToTheFile) {
  const TestHome home;
  const std::string real = home.folder() + "/real.yaml";
  ASSERT_TRUE(runtime::replace_file(real, "default-model: a\n", 0600, runtime::Durability::kProcess).ok());
  std::filesystem::create_symlink(real, home.paths().config_file);
  EXPECT_EQ(outcome(set(home.paths(), "default-model", "b")), "");
  EXPECT_EQ(*runtime::read_file(real), "default-model: b\n");
  EXPECT_TRUE(std::filesystem::is_symlink(home.paths().config_file));
}

TEST(Backends, AreAddedInOrderAndRemovedWithTheirDefault) {
  const TestHome home;
  EXPECT_EQ(outcome(add_backend(home.paths(), {.name = "b", .type = "openai"})), "");
  EXPECT_EQ(outcome(add_backend(home.paths(), {.name = "a",
                                               .type = "compatible",
                                               .url = "http://127.0.0.1:1/v1",
                                               .api_key_env = "A_KEY",
                                               .headers = {{"X-A", "1"}},
                                               .default_model = "m"})),
            "");
  EXPECT_EQ(outcome(set(home.paths(), "default-backend", "a")), "");
  EXPECT_EQ(home.config_text(),
            "backends:\n  b:\n    type: openai\n  a:\n    type: compatible\n    url: http://127.0.0.1:1/v1\n"
            "    api-key-env: A_KEY\n    default-model: m\n    headers:\n      X-A: \"1\"\ndefault-backend: a\n");
  const auto loaded = load(home.paths(), {});
  ASSERT_TRUE(loaded.ok()) << loaded.error().text();
  ASSERT_EQ(loaded->config.backends.size(), 2U);
  EXPECT_EQ(loaded->config.backends[1].headers.at("X-A"), "1");

  EXPECT_EQ(outcome(remove_backend(home.paths(), "a")), "");
  EXPECT_EQ(home.config_text(), "backends:\n  b:\n    type: openai\n");
  EXPECT_EQ(outcome(remove_backend(home.paths(), "b")), "");
  EXPECT_EQ(home.config_text(), "backends:\n");
  EXPECT_TRUE(load(home.paths(), {})->config.backends.empty());
}

TEST(Backends, WrongOnesAreRefused) {
  const TestHome home;
  ASSERT_EQ(outcome(add_backend(home.paths(), {.name = "lab", .type = "vllm"})), "");
  EXPECT_EQ(outcome(add_backend(home.paths(), {.name = "lab", .type = "openai"})),
            "there is a backend \"lab\" already (lathe backend remove lab)");
  EXPECT_EQ(outcome(add_backend(home.paths(), {.name = "x", .type = "antropic"})),
            "backend x: type \"antropic\" is not known (did you mean \"anthropic\"?)");
  EXPECT_THAT(outcome(remove_backend(home.paths(), "lba")), HasSubstr("did you mean \"lab\"?"));
}

TEST(MakeDefaultBackend, LeavesNoModelOfAnotherBackend) {
  const TestHome home;
  for (const auto& [model, left] :
       std::vector<std::pair<std::string, std::string>>{{"m", ""}, {"old/m", ""}, {"new/m", "new/m"}}) {
    home.write_config("default-backend: old\ndefault-model: " + model +
                      "\nbackends:\n  old: {type: openai}\n  new: {type: openai}\n");
    EXPECT_EQ(make_default_backend(home.paths(), "new").value_or("?"), left.empty() ? model : "");
    const auto loaded = load(home.paths(), {});
    ASSERT_TRUE(loaded.ok()) << loaded.error().text();
    EXPECT_EQ(loaded->config.default_backend, "new");
    EXPECT_EQ(loaded->config.default_model, left);
  }
}

}  // namespace
}  // namespace lathe::config
