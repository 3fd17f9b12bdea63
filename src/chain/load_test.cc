#include "lathe/chain/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "lathe/chain/check.h"

namespace lathe::chain {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

std::vector<std::string> ids_of(const std::vector<Finding>& findings) {
  std::vector<std::string> ids;
  for (const Finding& finding : findings) ids.push_back(finding.id);
  return ids;
}

/// The only chain of a file without findings.
Chain loaded_chain(std::string_view text, const std::string& file = "c.yaml") {
  Loaded loaded = load(text, file);
  EXPECT_EQ(findings_text(file, loaded.findings), "");
  EXPECT_THAT(loaded.chains, SizeIs(1));
  return loaded.chains.empty() ? Chain{} : std::move(loaded.chains.front());
}

constexpr const char* kSmall = R"({"id": "c", "tasks": [{"id": "a", "handler": "noop"}]})";

TEST(Load, TellsTheDialectsApart) {
  EXPECT_EQ(loaded_chain(kSmall, "c.json").dialect, Dialect::kContenox);
  EXPECT_EQ(loaded_chain(kSmall, "c.yaml").dialect, Dialect::kLathe);
  EXPECT_EQ(loaded_chain(R"({"version": 1, "tasks": [{"id": "a", "handler": "noop"}]})", "c.json").dialect,
            Dialect::kLathe);
  EXPECT_EQ(loaded_chain(R"({"tasks": [{"id": "a", "handler": "shell", "command": "ls"}]})", "c.json").dialect,
            Dialect::kLathe);
  EXPECT_EQ(loaded_chain(R"({"workflows": [{"name": "w", "entry_point": "a", "steps": {
                           "a": {"type": "bash", "command": "ls"}}}]})",
                         "c.json")
                .dialect,
            Dialect::kVix);
}

TEST(Load, KeepsPlacesAndTexts) {
  const Chain chain = loaded_chain(
      "tasks:\n  - id: say\n    handler: chat_completion\n    prompt_template: |\n"
      "      Say\n      {{.input}}\n    timeout: 1m30s\n");
  const Task& task = chain.tasks.at(0);
  EXPECT_EQ(task.id.at, (Position{.line = 2, .column = 9}));
  EXPECT_EQ(task.handler_at, (Position{.line = 3, .column = 14}));
  EXPECT_EQ(*task.timeout, 90s);
  const auto& chat = std::get<ChatCompletion>(task.does);
  EXPECT_EQ(chat.prompt_template->text(), "Say\n{{.input}}\n");
  EXPECT_EQ(chain.place(chat.prompt_template, 4), (Position{.line = 6, .column = 7}));
}

TEST(Load, ReadsEveryFieldOfContenox) {
  const Chain chain = loaded_chain(R"({
    "id": "c", "debug": true, "description": "d", "token_limit": 4096,
    "tasks": [{
      "id": "a", "handler": "chat_completion", "description": "t", "input_var": "input", "input_max_bytes": 10,
      "print": "p", "timeout": "1.5s", "retry_on_failure": 2,
      "execute_config": {"model": "m", "models": ["n"], "provider": "p", "providers": ["q"], "temperature": 1,
        "tools": ["*"], "hide_tools": ["x.y"], "tools_policies": {"local_shell": {"_allowed_commands": "git"}},
        "pass_clients_tools": true, "think": false, "max_tokens": 100, "shift": true,
        "retry_policy": {"max_attempts": 2, "initial_backoff": 1000000, "fallback_after": 1}},
      "transition": {"on_failure": "end", "branches": [
        {"operator": "edge_traversed_at_least", "edge": "a->a", "when": "3", "goto": "end"},
        {"operator": "default", "goto": "a"}]}
    }]})",
                                   "c.json");
  EXPECT_TRUE(*chain.debug);
  EXPECT_EQ(*chain.token_limit, 4096);
  const Task& task = chain.tasks.at(0);
  EXPECT_EQ(*task.timeout, 1500ms);
  EXPECT_EQ(*task.retry_on_failure, 2);
  EXPECT_EQ(*task.transition.on_failure, "end");
  ASSERT_NE(task.use(), nullptr);
  EXPECT_EQ(task.use()->think->text(), "false");
  EXPECT_EQ(task.use()->max_tokens->text(), "100");
  EXPECT_EQ(*task.use()->retry_policy->initial_backoff, 1ms);
  EXPECT_EQ(task.use()->tools_policies.at(0).keys.at(0).value->text(), "git");
  ASSERT_THAT(task.transition.branches, SizeIs(2));
  EXPECT_EQ(*task.transition.branches[0].op, Operator::kEdgeTraversedAtLeast);
  EXPECT_EQ(*task.transition.branches[0].edge, "a->a");
}

TEST(Load, ReportsUnknownFieldsAndForbidsThemWhenStrict) {
  constexpr std::string_view kText = R"({"id": "c", "tasks": [{"id": "a", "handler": "noop", "descripton": "x"}]})";
  const Loaded lenient = load(kText, "c.json");
  ASSERT_THAT(ids_of(lenient.findings), ElementsAre("unknown-field"));
  EXPECT_FALSE(has_errors(lenient.findings));
  EXPECT_EQ(lenient.findings[0].hint, "did you mean \"description\"?");
  EXPECT_TRUE(has_errors(load(kText, "c.json", {.unknown_fields = LoadOptions::UnknownFields::kError}).findings));
}

