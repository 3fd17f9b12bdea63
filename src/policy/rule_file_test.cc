#include "lathe/policy/rule_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/policy/presets.h"

namespace lathe::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string error_of(std::string_view text, const std::string& file = "r.yaml") {
  const auto rules = load_rules(text, file);
  return rules.ok() ? "" : rules.error().text();
}

struct Broken {
  const char* text;
  const char* says;
};
class BrokenFiles : public ::testing::TestWithParam<Broken> {};
TEST_P(BrokenFiles, SayLineAndColumn) { EXPECT_THAT(error_of(GetParam().text), HasSubstr(GetParam().says)); }
INSTANTIATE_TEST_SUITE_P(
    Rows, BrokenFiles,
    ::testing::Values(
        Broken{"rules:\n  - {command: git, decision: maybe}", "r.yaml:2:30: "},
        Broken{"rules:\n  - {comand: git, decision: ask}", "did you mean \"command\""},
        Broken{"rules:\n  - {command: git}", "\"decision\" is missing"},
        Broken{"rules:\n  - {decision: ask}", "about one thing"},
        Broken{"rules:\n  - {command: git, host: x, decision: ask}", "about one thing"},
        Broken{"rules:\n  - {command: '', decision: ask}", "the command is empty"}, Broken{"rules: 5", "r.yaml:1:8: "},
        Broken{"[]", "r.yaml:1:1: "}, Broken{"defualt: deny", "did you mean \"default\""},
        Broken{"rules:\n  - {host: 'a b', decision: ask}", "is no host name"},
        Broken{"rules:\n  - command: git push\n    decision: ask\n    match: [git pull]",
               "r.yaml:4:13: example \"git pull\""},
        Broken{"rules:\n  - command: git push\n    decision: ask\n    not_match: [git push x]", "r.yaml:4:17: example"},
        Broken{"rules:\n  - command: git push\n    decision: ask\n    match: ['']", "the command is empty"},
        Broken{"rules: [{tools: local_fs, action: alow}]", "r.yaml:1:35: "},
        Broken{"default_action: aprove", "r.yaml:1:17: "},
        Broken{"rules: [{tools: x, action: deny, when: [{key: a, op: globb, value: b}]}]", "r.yaml:1:54: "},
        Broken{"rules: [{tools: x, action: deny, timeout_s: -1}]", "timeout_s must be"},
        Broken{"default_action: deny\ncompute: {maxTurn: 5}", "did you mean \"maxTurns\""},
        Broken{"rules: [{tools: x, action: deny", "r.yaml:1:"}));

/// Rules that would load and never match anything.
INSTANTIATE_TEST_SUITE_P(
    NeverMatching, BrokenFiles,
    ::testing::Values(
        Broken{"rules: [{command: ls | wc, decision: deny}]", "r.yaml:1:19: \"|\" is for a shell"},
        Broken{"rules: [{command: \"git 'push\", decision: deny}]", "\"'\" is for a shell"},
        Broken{"rules: [{command: FOO=1 make, decision: deny}]", "r.yaml:1:19: \"FOO=1 make\" sets a variable"},
        Broken{"rules: [{command: git pu*, decision: deny}]", "r.yaml:1:19: \"pu*\" is a pattern"},
        Broken{"rules: [{command: git $x, decision: deny}]", "r.yaml:1:19: \"$x\" is computed"},
        Broken{"rules: [{command: ['FOO=1', make], decision: deny}]", "r.yaml:1:20: "},
        Broken{"rules: [{command: [git push], decision: deny}]", "because there are blanks in it"},
        Broken{"rules: [{commands: [ls, git push], decision: deny}]", "r.yaml:1:25: \"git push\" is no name"},
        Broken{"rules: [{commands: ['mk*'], decision: deny}]", "\"mk*\" is no name of a program"},
        Broken{"rules: [{host: 'evil.com:443', decision: deny}]", "r.yaml:1:16: \"evil.com:443\" names a port"},
        Broken{"rules: [{path: '**/x{a,b', decision: deny}]", "r.yaml:1:16: in \"**/x{a,b\" the { is not closed"},
        Broken{"rules: [{path: '**/[x', decision: deny}]", "the [ is not closed"},
        Broken{"rules: [{path: '~/x', decision: deny}]", "your home folder, which is not known here"},
        Broken{"rules: [{tool: shel, decision: deny}]", "r.yaml:1:16: there is no tool \"shel\""},
        Broken{"rules: [{tool: [read_file, 'wbe_*'], decision: deny}]", "r.yaml:1:28: there is no tool \"wbe_*\""},
        Broken{"rules: [{tool: local_fs.shell, decision: deny}]", "there is no tool \"local_fs.shell\""},
        Broken{"rules: [{tool: read_file, arguments: {pth: x}, decision: deny}]", "did you mean \"path\"?"}));

