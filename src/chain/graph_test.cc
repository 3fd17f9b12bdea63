#include "lathe/chain/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/chain/load.h"

namespace lathe::chain {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Chain drawn_chain() {
  Loaded loaded = load(R"(
id: pick "one"
tasks:
  - id: pick
    handler: route
    transition:
      on_failure: work
      branches:
        - {operator: equals, when: '<b> & "c"', goto: work}
        - {operator: default, goto: end}
  - id: work
    handler: noop
    transition:
      branches:
        - {operator: edge_traversed_at_least, edge: "work->pick", when: 3, goto: end}
        - {operator: default, goto: pick}
)",
                       "g.yaml");
  EXPECT_EQ(findings_text("g.yaml", loaded.findings), "");
  return std::move(loaded.chains.at(0));
}

TEST(Graph, AsText) {
  EXPECT_EQ(draw(drawn_chain(), GraphFormat::kText, {{"pick", TaskState::kDone}}),
            "* pick (route) [done]\n"
            "    <b> & \"c\" -> work\n"
            "    -> end\n"
            "    failure -> work\n"
            "  work (noop)\n"
            "    work->pick ≥ 3 -> end\n"
            "    -> pick\n");
}

TEST(Graph, AsMermaid) {
  EXPECT_EQ(draw(drawn_chain(), GraphFormat::kMermaid),
            "flowchart TD\n"
            "  begin((\" \")) --> n0\n"
            "  n0{\"pick<br/>route\"}\n"
            "  n1[\"work<br/>noop\"]\n"
            "  n2([\"end\"])\n"
            "  n0 -->|\"#lt;b#gt; #amp; #quot;c#quot;\"| n1\n"
            "  n0 --> n2\n"
            "  n0 -.->|\"failure\"| n1\n"
            "  n1 -->|\"work-#gt;pick ≥ 3\"| n2\n"
            "  n1 --> n0\n");
}

TEST(Graph, AsDot) {
  EXPECT_EQ(draw(drawn_chain(), GraphFormat::kDot),
            "digraph \"pick \\\"one\\\"\" {\n"
            "  node [shape=box];\n"
            "  n0 [label=\"pick\\nroute\", shape=diamond, penwidth=2];\n"
            "  n1 [label=\"work\\nnoop\"];\n"
            "  n2 [label=\"end\", shape=oval];\n"
            "  n0 -> n1 [label=\"<b> & \\\"c\\\"\"];\n"
            "  n0 -> n2;\n"
            "  n0 -> n1 [label=\"failure\", style=dashed];\n"
            "  n1 -> n2 [label=\"work->pick ≥ 3\"];\n"
            "  n1 -> n0;\n"
            "}\n");
}

TEST(Graph, AsSvgHasEveryTaskAndNoMarkupOfTheFile) {
  const std::string svg = draw(drawn_chain(), GraphFormat::kSvg, {{"work", TaskState::kRunning}});
  EXPECT_THAT(svg, HasSubstr("<svg xmlns="));
  EXPECT_THAT(svg, HasSubstr(">pick</text>"));
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt; &amp; &quot;c&quot;"));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(svg, HasSubstr("#ffdd88"));
  EXPECT_EQ(svg, draw(drawn_chain(), GraphFormat::kSvg, {{"work", TaskState::kRunning}}));
}

TEST(Graph, OfAnEmptyChainIsEmpty) {
  const Chain none;
  EXPECT_EQ(draw(none, GraphFormat::kText), "");
  EXPECT_THAT(draw(none, GraphFormat::kSvg), HasSubstr("<svg"));
}

}  // namespace
}  // namespace lathe::chain
