#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/base/strings.h"
#include "lathe/config/backend_types.h"
#include "lathe/config/config.h"
#include "lathe/config/settings.h"
#include "lathe/config/test_home.h"

namespace lathe::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

Loaded load_or_fail(const TestHome& home, Environment environment = {}) {
  auto loaded = load(home.paths(), environment);
  if (!loaded.ok()) {
    ADD_FAILURE() << loaded.error().text();
    return {};
  }
  return *std::move(loaded);
}

std::vector<std::string> backend_names(const Loaded& loaded) {
  std::vector<std::string> names;
  for (const Backend& backend : loaded.config.backends) names.push_back(backend.name);
  return names;
}

TEST(Load, WithNothingIsTheDefaults) {
  const TestHome home;
  const Loaded loaded = load_or_fail(home);
  EXPECT_EQ(loaded.config, Config{});
  EXPECT_TRUE(loaded.warnings.empty());
  for (const Setting& setting : loaded.settings) EXPECT_EQ(setting.source, "default") << setting.key;
  EXPECT_EQ(*get(loaded, "compact_at_percent"),
            (Setting{.key = "compact-at-percent", .value = "90", .source = "default", .when_empty = ""}));
  EXPECT_EQ(*get(loaded, "budget.turns"),
            (Setting{.key = "budget.turns", .value = "", .source = "default", .when_empty = "200"}));
}

TEST(Load, ReadsEverySettingFromTheFile) {
  const TestHome home;
  home.write_config(R"(
default_backend: lab
default-model: big
fallback-models: [lab/small, openai/gpt-5]
approval-policy: untrusted
budget: {turns: 0, tool-calls: 5, tokens: 6, usd: 2.5, time: 1h30m}
shell:
  default-timeout: 5s
  max-timeout: 10s
durability: power
repeated-call-limit: 0
tool-output-tokens: 500
compact-at-percent: 80
connect-timeout: 5s
answer-timeout: 20m
stream-idle-timeout: 1m
thinking-stall-timeout: 90s
project-docs-bytes: 0
project-docs-fallback: [TEAM.md, CLAUDE.md]
patch-extent: what-fits
backends:
  lab:
    type: vllm
    url: https://lab.example/v1/
    api-key-command: pass show lab
    default-model: big
    answer-timeout: 90s
    headers: {X-Team: tools}
)");
  const Loaded loaded = load_or_fail(home);
  Config expected;
  expected.backends = {{.name = "lab",
                        .type = "vllm",
                        .url = "https://lab.example/v1",
                        .api_key_command = "pass show lab",
                        .headers = {{"X-Team", "tools"}},
                        .default_model = "big",
                        .answer_timeout = 90s}};
  expected.default_backend = "lab";
  expected.default_model = "big";
  expected.fallback_models = {"lab/small", "openai/gpt-5"};
  expected.approval_policy = protocol::ApprovalPolicy::kUntrusted;
  expected.budget = {.turns = 0, .tool_calls = 5, .tokens = 6, .micro_usd = 2'500'000, .millis = 5'400'000};
  expected.shell = {.default_timeout = 5s, .max_timeout = 10s};
  expected.durability = "power";
  expected.repeated_call_limit = 0;
  expected.tool_output_tokens = 500;
  expected.compact_at_percent = 80;
  expected.connect_timeout = 5s;
  expected.answer_timeout = 20min;
  expected.stream_idle_timeout = 60s;
  expected.thinking_stall_timeout = 90s;
  expected.project_docs_bytes = 0;
  expected.patch_extent = "what-fits";
  expected.project_docs_fallback = {"TEAM.md", "CLAUDE.md"};
  EXPECT_EQ(loaded.config, expected);
  EXPECT_TRUE(loaded.warnings.empty()) << loaded.warnings.front();
  EXPECT_EQ(get(loaded, "budget.usd")->value, "2.5");
  EXPECT_EQ(get(loaded, "budget.time")->value, "1h30m");
  EXPECT_EQ(get(loaded, "fallback-models")->value, "lab/small,openai/gpt-5");
  EXPECT_EQ(get(loaded, "shell.max-timeout")->source, home.paths().config_file + ":9");
}

TEST(Load, WhatMayNeverComeIsNeverAndZeroIsZero) {
  const TestHome home;
  home.write_config("daemon: {idle-exit: never}\n");
  const Loaded loaded = load_or_fail(home);
  EXPECT_EQ(loaded.config.daemon_idle_exit, kNever);
  EXPECT_EQ(get(loaded, "daemon.idle-exit")->value, "never");
  const Environment environment{.variables = {{"LATHE_DAEMON_IDLE_EXIT", "0s"}}};
  EXPECT_EQ(load_or_fail(home, environment).config.daemon_idle_exit, 0ms);
  home.write_config("budget: {time: never}\n");
  EXPECT_FALSE(load(home.paths(), {}).ok()) << "not every time may be never";
}

