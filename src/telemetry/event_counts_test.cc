#include "lathe/telemetry/event_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::telemetry {
namespace {

namespace p = lathe::protocol;
using testing::HasSubstr;
using testing::Not;

class EventCountsTest : public testing::Test {
 protected:
  void record(p::EventMsg msg) { counts_.see({.session = "s", .seq = ++seq_, .msg = std::move(msg)}, 100); }
  void show(p::EventMsg msg) { counts_.see({.session = "s", .msg = std::move(msg)}, 0); }
  std::string page() const {
    MetricsText text;
    counts_.write(text);
    return text.take();
  }

  EventCounts counts_;
  std::int64_t seq_ = 0;
};

TEST_F(EventCountsTest, CountsATaskWithItsCallsTokensAndCost) {
  record(p::TaskStarted{.task = "t"});
  record(p::ToolCalls{.calls = {{.call_id = "c", .tool = "shell", .arguments = "a secret argument"}},
                      .model = "b/m",
                      .usage = {.input_tokens = 10, .cached_input_tokens = 4, .output_tokens = 3},
                      .cost_micro_usd = 1'500'000});
  record(p::ExecCommandEnd{.call_id = "c", .outcome = {.status = p::CallStatus::kFailed}});
  record(p::TurnComplete{.model = "b/m",
                         .usage = {.input_tokens = 10, .cached_input_tokens = 4, .output_tokens = 3},
                         .cost_micro_usd = 1'500'000});
  record(p::TurnComplete{.model = "b/free", .usage = {.input_tokens = 1, .output_tokens = 1}});
  show(p::AgentMessageDelta{.item = "i", .text = "hello"});
  record(p::TaskComplete{.task = "t", .last_agent_message = "hello"});
  const std::string text = page();
  for (const char* line : {
           "lathe_events_appended_total 6\n",
           "lathe_journal_bytes_total 600\n",
           "lathe_passing_events_total 1\n",
           "lathe_tasks_started_total 1\n",
           "lathe_tasks_ended_total{outcome=\"completed\"} 1\n",
           "lathe_tool_calls_total{tool=\"shell\",outcome=\"failed\"} 1\n",
           // Once, although two records tell of it.
           "lathe_tokens_total{model=\"b/m\",kind=\"input\"} 6\n",
           "lathe_tokens_total{model=\"b/m\",kind=\"cached_input\"} 4\n",
           "lathe_tokens_total{model=\"b/m\",kind=\"output\"} 3\n",
           "lathe_cost_usd_total{model=\"b/m\"} 1.5\n",
           "lathe_unpriced_answers_total{model=\"b/free\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_THAT(text, Not(HasSubstr("hello")));
}

TEST(LabelledCount, KeepsOnlySoManyApart) {
  LabelledCount count;
  for (int i = 0; i < 1'000; ++i) count.add("tool " + std::to_string(i), "failed", 1);
  EXPECT_EQ(count.series().size(), LabelledCount::kMostSeries + 1);
  EXPECT_EQ(count.series().at({"other", "other"}), 1'000 - static_cast<double>(LabelledCount::kMostSeries));
}

}  // namespace
}  // namespace lathe::telemetry
