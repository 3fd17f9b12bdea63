#include "lathe/tools/plan/plan_tool.h"

#include <gtest/gtest.h>

#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"

namespace lathe::tools::plan {
namespace {

using Sink = fakes::TextSink;

class PlanTest : public testing::Test {
 protected:
  base::Result<std::unique_ptr<ports::PreparedCall>> prepare(std::string arguments) {
    return loop_.block_on(
        tool_->prepare({.call_id = "c", .tool = "update_plan", .arguments = std::move(arguments)}, environment_));
  }
  std::string error(std::string arguments) {
    const auto call = prepare(std::move(arguments));
    return call.ok() ? "" : call.error().text();
  }

  runtime::Loop loop_;
  ports::ToolEnvironment environment_{.cwd = "/", .session_id = "s"};
  std::unique_ptr<ports::Tool> tool_ = std::move(make_plan_tools()[0]);
};

TEST_F(PlanTest, BecomesAnEvent) {
  const auto call = prepare(
      R"({"explanation":"why","plan":[{"step":"a","status":"completed"},{"step":"b","status":"in_progress"}]})");
  ASSERT_TRUE(call.ok()) << call.error().text();
  Sink out;
  const auto result = loop_.block_on((*call)->run(out, {}));
  const protocol::EventMsg expected =
      protocol::PlanUpdate{.explanation = "why",
                           .plan = {{.step = "a", .status = protocol::PlanStatus::kCompleted},
                                    {.step = "b", .status = protocol::PlanStatus::kInProgress}}};
  ASSERT_EQ(result->events.size(), 1U);
  EXPECT_EQ(result->events[0], expected);
}

TEST_F(PlanTest, TheEventTellsWhatWaitsForWhat) {
  const auto call = prepare(R"({"plan":[{"id":"a","step":"A","status":"completed"},
                                        {"id":"b","step":"B","status":"pending","depends_on":["a"]}]})");
  ASSERT_TRUE(call.ok()) << call.error().text();
  Sink out;
  const auto result = loop_.block_on((*call)->run(out, {}));
  const auto& plan = std::get<protocol::PlanUpdate>(result->events[0]).plan;
  EXPECT_EQ(plan[0].id, "a");
  EXPECT_EQ(plan[1].depends_on, std::vector<std::string>{"a"});
}

TEST_F(PlanTest, ATextMayHoldNoNul) {
  EXPECT_EQ(error(R"({"plan":[{"step":"a\u0000","status":"pending"}]})"), "update_plan: plan[0].step holds a NUL byte");
}

TEST_F(PlanTest, SaysWhatIsWrong) {
  EXPECT_EQ(error(R"({"plan":[]})"), "update_plan: plan is empty");
  EXPECT_EQ(error(R"({"plan":[{"step":"a","status":"in_progress"},{"step":"b","status":"in_progress"}]})"),
            "update_plan: plan has 2 steps in_progress; at most one may be");
  EXPECT_EQ(error(R"({"plan":[{"step":"a","status":"done"}]})"),
            "update_plan: plan[0].status must be one of [\"pending\",\"in_progress\",\"completed\"], not \"done\"");
  EXPECT_EQ(error(R"({"plan":[{"step":"a","status":"pending"},{"stp":"b"}]})"),
            "update_plan: plan[1].stp is not an argument (did you mean \"step\"?)");
  EXPECT_EQ(error(R"({"plan":[{"status":"pending"}]})"), "update_plan: plan[0].step is missing");
  EXPECT_EQ(error(R"({"plan":"a"})"), "update_plan: plan must be a list, not a string");
}

TEST_F(PlanTest, StepsWaitForWhatTheyDependOn) {
  EXPECT_EQ(error(R"({"plan":[{"id":"a","step":"A","status":"completed"},
                              {"id":"2","step":"B","status":"in_progress","depends_on":["a"]},
                              {"step":"C","status":"pending","depends_on":["a","2"]}]})"),
            "");
  EXPECT_EQ(error(R"({"plan":[{"id":"a","step":"A","status":"pending"},
                              {"id":"b","step":"B","status":"in_progress","depends_on":["a"]}]})"),
            "update_plan: plan has \"B\" in_progress, but \"a\", which it depends on, is not completed");
  EXPECT_EQ(error(R"({"plan":[{"id":"a","step":"A","status":"in_progress"},
                              {"id":"b","step":"B","status":"completed","depends_on":["a"]}]})"),
            "update_plan: plan has \"B\" completed, but \"a\", which it depends on, is not completed");
}

TEST_F(PlanTest, DependenciesThatCannotBeAreRefused) {
  EXPECT_EQ(error(R"({"plan":[{"id":"a","step":"A","status":"pending"},{"id":"a","step":"B","status":"pending"}]})"),
            "update_plan: plan has the id \"a\" twice");
  EXPECT_EQ(error(R"({"plan":[{"id":"a","step":"A","status":"pending","depends_on":["a"]}]})"),
            "update_plan: plan has the step \"a\" depend on itself");
  EXPECT_EQ(error(R"({"plan":[{"id":"first","step":"A","status":"pending"},
                              {"step":"B","status":"pending","depends_on":["frist"]}]})"),
            "update_plan: plan has \"B\" depend on \"frist\", which is no step (did you mean \"first\"?)");
  EXPECT_EQ(error(R"({"plan":[{"id":"0","step":"Z","status":"pending","depends_on":["a"]},
                              {"id":"a","step":"A","status":"pending","depends_on":["c"]},
                              {"id":"b","step":"B","status":"pending","depends_on":["a"]},
                              {"id":"c","step":"C","status":"pending","depends_on":["b"]}]})"),
            "update_plan: plan has steps that wait for each other: a -> c -> b -> a");
  EXPECT_EQ(error(R"({"plan":[{"step":"A","status":"pending","depends_on":"a"}]})"),
            "update_plan: plan[0].depends_on must be a list, not a string");
}

}  // namespace
}  // namespace lathe::tools::plan