TEST(Load, PathsBeginAtTheRootOrAtHome) {
  const TestHome home;
  home.write_config("readable-roots: [/data, ~/src]\n");
  EXPECT_THAT(load_or_fail(home).config.readable_roots, ElementsAre("/data", "~/src"));
  const Environment environment{.variables = {{"LATHE_READABLE_ROOTS", "/a, ~/b"}}};
  EXPECT_THAT(load_or_fail(home, environment).config.readable_roots, ElementsAre("/a", "~/b"));
  home.write_config("readable-roots: [/data, src]\n");
  EXPECT_THAT(load(home.paths(), {}).error().message,
              HasSubstr("config.yaml:1:17: readable-roots: \"src\" must begin with / or ~/"));
}

TEST(Load, VariablesWinOverTheFile) {
  const TestHome home;
  home.write_config("default-model: a\nbudget: {turns: 1}\n");
  const Loaded loaded = load_or_fail(home, {.variables = {{"LATHE_DEFAULT_MODEL", "b"}, {"LATHE_BUDGET_TURNS", ""}}});
  EXPECT_EQ(loaded.config.default_model, "b");
  EXPECT_EQ(loaded.config.budget.turns, 1);
  EXPECT_EQ(get(loaded, "default-model")->source, "LATHE_DEFAULT_MODEL");
  EXPECT_EQ(load(home.paths(), {.variables = {{"LATHE_DURABILITY", "powr"}}}).error().text(),
            "LATHE_DURABILITY: \"powr\" is not known (did you mean \"power\"? give one of: process, power)");
}

TEST(Load, UnknownKeysWarnWithTheNearest) {
  const TestHome home;
  home.write_config("defualt_model: x\nbudget:\n  turn: 3\nbackends:\n  l: {type: ollama, uri: x}\n");
  const std::string& file = home.paths().config_file;
  EXPECT_THAT(load_or_fail(home).warnings,
              testing::UnorderedElementsAre(
                  file + ":1:1: \"defualt_model\" is not a known key (did you mean \"default_model\"?)",
                  file + ":3:3: \"turn\" is not a known key (did you mean \"turns\"?)",
                  file + ":5:21: \"uri\" is not a known key (did you mean \"url\"?)"));
}

TEST(Load, WrongValuesAreErrorsWithTheirPlaceAllAtOnce) {
  const TestHome home;
  home.write_config(
      "approval-policy: allways\ncompact-at-percent: 101\nshell: {max-timeout: 5}\nbackends:\n  a: {type: opneai}\n"
      "  b: {type: compatible}\n  c: {type: openai, url: ftp://x}\n  d: {url: http://x}\n");
  const auto loaded = load(home.paths(), {});
  ASSERT_FALSE(loaded.ok());
  std::vector<std::string> lines;
  for (const auto line : base::split_lines(loaded.error().message)) {
    lines.emplace_back(line.substr(home.paths().config_file.size()));
  }
  EXPECT_THAT(lines,
              ElementsAre(":1:18: \"allways\" is not known (one of: on-request, never, untrusted, on-failure)",
                          ":2:21: compact-at-percent must be from 10 to 100",
                          ":3:22: expected a duration, not a number (such as 15s, 5m or 1h30m)",
                          ":5:3: backend a: type \"opneai\" is not known (did you mean \"openai\"?)",
                          ":6:3: backend b: type compatible needs a URL (such as http://127.0.0.1:1234/v1)",
                          ":7:3: backend c: the URL \"ftp://x\" is neither http nor https (such as https://host/v1)",
                          ":8:6: \"type\" is missing"));
}

TEST(Load, BrokenFilesAndCrossedLimitsAreErrors) {
  const TestHome home;
  home.write_config("a: [1\n");
  EXPECT_THAT(load(home.paths(), {}).error().message, HasSubstr("config.yaml:2:1: not YAML"));
  home.write_config("shell: {default-timeout: 1h}\n");
  EXPECT_THAT(load(home.paths(), {}).error().message, HasSubstr("is longer than shell.max-timeout (default)"));
  home.write_config("- a\n");
  EXPECT_THAT(load(home.paths(), {}).error().message, HasSubstr("expected a map, not a list"));
}