struct Heard {
  const char* rule;
  const char* matches;
  const char* not_matches;
};
class Understood : public ::testing::TestWithParam<Heard> {};
TEST_P(Understood, AndMatchesWhatItNames) {
  const auto [rule, matches, not_matches] = GetParam();
  const std::string text = std::string("rules:\n  - {") + rule + ", decision: deny, match: ['" + matches +
                           "'], not_match: ['" + not_matches + "']}\n";
  const auto rules = load_rules(text, "r.yaml", {.homes = {"/homes/p", "/data/p"}, .private_homes = {"/jails/*/home"}});
  EXPECT_TRUE(rules.ok()) << rules.error().text();
}
INSTANTIATE_TEST_SUITE_P(
    Rows, Understood,
    ::testing::Values(Heard{"tool: local_fs", "read_file", "shell"}, Heard{"tool: local_fs.grep", "grep", "glob"},
                      Heard{"tool: webtools.*", "web_post", "grep"}, Heard{"tool: run_shell_command", "shell", "grep"},
                      Heard{"tool: mcp__git__push", "mcp__git__push", "mcp__git__pull"},
                      Heard{"tool: 'web_*'", "web_get", "shell"}, Heard{"path: '~/x/**'", "/homes/p/x/y", "/w/x/y"},
                      Heard{"path: '~/x/**'", "/data/p/x/y", "~/x/y"},
                      Heard{"path: '~/x/**'", "/jails/a-b/home/x/y", "/jails/a/b/home/x/y"},
                      Heard{"path: '/homes/p/x/**'", "/jails/a-b/home/x/y", "/jails/a-b/home/y"},
                      Heard{"path: /homes/p/x", "/data/p/x", "/homes/pp/x"},
                      Heard{"path: /data/p", "/jails/a-b/home", "/jails/a-b/homes"},
                      Heard{"path: '**/[id].ts'", "/w/[id].ts", "/w/i.ts"}, Heard{"host: '[::1]'", "::1", "::2"},
                      Heard{"command: git commit -m \"a b\"", "git commit -m \"a b\"", "git commit -m a"},
                      Heard{"command: env make", "env make x", "env mak"}));

TEST(RuleFiles, WhatIsAllowedInTheHomeFolderIsNotAllowedInPrivateHomes) {
  for (const char* text : {"rules: [{path: '~/x', decision: allow, match: [/homes/p/x], not_match: [/jails/a/home/x]}]",
                           "rules: [{path: /homes/p/x, decision: allow, not_match: [/jails/a/home/x]}]"}) {
    const auto rules = load_rules(text, "r.yaml", {.homes = {"/homes/p"}, .private_homes = {"/jails/*/home"}});
    EXPECT_TRUE(rules.ok()) << rules.error().text();
  }
}

TEST(RuleFiles, ZeroTimeIsNoTime) {
  const auto rules = load_rules("rules: [{command: ls, decision: ask, timeout: 0s}]", "r.yaml");
  ASSERT_TRUE(rules.ok()) << rules.error().text();
  EXPECT_EQ(rules->rules[0].timeout, std::chrono::milliseconds(0));
}

TEST(RuleFiles, AHitlFileMaySpeakOfToolsThatAreNotHere) {
  EXPECT_EQ(error_of(R"({"rules": [
    {"tools": "nws", "tool": "shel", "when": [{"key": "pth", "op": "eq", "value": "~/x"}], "action": "deny"},
    {"tools": "local_fs", "tool": "sed", "when": [{"key": "path", "op": "glob", "value": "**/[x"}], "action": "deny"},
    {"tools": "local_shell", "when": [{"key": "command", "op": "command_blacklist", "value": "git push"}],
     "action": "deny"}]})",
                     "p.json"),
            "");
}

