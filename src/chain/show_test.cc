#include "lathe/chain/show.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lathe/chain/load.h"

namespace lathe::chain {
namespace {

using ::testing::HasSubstr;

Chain shown_chain(const std::string& text, const std::string& file) {
  Loaded loaded = load(text, file);
  EXPECT_EQ(findings_text(file, loaded.findings), "");
  return std::move(loaded.chains.at(0));
}

TEST(Show, SaysWhatIsInheritedAndWhatMacrosStoodThere) {
  const Chain chain = shown_chain(R"(
defaults:
  execute_config: {model: "{{var:model}}", tools: [local_shell]}
  tools_policies: {local_shell: {_allowed_commands: git}}
tasks:
  - id: ask
    handler: agent
    prompt_template: |
      Look:

        {{.input}}
    execute_config: {temperature: 0.5}
    timeout: 5m
    next: end
)",
                                  "s.yaml");
  const auto shown =
      show(chain, {.macro = [](const templates::Macro& macro) -> base::Result<std::optional<std::string>> {
             if (macro.argument == "model") return std::optional<std::string>("qwen3");
             return std::optional<std::string>();
           }});
  ASSERT_TRUE(shown.ok()) << shown.error().text();
  EXPECT_EQ(*shown,
            "# s.yaml, as it is run\n"
            "tasks:\n"
            "  - id: ask\n"
            "    handler: agent\n"
            "    prompt_template: |\n"
            "      Look:\n"
            "\n"
            "        {{.input}}\n"
            "    execute_config:\n"
            "      model: qwen3  # from the defaults, line 3; was \"{{var:model}}\"\n"
            "      temperature: 0.5\n"
            "      tools:  # from the defaults, line 3\n"
            "        - local_shell\n"
            "      tools_policies:\n"
            "        local_shell:\n"
            "          _allowed_commands: git  # from the defaults, line 4\n"
            "    transition:\n"
            "      branches:\n"
            "        - operator: default\n"
            "          goto: end\n"
            "    timeout: 300000ms\n");
}

/// What is shown of any valid file of ours or contenox's can be loaded, and shows the same again.
TEST(Show, CanBeLoadedAgain) {
  const std::filesystem::path folder = std::filesystem::path(LATHE_SOURCE_DIR) / "src/chain/testdata/valid";
  for (const char* name : {"readme.json", "contenox-run.json", "everything.yaml"}) {
    std::ifstream file(folder / name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto once = show(shown_chain(text, name));
    ASSERT_TRUE(once.ok()) << once.error().text();
    const auto twice = show(shown_chain(*once, "shown.yaml"));
    ASSERT_TRUE(twice.ok()) << twice.error().text();
    const auto body = [](const std::string& shown) {
      std::string out;
      for (std::size_t at = shown.find('\n') + 1; at < shown.size();) {
        const std::size_t end = shown.find('\n', at);
        const std::string line = shown.substr(at, end - at);
        out += line.substr(0, line.find("  # ")) + "\n";
        at = end + 1;
      }
      return out;
    };
    EXPECT_EQ(body(*once), body(*twice)) << name;
  }
}

TEST(Show, FailsWhereAMacroDoes) {
  const Chain chain = shown_chain(R"json({"id": "c", "tasks": [{"id": "a", "handler": "noop",
    "prompt_template": "{{var:x}}"}]})json",
                                  "s.json");
  const auto shown = show(chain, {.macro = [](const templates::Macro&) -> base::Result<std::optional<std::string>> {
                            return base::Error{.code = "invalid", .message = "x has no value"};
                          }});
  ASSERT_FALSE(shown.ok());
  EXPECT_THAT(shown.error().message, HasSubstr("x has no value"));
}

}  // namespace
}  // namespace lathe::chain
