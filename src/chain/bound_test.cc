#include "lathe/chain/bound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "lathe/chain/flow.h"
#include "lathe/chain/load.h"
#include "lathe/chain/visits.h"

namespace lathe::chain {
namespace {

using ::testing::HasSubstr;

Chain bounded_chain(const std::string& text) {
  Loaded loaded = load(text, "b.yaml");
  EXPECT_EQ(findings_text("b.yaml", loaded.findings), "");
  return std::move(loaded.chains.at(0));
}

constexpr const char* kToolLoop = R"(
token_limit: 1000
tasks:
  - id: ask
    handler: chat_completion
    timeout: 1m
    execute_config: {model: m, models: [n], tools: ["*"], retry_policy: {max_attempts: 3}}
    transition:
      branches:
        - {operator: edge_traversed_at_least, edge: "run->ask", when: 10, goto: end}
        - {operator: equals, when: tool_call, goto: run}
        - {operator: default, goto: end}
  - id: run
    handler: execute_tool_calls
    timeout: 30s
    next: ask
)";

TEST(Bound, CountsEdgesRetriesCandidatesAndTimeouts) {
  const Bound bound =
      bound_of(bounded_chain(kToolLoop), {.calls_per_answer = 8, .usd_per_million = [](std::string_view model) {
                                            return std::optional(model == "n" ? 4.0 : 1.0);
                                          }});
  EXPECT_EQ(bound.steps.most, 21);
  EXPECT_EQ(bound.turns.most, 11 * 3 * 2);
  EXPECT_EQ(bound.tool_calls.most, 10 * 8);
  EXPECT_EQ(bound.tokens.most, 66'000);
  EXPECT_EQ(bound.micro_usd.most, 264'000);
  EXPECT_EQ(bound.seconds.most, 11 * 60 + 10 * 30);
  EXPECT_TRUE(bound.finite());
  EXPECT_THAT(bound_text(bound), HasSubstr("tokens:     at most 66,000\n"));
}

TEST(Bound, NamesWhatKeepsItFromBeingOne) {
  const Bound bound = bound_of(bounded_chain(R"(
tasks:
  - id: ask
    handler: chat_completion
    transition:
      branches: [{operator: equals, when: tool_call, goto: run}, {operator: default, goto: end}]
  - {id: run, handler: execute_tool_calls, next: ask}
)"));
  EXPECT_FALSE(bound.finite());
  EXPECT_EQ(bound.steps.why, "the loop ask -> run -> ask may go on without end");
  EXPECT_EQ(bound.turns.why, bound.steps.why);
}

TEST(Bound, ABudgetOfTheChainCapsALoop) {
  const Bound bound = bound_of(bounded_chain(R"(
budget: {turns: 20, usd: 0.5, steps: 40, tokens: 9000, tool_calls: 3, seconds: 60}
tasks:
  - {id: a, handler: chat_completion, transition: {branches: [{operator: equals, when: tool_call, goto: a}, {operator: default, goto: end}]}}
)"));
  EXPECT_TRUE(bound.finite());
  EXPECT_EQ(bound.turns.most, 20);
  EXPECT_EQ(bound.turns.why, "the budget of the chain");
  EXPECT_EQ(bound.micro_usd.most, 500'000);
}

TEST(Bound, MultipliesMapsParallelsAndTries) {
  const Bound bound = bound_of(bounded_chain(R"(
token_limit: 100
tasks:
  - {id: each, handler: map, over: "{{.input}}", start: look, max_parallel: 2, max_items: 5, next: both, retry_on_failure: 1}
  - {id: look, handler: agent, budget: {turns: 3}, timeout: 1s}
  - {id: both, handler: parallel, start: [left, right], next: sure}
  - {id: left, handler: chat_completion, output_schema: {type: object}, next: tail}
  - {id: right, handler: chat_completion, next: tail}
  - {id: tail, handler: noop}
  - {id: sure, handler: human, question: Sure, deadline: 1h}
)"));
  std::map<std::string, std::optional<std::int64_t>> times;
  for (const TaskBound& task : bound.tasks) times[task.task] = task.times.most;
  EXPECT_EQ(times["look"], 10);
  EXPECT_EQ(times["tail"], 2);
  EXPECT_EQ(bound.turns.most, 10 * 3 + 2 + 1);
  EXPECT_EQ(bound.tokens.most, 3300);
  ASSERT_EQ(bound.gates.size(), 1U);
  EXPECT_EQ(bound.gates[0].task, "sure");
  EXPECT_EQ(bound.gates[0].times.most, 1);
  EXPECT_EQ(bound.gates[0].kind, "approve");
}

TEST(Bound, GoesIntoSubChains) {
  const Chain inner = bounded_chain(
      "id: inner\ntoken_limit: 10\ntasks: [{id: a, handler: route, transition: {branches: "
      "[{operator: equals, when: x, goto: end}, {operator: default, goto: end}]}}]");
  const Chain outer = bounded_chain("id: outer\ntasks: [{id: b, handler: chain, chain: inner, retry_on_failure: 2}]");
  EXPECT_EQ(bound_of(outer, {.chain = [&](std::string_view) { return &inner; }}).turns.most, 3);
  EXPECT_FALSE(bound_of(outer).finite());
}

/// A random chain of tasks that go anywhere, some of them behind counters.
std::string random_chain(std::mt19937& random) {
  const auto below = [&](unsigned count) { return static_cast<unsigned>(random() % count); };
  constexpr unsigned kTasks = 6;
  const auto target = [&] {
    const unsigned to = below(kTasks + 1);
    return to == kTasks ? std::string("end") : "t" + std::to_string(to);
  };
  std::string text = "tasks:\n";
  for (unsigned i = 0; i < kTasks; ++i) {
    text += "- id: t" + std::to_string(i) + "\n  handler: route\n  transition:\n    branches:\n";
    for (unsigned label = 0; label < 1 + below(2); ++label) {
      if (below(2) == 0) {
        const std::string edge = "t" + std::to_string(below(kTasks)) + "->t" + std::to_string(below(kTasks));
        text += "    - {operator: edge_traversed_at_least, edge: \"" + edge +
                "\", when: " + std::to_string(1 + below(3)) + ", goto: " + target() + "}\n";
      }
      text += "    - {operator: equals, when: l" + std::to_string(label) + ", goto: " + target() + "}\n";
    }
    text += "    - {operator: default, goto: " + target() + "}\n";
  }
  return text;
}

/// How often each task was started by one run in which models answer what they like.
std::vector<std::int64_t> run_at_random(const Chain& chain, std::mt19937& random) {
  constexpr int kSteps = 2000;
  std::vector<std::int64_t> visits(chain.tasks.size(), 0);
  std::map<std::string, std::int64_t> edges;
  const Flow flow(chain);
  std::size_t at = 0;
  for (int step = 0; step < kSteps; ++step) {
    ++visits[at];
    const Task& task = chain.tasks[at];
    const std::string label = "l" + std::to_string(random() % 3);
    const Branch* taken = nullptr;
    const Branch* fallback = nullptr;
    for (const Branch& branch : task.transition.branches) {
      const bool counted = *branch.op == Operator::kEdgeTraversedAtLeast && edges[*branch.edge] >= *edge_count(branch);
      const bool equal = *branch.op == Operator::kEquals && branch.when->text() == label;
      if (*branch.op == Operator::kDefault) fallback = &branch;
      if (taken == nullptr && (counted || equal)) taken = &branch;
    }
    if (taken == nullptr) taken = fallback;
    ++edges[*task.id + "->" + *taken->go_to];
    if (*taken->go_to == kEnd) break;
    at = *flow.index_of(*taken->go_to);
  }
  return visits;
}

TEST(Bound, IsNeverExceeded) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int finite = 0;
  for (int round = 0; round < 60; ++round) {
    const std::string text = random_chain(random);
    const Chain chain = bounded_chain(text);
    const std::vector<Most> most = visits_of(Flow(chain));
    for (int run = 0; run < 20; ++run) {
      const std::vector<std::int64_t> visits = run_at_random(chain, random);
      for (std::size_t task = 0; task < visits.size(); ++task) {
        if (most[task].finite()) EXPECT_LE(visits[task], *most[task].most) << "task " << task << " of\n" << text;
        finite += most[task].finite() ? 1 : 0;
      }
    }
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(finite, 0);
}

}  // namespace
}  // namespace lathe::chain
