#include "lathe/chain/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/chain/load.h"

namespace lathe::chain {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Chain chain_with_ways(std::string_view text) {
  Loaded loaded = load(text, "f.yaml");
  EXPECT_EQ(findings_text("f.yaml", loaded.findings), "");
  return std::move(loaded.chains.at(0));
}

constexpr std::string_view kCounted = R"(
tasks:
  - id: ask
    handler: chat_completion
    transition:
      branches:
        - {operator: edge_traversed_at_least, edge: "run->ask", when: 10, goto: end}
        - {operator: equals, when: tool_call, goto: run}
        - {operator: default, goto: end}
  - id: run
    handler: execute_tool_calls
    next: ask
)";

TEST(Flow, AnEdgeCounterLimitsWhatStandsBehindIt) {
  const Chain chain = chain_with_ways(kCounted);
  const Flow flow(chain);
  EXPECT_THAT(flow.endless_loops(), IsEmpty());
  ASSERT_THAT(flow.limits(), SizeIs(1));
  EXPECT_EQ(flow.limits()[0].count, 10);
}

TEST(Flow, ACounterOfAnEdgeThatTheLoopDoesNotPassLimitsNothing) {
  std::string text(kCounted);
  text.replace(text.find("run->ask"), 8, "ask->end");
  const Chain chain = chain_with_ways(text);
  const Flow flow(chain);
  ASSERT_THAT(flow.endless_loops(), ElementsAre(ElementsAre(0U, 1U)));
  EXPECT_EQ(flow.loop_text(flow.endless_loops()[0]), "ask -> run -> ask");
}

TEST(Flow, ABranchBeforeTheCounterIsNotLimited) {
  const Chain chain = chain_with_ways(R"(
tasks:
  - id: ask
    handler: chat_completion
    transition:
      branches:
        - {operator: equals, when: tool_call, goto: ask}
        - {operator: edge_traversed_at_least, edge: "ask->ask", when: 3, goto: end}
        - {operator: default, goto: end}
)");
  EXPECT_THAT(Flow(chain).endless_loops(), ElementsAre(ElementsAre(0U)));
}

TEST(Flow, FindsEveryKnotOfTasks) {
  const Chain chain = chain_with_ways(R"(
tasks:
  - {id: a, handler: noop, next: b}
  - {id: b, handler: noop, transition: {branches: [{operator: equals, when: noop, goto: a}, {operator: default, goto: c}]}}
  - {id: c, handler: noop, next: d}
  - {id: d, handler: noop, transition: {on_failure: c}}
)");
  const Flow flow(chain);
  EXPECT_THAT(flow.endless_loops(), ElementsAre(ElementsAre(0U, 1U), ElementsAre(2U, 3U)));
  EXPECT_TRUE(flow.reach(0)[flow.end()]);
  EXPECT_FALSE(flow.reach(2)[0]);
}

TEST(Flow, GoesThroughVeryLongChains) {
  std::string text = "tasks:\n";
  for (int i = 0; i < 3000; ++i) {
    text += "- {id: t" + std::to_string(i) +
            ", handler: noop, next: " + (i == 2999 ? "end" : "t" + std::to_string(i + 1)) + "}\n";
  }
  const Chain chain = chain_with_ways(text);
  EXPECT_THAT(Flow(chain).endless_loops(), IsEmpty());
}

TEST(Edges, AreTwoTasksWithAnArrow) {
  EXPECT_EQ(parse_edge(" a -> b ")->to, "b");
  for (const char* text : {"", "a", "->b", "a->", "->"}) EXPECT_FALSE(parse_edge(text)) << text;
}

}  // namespace
}  // namespace lathe::chain