TEST(Load, TheEnvironmentMakesBackendsInOrder) {
  const TestHome home;
  home.write_config("backends:\n  anthropic: {type: anthropic, url: https://proxy.example}\n");
  const Loaded loaded = load_or_fail(home, {.variables = {{"LLMX_API_KEY", "k"},
                                                          {"ANTHROPIC_API_KEY", "k"},
                                                          {"OPENAI_API_KEY", "k"},
                                                          {"OPENAI_BASE_URL", "http://127.0.0.1:9/v1"}}});
  EXPECT_THAT(backend_names(loaded), ElementsAre("anthropic", "openai", "llmx"));
  EXPECT_EQ(loaded.config.backends[0].url, "https://proxy.example");
  EXPECT_EQ(loaded.config.backends[0].api_key_env, "ANTHROPIC_API_KEY");
  EXPECT_EQ(loaded.config.backends[1], (Backend{.name = "openai",
                                                .type = "openai",
                                                .url = "http://127.0.0.1:9/v1",
                                                .api_key_env = "OPENAI_API_KEY",
                                                .origin = "environment"}));
  EXPECT_EQ(loaded.config.backends[2].url, "http://localhost:4000/v1");
  EXPECT_EQ(loaded.config.backends[2].type, "litellm");
}

TEST(Load, AUrlWithoutAKeyIsEnoughOnThisMachineOnly) {
  const TestHome home;
  EXPECT_THAT(backend_names(load_or_fail(home, {.variables = {{"OPENAI_BASE_URL", "http://localhost:1/v1"}}})),
              ElementsAre("openai"));
  const Loaded remote = load_or_fail(home, {.variables = {{"OPENAI_BASE_URL", "https://models.example/v1"}}});
  EXPECT_THAT(backend_names(remote), ElementsAre());
  EXPECT_THAT(remote.warnings, ElementsAre(HasSubstr("OPENAI_API_KEY is not")));
  EXPECT_THAT(load(home.paths(), {.variables = {{"LLMX_BASE_URL", "nonsense"}}}).error().message,
              HasSubstr("LLMX_BASE_URL"));
}

TEST(Load, AKeyOverPlainHttpIsForTheBackendThatIsUsed) {
  const TestHome home;
  const Environment environment{
      .variables = {{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "http://models.example/v1"}}};
  const Loaded loaded = load_or_fail(home, environment);
  EXPECT_THAT(loaded.warnings, ElementsAre());
  ASSERT_EQ(loaded.config.backends.size(), 1U);
  EXPECT_THAT(cleartext_warning(loaded.config.backends[0], environment),
              HasSubstr("models.example without encryption"));
  EXPECT_EQ(cleartext_warning(loaded.config.backends[0], {}), "");
}

TEST(BackendTypes, EveryTypeIsWholeAndFound) {
  for (const BackendType& type : backend_types()) {
    EXPECT_EQ(find_backend_type(type.name), &type);
    Backend backend{.name = "x", .type = std::string(type.name)};
    if (type.default_url.empty()) backend.url = "http://h/v1";
    EXPECT_TRUE(complete(backend).ok()) << type.name;
  }
  for (const LocalServer& server : local_servers()) EXPECT_TRUE(complete(server.backend).ok());
}

TEST(BackendTypes, WhatCannotWorkIsRefusedWithoutShowingAKey) {
  const auto error_of = [](Backend backend) { return complete(std::move(backend)).error().text(); };
  EXPECT_THAT(error_of({.name = "a/b", .type = "openai"}), HasSubstr("cannot be a backend's name"));
  EXPECT_THAT(error_of({.name = "a", .type = "openai", .api_key_env = "K", .api_key_command = "c"}),
              HasSubstr("exclude each other"));
  const std::string leaked = error_of({.name = "a", .type = "openai", .api_key_env = "sk-secret"});
  EXPECT_THAT(leaked, HasSubstr("name of an environment variable"));
  EXPECT_FALSE(leaked.contains("sk-secret"));
  EXPECT_THAT(error_of({.name = "a", .type = "openai", .headers = {{"X", "a\r\nB: c"}}}),
              HasSubstr("control character"));
  EXPECT_THAT(error_of({.name = "a", .type = "openai", .headers = {{"X:", "a"}}}), HasSubstr("no header name"));
}

TEST(Settings, WhatIsShownReadsBackAsTheSame) {
  Config config;
  config.shell.default_timeout = 90'500ms;
  config.budget = {.turns = 1, .micro_usd = 1'234'567, .millis = 3'600'000};
  config.fallback_models = {"a", "b/c"};
  Config copy;
  for (const SettingSpec& spec : setting_specs()) {
    const std::string shown = shown_value(spec, config);
    if (shown.empty()) continue;
    formats::Problems problems("");
    EXPECT_TRUE(read_setting(spec, typed_value(spec, shown), copy, problems)) << spec.key << " " << shown;
  }
  EXPECT_EQ(copy, config);
}

}  // namespace
}  // namespace lathe::config