TEST(RuleFiles, ExamplesAreRun) {
  constexpr std::string_view kText = R"(
default: ask
rules:
  - command: [git, [push, pull]]
    decision: ask
    reason: it reaches a server
    timeout: 10m
    match: ["git push origin main", "cd x && git -C y pull", "sudo git push", "bash -c 'git push'"]
    not_match: ["git status", "git commit -m push", "./git push"]
  - commands: [mkfs, fdisk]
    decision: deny
    match: [mkfs.ext4 /dev/sda, /sbin/mkfs x, "env mkfs"]
    not_match: [mkfsx]
  - command: cargo test
    decision: allow
    match: [cargo test --all]
    not_match: ["cargo test > ~/.bashrc", "PATH=/x cargo test", "cargo test $x", "cargo -v test"]
  - {command: [make], exact: true, decision: allow, match: [make], not_match: [make install]}
  - {host: "*.example.com", decision: allow, match: [a.example.com], not_match: [example.com]}
  - {path: "**/.env", access: read, decision: deny, match: [/w/.env, a/.env], not_match: [/w/env]}
  - {tool: "mcp__*", decision: ask, match: [mcp__git__push], not_match: [shell]}
)";
  const auto rules = load_rules(kText, "r.yaml");
  // "./git push" matches an asking rule by its name, so this example is wrong on purpose below.
  ASSERT_FALSE(rules.ok());
  EXPECT_THAT(rules.error().message, HasSubstr("example \"./git push\" should not match"));
  const auto read = read_rules(kText, "r.yaml");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(failed_examples(*read).size(), 1U) << ::testing::PrintToString(failed_examples(*read));
  EXPECT_EQ(read->example_count(), 25U);
  EXPECT_EQ(read->rules[0].text, "command git push|pull: ask");
  EXPECT_EQ(read->rules[0].at.line, 4U);
}

TEST(RuleFiles, AHitlFileLoadsUnchanged) {
  const auto rules = load_rules(R"({ "default_action": "deny", "rules": [
    {"tools":"local_fs","tool":"read_file","when":[{"key":"path","op":"glob","value":"**/.env"}],"action":"approve","timeout_s":30,"on_timeout":"approve"},
    {"tools":"local_shell","tool":"*","when":[{"key":"command","op":"command_blacklist","value":"mkfs, dd"}],"action":"deny"},
    {"tools":"*","tool":"","action":"allow"} ],
    "compute": {"maxTurns":40,"modelAllowlist":[],"onExhausted":"finish_stuck"}})",
                                "p.json");
  ASSERT_TRUE(rules.ok()) << rules.error().text();
  EXPECT_EQ(rules->order, RuleSet::Order::kFirstMatch);
  EXPECT_EQ(rules->fallback, Verdict::kDeny);
  EXPECT_EQ(rules->rules.size(), 3U);
  EXPECT_EQ(rules->rules[0].timeout, std::chrono::seconds(30));
  ASSERT_EQ(rules->warnings.size(), 1U);
  EXPECT_THAT(rules->warnings[0], HasSubstr("no answer means no"));
}

TEST(RuleFiles, WithoutADefaultAHitlFileAsks) {
  const auto rules = load_rules(R"({"rules": [{"tools": "x", "action": "allow"}]})", "p.json");
  ASSERT_TRUE(rules.ok());
  EXPECT_EQ(rules->fallback, Verdict::kAsk);
}

TEST(RuleFiles, TheRulesWrittenAreRead) {
  const std::vector<base::Json> rules{{{"command", {"git", "push"}}, {"exact", true}, {"decision", "allow"}},
                                      {{"script", "a | b"}, {"decision", "allow"}}};
  const auto read = rules_as_json(write_rules(rules), "approved.json");
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(*read, rules);
}

TEST(Presets, AllLoadAndAnUnknownOneNamesTheNearest) {
  for (const std::string& name : preset_names()) EXPECT_TRUE(preset(name).ok()) << name;
  EXPECT_THAT(preset("strct").error().text(), HasSubstr("strict"));
}

}  // namespace
}  // namespace lathe::policy