constexpr std::string_view kWorkflows = R"json({"workflows": [
  {"name": "one", "entry_point": {"id": "b", "params": {"x": "1"}}, "steps": {
    "a": {"type": "bash", "command": "ls $(x)", "timeout_sec": 5, "next_steps": ["stop"]},
    "b": {"type": "agent", "agent": "g", "prompt": "p", "on_error": "stop", "next_steps": [
      {"id": "a", "execute_if": "true"}, {"id": "stop"}]}}},
  {"name": "two", "entry_point": "q", "steps": {
    "q": {"type": "tool", "tool": "ask_question_to_user", "question": "Go?", "options": [
      {"title": "Yes", "steps": ["q"]}, {"title": "No", "steps": []}]}}}]})json";

TEST(Load, ReadsSeveralWorkflowsOfOneFile) {
  const Loaded loaded = load(kWorkflows, "workflow.json");
  EXPECT_EQ(findings_text("workflow.json", loaded.findings), "");
  ASSERT_THAT(loaded.chains, SizeIs(2));
  const Chain& one = loaded.chains[0];
  EXPECT_EQ(one.entry, 1U);
  EXPECT_EQ(one.entry_params.at(0).name, "x");
  const Transition& way = one.tasks.at(1).transition;
  EXPECT_EQ(*way.take, Take::kAll);
  EXPECT_EQ(*way.no_match, NoMatch::kEnd);
  EXPECT_EQ(*way.branches.at(0).op, Operator::kCommandSucceeds);
  EXPECT_EQ(*way.branches.at(1).op, Operator::kAlways);
  EXPECT_EQ(*way.branches.at(1).go_to, "end");
  EXPECT_EQ(*way.on_failure, "end");
  EXPECT_TRUE(way.on_failure_once);
  const Task& question = loaded.chains[1].tasks.at(0);
  EXPECT_THAT(evals_of(question).names, ElementsAre("Yes", "No"));
  ASSERT_THAT(question.transition.branches, SizeIs(1));
  EXPECT_EQ(question.transition.branches[0].when->text(), "Yes");
}

TEST(Load, HandsDefaultsOnAndSaysWhereTheyAreFrom) {
  const Chain chain = loaded_chain(R"(
defaults:
  execute_config: {model: m, tools: [local_shell], temperature: 0.5}
  tools_policies:
    local_shell: {_allowed_commands: git, _denied_commands: rm}
    webtools: {_allowed_hosts: example.org}
tasks:
  - {id: a, handler: agent}
  - id: b
    handler: agent
    execute_config: {models: [n], tools_policies: {local_shell: {_allowed_commands: ls}}}
  - {id: c, handler: tools, tools: {name: webtools, tool_name: fetch}}
)");
  const ModelUse& a = *chain.tasks.at(0).use();
  EXPECT_EQ(a.model->text(), "m");
  EXPECT_EQ(a.model.from, Text::From::kDefaults);
  EXPECT_EQ(a.model.at.line, 3U);
  ASSERT_THAT(a.tools_policies, SizeIs(1));
  EXPECT_THAT(a.tools_policies[0].keys, SizeIs(2));
  const ModelUse& b = *chain.tasks.at(1).use();
  EXPECT_FALSE(b.model) << "candidates are inherited together or not at all";
  EXPECT_EQ(*b.temperature, 0.5);
  ASSERT_THAT(b.tools_policies, SizeIs(1));
  EXPECT_EQ(b.tools_policies[0].keys.at(0).value->text(), "ls");
  EXPECT_EQ(b.tools_policies[0].keys.at(1).value->text(), "rm");
  ASSERT_NE(chain.tasks.at(2).use(), nullptr) << "a call of a fixed tool is narrowed too";
  EXPECT_EQ(chain.tasks.at(2).use()->tools_policies.at(0).toolset, "webtools");
}

TEST(Load, RefusesWhatIsTooMuch) {
  EXPECT_THAT(ids_of(load(std::string(50U << 20, ' '), "c.yaml").findings), ElementsAre("over-limit"));
  std::string exploding = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char name = 'b'; name < 'h'; ++name) {
    const std::string before = std::string("*") + static_cast<char>(name - 1);
    exploding += std::string(1, name) + ": &" + name + " [";
    for (int i = 0; i < 10; ++i) exploding += (i == 0 ? "" : ", ") + before;
    exploding += "]\n";
  }
  EXPECT_THAT(ids_of(load(exploding, "c.yaml").findings), ElementsAre("over-limit"));
  EXPECT_THAT(ids_of(load("", "c.yaml").findings), ElementsAre("empty-chain"));
  EXPECT_THAT(ids_of(load("[1, 2]", "c.json").findings), ElementsAre("not-a-chain"));
}

TEST(Load, FindsAllAtOnce) {
  const Loaded loaded =
      load("id: 5\ntasks:\n  - {id: a, handler: noop, timeout: soon}\n  - {id: a, handler: nop}\n", "c.yaml");
  EXPECT_THAT(ids_of(loaded.findings), ElementsAre("wrong-kind", "bad-duration", "duplicate-task", "unknown-handler"));
}

TEST(Load, LeavesContenoxChainsThatRunWithoutErrors) {
  // What contenox runs: a loop without a counter, an unknown variable, a policy of a toolset that is not given.
  const Loaded loaded = load(R"({"id": "c", "tasks": [{"id": "a", "handler": "noop", "prompt_template": "{{.nope}}",
    "transition": {"branches": [{"operator": "equals", "when": "noop", "goto": "a"}]}}]})",
                             "c.json");
  const std::vector<Finding> findings = check(loaded);
  EXPECT_THAT(findings, ::testing::Not(IsEmpty()));
  EXPECT_FALSE(has_errors(findings)) << findings_text("c.json", findings);
}

}  // namespace
}  // namespace lathe::chain
