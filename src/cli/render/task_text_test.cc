#include "lathe/cli/render/task_text.h"

#include <gtest/gtest.h>

#include "lathe/cli/render/diff_text.h"

namespace lathe::cli {
namespace {

namespace p = lathe::protocol;

/// Both streams in order; the answer's lines start with "> ".
std::string told(const std::vector<p::EventMsg>& events, TaskTextOptions options = {}) {
  TaskText text(options);
  std::string out;
  for (const p::EventMsg& event : events) {
    for (const Piece& piece : text.show(event)) out += (piece.to == Piece::To::kAnswer ? "> " : "") + piece.text;
  }
  return out;
}

TEST(TaskText, ATaskFromBeginningToEnd) {
  const std::string out = told({
      p::SessionConfigured{.session_id = "s1", .model = "m", .backend = "b", .cwd = "/w", .sandbox = "none"},
      p::TaskStarted{.task = "t"},
      p::AgentReasoning{.item = "r", .text = "I look first."},
      p::ToolCallBegin{.call_id = "c1", .tool = "read_file", .title = "read src/a.c"},
      p::ToolCallEnd{.call_id = "c1", .tool = "read_file", .outcome = {.output = "int a;"}},
      p::PlanUpdate{.plan = {{"look", p::PlanStatus::kCompleted}, {"fix", p::PlanStatus::kInProgress}, {"test"}}},
      p::PatchApplyBegin{.call_id = "c2",
                         .changes = {{.path = "a.c", .diff = "--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-int a;\n+int b;\n"}}},
      p::PatchApplyEnd{.call_id = "c2"},
      p::ExecCommandBegin{.call_id = "c3", .command = {"bash", "-lc", "make test"}, .sandbox = "none"},
      p::ExecCommandEnd{.call_id = "c3",
                        .exit_code = 0,
                        .outcome = {.output = "Exit code: 0\n\n1\n2\n", .header_bytes = 14, .duration_ms = 85}},
      p::AgentMessage{.item = "a", .text = "Fixed."},
      p::TaskComplete{.usage = {.input_tokens = 12345, .cached_input_tokens = 8000, .output_tokens = 10},
                      .cost_micro_usd = 12300,
                      .turns = 3,
                      .tool_calls = 1,
                      .duration_ms = 2000},
  });
  EXPECT_EQ(out,
            "b/m in /w · session s1\n"
            "commands are not confined, which your sandbox-waiver accepts: what the model runs can do whatever you can "
            "do\n"
            "I look first.\n"
            "· read src/a.c\n"
            "plan\n  [x] look\n  [~] fix\n  [ ] test\n"
            "edit a.c\n  --- a/a.c\n  +++ b/a.c\n  @@ -1 +1 @@\n  -int a;\n  +int b;\n"
            "$ make test\n  not confined\n  1\n  2\n  exit 0 in 85ms\n"
            "> Fixed.\n"
            "12,345 tokens in (8,000 cached), 10 out, $0.0123, 3 turns, 1 tool call, 2.0s\n");
}

TEST(TaskText, ABudgetIsToldInItsOwnUnit) {
  EXPECT_EQ(told({p::BudgetStatus{.kind = "millis", .used = 480'000, .limit = 600'000},
                  p::BudgetStatus{.kind = "micro_usd", .used = 800'000, .limit = 1'000'000},
                  p::BudgetStatus{.kind = "tool_calls", .used = 80, .limit = 100},
                  p::BudgetStatus{.kind = "tokens", .used = 400'000, .limit = 500'000}}),
            "budget of time: 8m00s of 10m00s used\n"
            "budget of money: $0.8000 of $1.00 used\n"
            "budget of tool calls: 80 of 100 used\n"
            "budget of tokens: 400,000 of 500,000 used\n");
}

TEST(TaskText, ACommandsExitCodeIsToldOnce) {
  const auto ended = [](std::string header, const std::string& written) {
    p::ExecCommandEnd end{.call_id = "c", .exit_code = 3, .outcome = {.status = p::CallStatus::kFailed}};
    end.outcome.header_bytes = static_cast<std::int64_t>(header.size());
    end.outcome.output = std::move(header) + written;
    end.outcome.duration_ms = 85;
    return told({std::move(end)});
  };
  EXPECT_EQ(ended("Exit code: 3\n", ""), "  exit 3 in 85ms\n");
  EXPECT_EQ(ended("Exit code: 3\n\n", "Exit code: 3\n"), "  Exit code: 3\n  exit 3 in 85ms\n");
  EXPECT_EQ(ended("Exit code: 3\nThe sandbox may have refused it: x\n\n", "out\n"),
            "  The sandbox may have refused it: x\n  \n  out\n  exit 3 in 85ms\n");
}

TEST(TaskText, ATaskThatFailedSaysWhatItCost) {
  const p::Usage once{.input_tokens = 100, .output_tokens = 5};
  const p::Usage twice{.input_tokens = 200, .output_tokens = 10};
  const p::ErrorEvent error{.code = "server", .message = "broken", .ends_task = true};
  EXPECT_EQ(told({p::TaskStarted{.task = "t"}, p::TokenCount{.total = once},
                  p::TurnComplete{.response_id = "r1", .usage = once, .cost_micro_usd = 1000},
                  p::TokenCount{.total = twice}, p::ToolCalls{.usage = once, .cost_micro_usd = 1000}, error}),
            "error: broken\n200 tokens in, 10 out, $0.0020\n");
  EXPECT_EQ(told({p::TaskStarted{.task = "t"}, p::TokenCount{.total = once},
                  p::TurnComplete{.response_id = "r1", .usage = once}, error}),
            "error: broken\n100 tokens in, 5 out, price unknown\n");
  EXPECT_EQ(told({p::TaskStarted{.task = "t"}, error}), "error: broken\n");
}

TEST(TaskText, ARecordingSaysSoAtItsBeginningAndEnd) {
  EXPECT_EQ(
      told({p::SessionConfigured{.session_id = "s",
                                 .model = "m",
                                 .backend = "cassette",
                                 .cwd = "/w",
                                 .sandbox = "full",
                                 .replayed = true},
            p::TaskStarted{.task = "t"}, p::TaskComplete{.usage = {.input_tokens = 7}, .turns = 1, .duration_ms = 1}}),
      "cassette/m in /w · session s\nanswers come from a recording, not from a model\n"
      "7 tokens in, 0 out, as recorded, 1 turn, 0 tool calls, 1ms\n");
}

TEST(TaskText, CallsThatOverlapAreNamedAtTheirEnd) {
  EXPECT_EQ(
      told({p::ExecCommandBegin{.call_id = "1", .command = {"ls"}},
            p::ExecCommandBegin{.call_id = "2", .command = {"pwd"}}, p::ExecCommandEnd{.call_id = "1", .exit_code = 0},
            p::ExecCommandEnd{.call_id = "2", .exit_code = 1}}),
      "$ ls\n$ pwd\n$ ls\n  exit 0 in 0ms\n  exit 1 in 0ms\n");
}

TEST(TaskText, AgentsAreNamedWithWhatTheyUsed) {
  EXPECT_EQ(told({p::AgentStarted{.session = "s2", .call_id = "c", .agent = "explore", .background = true},
                  p::AgentEnded{.session = "s2",
                                .call_id = "c",
                                .usage = {.input_tokens = 10, .output_tokens = 2},
                                .cost_micro_usd = 12300,
                                .turns = 1,
                                .tool_calls = 2}}),
            "  agent explore works in session s2, in the background\n"
            "  agent completed: 10 tokens in, 2 out, $0.0123, 1 turn, 2 tool calls\n");
}

TEST(TaskText, NothingFromOutsideReachesTheTerminalRaw) {
  const std::string evil = "\x1b]0;x\x07\x1b[2J";
  const std::string out =
      told({p::SessionConfigured{.session_id = evil, .model = evil, .backend = evil, .cwd = evil},
            p::AgentReasoning{.text = evil}, p::ExecCommandBegin{.call_id = "1", .command = {evil}},
            p::ExecCommandEnd{.call_id = "1", .outcome = {.output = evil}},
            p::PatchApplyBegin{.call_id = "2", .changes = {{.path = evil, .diff = evil}}}, p::Warning{.message = evil},
            p::ToolCallBegin{.call_id = "3", .tool = evil}, p::ErrorEvent{.message = evil, .hint = evil},
            p::PlanUpdate{.explanation = evil, .plan = {{evil}}}, p::StreamError{.message = evil},
            p::AgentMessage{.item = "a", .text = evil}},
           {.markdown = MarkdownOptions{}});
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_EQ(out.find('\x07'), std::string::npos);
}

TEST(TaskText, AStreamThatIsTriedAgainTellsNothingTwice) {
  EXPECT_EQ(told({p::AgentMessageDelta{.item = "a", .text = "one two"}, p::ItemReset{.item = "a"},
                  p::AgentMessageDelta{.item = "a", .text = "one"},
                  p::AgentMessageDelta{.item = "a", .offset = 3, .text = " two three"},
                  p::AgentMessage{.item = "a", .text = "one two three"}}),
            "> one two>  three> \n");
  EXPECT_EQ(told({p::AgentMessageDelta{.item = "a", .text = "one two"}, p::ItemReset{.item = "a"},
                  p::AgentMessage{.item = "a", .text = "other"}}),
            "> one twothe answer was begun anew: what it said before counts no more\n> \nother\n");
}

TEST(TaskText, TheWholeMessageFillsWhatDeltasLeftOut) {
  EXPECT_EQ(told({p::AgentMessageDelta{.item = "a", .text = "ab"},
                  p::AgentMessageDelta{.item = "a", .offset = 9, .text = "z"},
                  p::AgentMessage{.item = "a", .text = "abcdefghiz"}}),
            "> ab> cdefghiz\n");
}

TEST(TaskText, MarkdownComesInWholeBlocks) {
  EXPECT_EQ(told({p::AgentMessageDelta{.item = "a", .text = "# T\npara *on"},
                  p::AgentMessageDelta{.item = "a", .offset = 12, .text = "e*\n\nnext"},
                  p::AgentMessage{.item = "a", .text = "# T\npara *one*\n\nnext"}},
                 {.markdown = MarkdownOptions{}}),
            "> # T\n> \npara one\n> \nnext\n");
}

TEST(DiffText, RemovedDashesAreNoHeader) {
  const Style style{.on = true};
  EXPECT_EQ(diff_text("@@ -1 +1 @@\n--- x\n+y\n", style, "", 10),
            "\x1b[36m@@ -1 +1 @@\x1b[39m\n\x1b[31m--- x\x1b[39m\n\x1b[32m+y\x1b[39m\n");
  EXPECT_EQ(diff_text("@@\n-a\n-b\n-c\n", {}, " ", 2), " @@\n -a\n … 2 more lines\n");
}

}  // namespace
}  // namespace lathe::cli
