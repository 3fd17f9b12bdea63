#include "lathe/chain/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace lathe::chain {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> classes_in(const std::string& text, const Surroundings& around = {},
                                    const std::string& file = "c.yaml") {
  std::vector<std::string> ids;
  for (const Finding& finding : check(load(text, file), around)) ids.push_back(finding.id);
  return ids;
}

TEST(Check, WhatIsAroundIsNotCheckedWhenNothingIsSaidOfIt) {
  const std::string text =
      "tasks:\n  - {id: a, handler: agent, agent: nobody, execute_config: {model: none, provider: "
      "none, tools: [none]}, next: b}\n  - {id: b, handler: chain, chain: none}\n";
  EXPECT_THAT(classes_in(text), IsEmpty());
  const std::vector<std::string> none;
  EXPECT_THAT(classes_in(text, {.models = none, .providers = none, .toolsets = none, .agents = none}),
              ElementsAre("unknown-agent", "unknown-model", "unknown-provider", "unknown-tool"));
}

TEST(Check, APersonMayBeMissingByTheCallersWordToo) {
  const std::string text = "tasks: [{id: a, handler: human, question: Sure}]";
  EXPECT_THAT(classes_in(text), IsEmpty());
  EXPECT_THAT(classes_in(text, {.unattended = true}), ElementsAre("human-without-deadline"));
}

TEST(Check, AVariableOfTheCommandLineIsKnown) {
  const std::string text = "tasks: [{id: a, handler: noop, prompt_template: '{{var:my-name}}'}]";
  EXPECT_THAT(classes_in(text), ElementsAre("undefined-var"));
  EXPECT_THAT(classes_in(text, {.variables = {"my_name"}}), IsEmpty()) << "- and _ are the same";
  EXPECT_THAT(classes_in("tasks: [{id: a, handler: noop, prompt_template: '{{var:x|var:model}}'}]"), IsEmpty());
}

TEST(Check, AnInheritedFaultIsReportedOnce) {
  EXPECT_THAT(classes_in("defaults: {execute_config: {temperature: 9}}\n"
                         "tasks: [{id: a, handler: agent, next: b}, {id: b, handler: agent}]"),
              ElementsAre("bad-temperature"));
}

TEST(Check, ALoopIsBoundedByACounterABudgetOrAPerson) {
  const auto loop = [](const std::string& top, const std::string& branch, const std::string& other) {
    return top + "tasks:\n  - id: a\n    handler: noop\n    transition:\n      branches:\n" + branch +
           "        - {operator: equals, when: noop, goto: b}\n        - {operator: default, goto: end}\n" +
           "  - {id: b, " + other + ", next: a}\n";
  };
  EXPECT_THAT(classes_in(loop("", "", "handler: noop")), ElementsAre("unbounded-loop"));
  EXPECT_THAT(classes_in(loop("budget: {turns: 5}\n", "", "handler: noop")), IsEmpty());
  EXPECT_THAT(classes_in(loop("", "", "handler: human, question: More")), IsEmpty());
  EXPECT_THAT(classes_in(loop("", "        - {operator: edge_traversed_at_least, edge: b->a, when: 3, goto: end}\n",
                              "handler: noop")),
              IsEmpty());
}

TEST(Check, OutputsOfBranchesAreThereBehindTheirJoin) {
  EXPECT_THAT(classes_in("tasks:\n  - {id: p, handler: parallel, start: [x], next: z}\n"
                         "  - {id: x, handler: noop}\n  - {id: z, handler: noop, prompt_template: '{{.x}}'}\n"),
              IsEmpty());
}

TEST(Check, WhatIsOfTheShellInVixsCommandsIsNoVariable) {
  const auto with = [](const std::string& command) {
    return classes_in(R"json({"workflows": [{"name": "w", "entry_point": "a", "steps": {
      "a": {"type": "bash", "command": ")json" +
                          command + R"json(", "timeout_sec": 5}}}]})json",
                      {}, "workflow.json");
  };
  EXPECT_THAT(with("ls $(pwd) $(workflow.prompt)"), IsEmpty());
  EXPECT_THAT(with("ls $(workflw.prompt)"), ElementsAre("unknown-variable"));
}

TEST(Check, ManyTasksAreCheckedAtOnce) {
  // As many as a file may hold. Each is looked at a bounded number of times: this would not end otherwise.
  std::string text = "budget: {turns: 5}\ntasks:\n";
  for (int i = 0; i < 6'000; ++i) {
    text += "- {id: t" + std::to_string(i) + ", handler: chat_completion, execute_config: {tools: ['*']}, next: t" +
            std::to_string((i + 1) % 6'000) + "}\n";
  }
  EXPECT_THAT(classes_in(text), Contains("no-way-to-end"));
}

TEST(Check, TheChainOfTheReferencePageHasNoFault) {
  std::ifstream file(LATHE_SOURCE_DIR "/docs/reference/chains.md", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = page.find("```yaml\n") + 8;
  const std::string chain = page.substr(begin, page.find("```", begin) - begin);
  ASSERT_THAT(chain, Not(IsEmpty()));
  EXPECT_EQ(findings_text("chains.md", check(load(chain, "chains.md"))), "");
}

}  // namespace
}  // namespace lathe::chain
