#include "lathe/cli/render/codex_events.h"

#include <gtest/gtest.h>

namespace lathe::cli {
namespace {

namespace p = lathe::protocol;

std::vector<std::string> translated(const std::vector<p::EventMsg>& events) {
  CodexEvents codex;
  std::vector<std::string> lines;
  for (const p::EventMsg& event : events) {
    for (std::string& line : codex.translate(event)) lines.push_back(std::move(line));
  }
  return lines;
}

TEST(CodexEvents, ATask) {
  const std::vector<std::string> expected{
      R"({"type":"thread.started","thread_id":"s1"})",
      R"({"type":"turn.started"})",
      R"({"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"hm"}})",
      R"({"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"ls","aggregated_output":"","exit_code":null,"status":"in_progress"}})",
      R"({"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"ls","aggregated_output":"a\n","exit_code":0,"status":"completed"}})",
      R"({"type":"item.started","item":{"id":"item_2","type":"file_change","changes":[{"path":"a","kind":"update"}],"status":"in_progress"}})",
      R"({"type":"item.completed","item":{"id":"item_2","type":"file_change","changes":[{"path":"a","kind":"update"}],"status":"completed"}})",
      R"({"type":"item.completed","item":{"id":"item_3","type":"agent_message","text":"done"}})",
      R"({"type":"turn.completed","usage":{"input_tokens":5,"cached_input_tokens":2,"cache_write_input_tokens":0,"output_tokens":1,"reasoning_output_tokens":0}})"};
  EXPECT_EQ(
      translated({p::SessionConfigured{.session_id = "s1"}, p::TaskStarted{}, p::AgentMessageDelta{.text = "no deltas"},
                  p::AgentReasoning{.text = "hm"}, p::ExecCommandBegin{.call_id = "c", .command = {"bash", "-c", "ls"}},
                  p::ExecCommandEnd{
                      .call_id = "c", .exit_code = 0, .outcome = {.output = "Exit code: 0\n\na\n", .header_bytes = 14}},
                  p::PatchApplyBegin{.call_id = "d", .changes = {{.path = "a"}}}, p::PatchApplyEnd{.call_id = "d"},
                  p::AgentMessage{.text = "done"},
                  p::TaskComplete{.usage = {.input_tokens = 5, .cached_input_tokens = 2, .output_tokens = 1}}}),
      expected);
}

TEST(CodexEvents, ToolsPlansAndFailures) {
  const std::vector<std::string> expected{
      R"({"type":"item.started","item":{"id":"item_0","type":"mcp_tool_call","server":"lathe","tool":"grep","arguments":{"q":1},"status":"in_progress"}})",
      R"({"type":"item.completed","item":{"id":"item_0","type":"mcp_tool_call","server":"lathe","tool":"grep","arguments":{"q":1},"status":"failed","error":{"message":"no"}}})",
      R"({"type":"item.started","item":{"id":"item_1","type":"todo_list","items":[{"text":"a","completed":false}]}})",
      R"({"type":"item.updated","item":{"id":"item_1","type":"todo_list","items":[{"text":"a","completed":true}]}})",
      R"({"type":"item.completed","item":{"id":"item_1","type":"todo_list","items":[{"text":"a","completed":true}]}})",
      R"({"type":"turn.failed","error":{"message":"broken"}})"};
  EXPECT_EQ(
      translated({p::ToolCalls{.calls = {{.call_id = "c", .tool = "grep", .arguments = "{\"q\":1}"}}},
                  p::ToolCallBegin{.call_id = "c", .tool = "grep"},
                  p::ToolCallEnd{
                      .call_id = "c", .tool = "grep", .outcome = {.status = p::CallStatus::kFailed, .output = "no"}},
                  p::PlanUpdate{.plan = {{"a"}}}, p::PlanUpdate{.plan = {{"a", p::PlanStatus::kCompleted}}},
                  p::TurnAborted{.reason = p::AbortReason::kBudget},
                  p::ErrorEvent{.code = "x", .message = "broken", .ends_task = true}}),
      expected);
}

TEST(CodexEvents, CallsThatNeverBeganSayWhatTheyWouldHaveDone) {
  const p::CallOutcome declined{.status = p::CallStatus::kDeclined, .output = "no"};
  const std::vector<std::string> expected{
      R"({"type":"item.completed","item":{"id":"item_0","type":"command_execution","command":"rm -rf x","aggregated_output":"no","exit_code":null,"status":"declined"}})",
      R"({"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"make all","aggregated_output":"no","exit_code":null,"status":"declined"}})",
      R"({"type":"item.completed","item":{"id":"item_2","type":"command_execution","command":"git push","aggregated_output":"no","exit_code":null,"status":"declined"}})",
      R"({"type":"item.completed","item":{"id":"item_3","type":"file_change","changes":[{"path":"a","kind":"add"}],"status":"declined"}})"};
  EXPECT_EQ(translated(
                {p::ToolCalls{.calls = {{.call_id = "1", .tool = "shell", .arguments = R"({"command":"rm -rf x"})"},
                                        {.call_id = "2", .tool = "shell", .arguments = R"({"command":["make","all"]})"},
                                        {.call_id = "3", .tool = "shell", .arguments = "{}"}}},
                 p::ExecCommandEnd{.call_id = "1", .outcome = declined},
                 p::ExecCommandEnd{.call_id = "2", .outcome = declined},
                 p::ExecApprovalRequest{.id = "q", .call_id = "3", .command = {"bash", "-lc", "git push"}},
                 p::ExecCommandEnd{.call_id = "3", .outcome = declined},
                 p::ApplyPatchApprovalRequest{
                     .id = "r", .call_id = "4", .changes = {{.path = "a", .kind = p::ChangeKind::kAdd}}},
                 p::PatchApplyEnd{.call_id = "4", .outcome = declined}}),
            expected);
}

TEST(CodexEvents, ACommandThatWroteNothingHasNoOutputUnlessItNeverEnded) {
  const std::vector<std::string> expected{
      R"({"type":"item.completed","item":{"id":"item_0","type":"command_execution","command":"true","aggregated_output":"","exit_code":0,"status":"completed"}})",
      R"({"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"nowhere","aggregated_output":"no such folder","exit_code":null,"status":"failed"}})"};
  EXPECT_EQ(
      translated({p::ToolCalls{.calls = {{.call_id = "1", .tool = "shell", .arguments = R"({"command":"true"})"},
                                         {.call_id = "2", .tool = "shell", .arguments = R"({"command":"nowhere"})"}}},
                  p::ExecCommandEnd{
                      .call_id = "1", .exit_code = 0, .outcome = {.output = "Exit code: 0\n", .header_bytes = 13}},
                  p::ExecCommandEnd{
                      .call_id = "2",
                      .outcome = {.status = p::CallStatus::kFailed, .output = "no such folder", .header_bytes = 14}}}),
      expected);
}

}  // namespace
}  // namespace lathe::cli
