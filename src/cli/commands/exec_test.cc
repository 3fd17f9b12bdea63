#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "lathe/base/unique_fd.h"
#include "lathe/cli/ask_person.h"
#include "lathe/cli/command_fixture.h"

// Whole command lines against an engine that plays a script: what reaches stdout and stderr, what the engine is asked,
// the exit code.

namespace lathe::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

using ExecTest = CommandTest;

const p::EventMsg kDoneTask = p::TaskComplete{
    .task = "t", .last_agent_message = "All done.", .usage = {.input_tokens = 1200, .output_tokens = 34}, .turns = 1};

TEST_F(ExecTest, TheAnswerStreamsToStdoutAndTheRestToStderr) {
  script({p::AgentMessageDelta{.item = "a", .text = "All "},
          p::AgentMessageDelta{.item = "a", .offset = 4, .text = "done."},
          p::AgentMessage{.item = "a", .text = "All done."},
          p::ExecCommandBegin{.call_id = "c", .command = {"bash", "-lc", "make test"}, .cwd = "/w"},
          p::ExecCommandEnd{.call_id = "c", .exit_code = 2, .outcome = {.output = "broken\n", .duration_ms = 1200}},
          kDoneTask});
  engine_.sandbox = "none";
  const Ran ran = run({"exec", "fix it"});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_EQ(ran.out, "All done.\n");
  EXPECT_THAT(ran.err, HasSubstr("$ make test\n  broken\n  exit 2 in 1.2s\n"));
  EXPECT_THAT(ran.err, HasSubstr("not confined"));
  EXPECT_THAT(ran.err, HasSubstr("1,200 tokens in, 34 out, price unknown, 1 turn, 0 tool calls"));
  EXPECT_TRUE(engine_.closed);
}

TEST_F(ExecTest, JsonIsTheDeliveredLinesAndNothingElse) {
  script({p::AgentMessage{.item = "a", .text = "x"}, kDoneTask});
  const Ran ran = run({"exec", "--json", "hi"});
  std::istringstream lines(ran.out);
  std::string line;
  int durable = 0;
  while (std::getline(lines, line)) {
    ASSERT_TRUE(p::decode_event(line).ok()) << line;
    if (p::check_seal(line) == p::SealState::kGood) ++durable;
  }
  EXPECT_EQ(durable, 4);
  EXPECT_EQ(ran.err, "");
}

TEST_F(ExecTest, PromptsFromStdin) {
  script({kDoneTask});
  give_stdin("from stdin\n");
  EXPECT_EQ(run({"exec"}).code, kDone);
  EXPECT_EQ(std::get<p::TextPart>(std::get<p::UserInput>(engine_.ops.at(1)).items.at(0)).text, "from stdin\n");
  give_stdin("data\n");
  EXPECT_EQ(run({"exec", "sum up", "-"}).code, kDone);
  EXPECT_EQ(std::get<p::TextPart>(std::get<p::UserInput>(engine_.ops.at(3)).items.at(0)).text,
            "sum up\n\n<stdin>\ndata\n</stdin>");
}

TEST_F(ExecTest, BadPromptsOpenNoEngine) {
  Ran ran = run({"exec"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("the prompt is empty"));
  give_stdin(std::string((1U << 20) + 1, 'x'));
  ran = run({"exec"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("longer than 1.0 MiB"));
  ran = run({"exec", "--output-schema", "/nonexistent.json", "hi"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("/nonexistent.json"));
  EXPECT_FALSE(opened_);
}

TEST_F(ExecTest, VersionAndHelpOpenNoEngine) {
  EXPECT_EQ(run({"--version"}).out, "lathe 1.2.3\n");
  EXPECT_THAT(run({"exec", "--help"}).out, HasSubstr("--output-schema"));
  EXPECT_FALSE(opened_);
}

TEST_F(ExecTest, OptionsReachTheEngine) {
  script({kDoneTask});
  EXPECT_EQ(run({"exec", "-m", "big", "--ask", "wait", "--max-turns", "0", "--replay", "/dev/null", "hi"}).code, kDone);
  const auto& configure = std::get<p::ConfigureSession>(engine_.ops.at(0));
  EXPECT_EQ(configure.model, "big");
  EXPECT_EQ(configure.ask, p::AskMode::kWait);
  EXPECT_TRUE(configure.cwd.value_or("").starts_with('/'));
  EXPECT_EQ(std::get<p::UserInput>(engine_.ops.at(1)).budget, p::Budget{.turns = 0});
  EXPECT_EQ(opened_->replay, client::OpenOptions::Replay::kModel);
}

TEST_F(ExecTest, ASessionWhoseOnlyInputWasRefusedIsRemoved) {
  engine_.refusal = base::Error{.code = base::codes::kPermission, .message = "image: not for you"};
  p::SessionInfo info{.session_id = "s1"};
  std::vector<std::string> removed;
  engine_.on_call = [&](const p::Call& call) -> base::Result<p::ReplyMsg> {
    if (std::holds_alternative<p::SessionGet>(call)) return p::ReplyMsg(p::SessionGetReply{.session = info});
    if (const auto* remove = std::get_if<p::SessionRemove>(&call)) removed.push_back(remove->session);
    return p::ReplyMsg(p::OkReply{});
  };
  const Ran ran = run({"exec", "hi"});
  EXPECT_EQ(ran.code, kBroken);
  EXPECT_THAT(ran.err, HasSubstr("not for you"));
  EXPECT_EQ(removed, std::vector<std::string>{"s1"});
  // Another client was faster.
  info.tasks = 1;
  EXPECT_EQ(run({"exec", "hi"}).code, kBroken);
  EXPECT_EQ(removed.size(), 1U);
}

TEST_F(ExecTest, HowATaskEndsIsTheExitCode) {
  const auto error = [](const char* code) { return p::ErrorEvent{.code = code, .message = "why", .ends_task = true}; };
  const std::vector<std::pair<p::EventMsg, int>> ends{{error("budget_exceeded"), kTaskFailed},
                                                      {error("auth_error"), kBroken},
                                                      {error("approval_aborted"), kStopped},
                                                      {error("interrupted"), kStopped}};
  for (const auto& [event, code] : ends) {
    script({event});
    EXPECT_EQ(run({"exec", "hi"}).code, code);
  }
  script({p::BudgetStatus{.kind = "millis", .used = 10, .limit = 10}, error("budget_exceeded")});
  EXPECT_EQ(run({"exec", "hi"}).code, kTimedOut);
}

TEST_F(ExecTest, AParkedTaskSaysHowToAnswer) {
  script({p::TaskParked{.questions = {"q7"}}});
  const Ran ran = run({"exec", "--ask", "wait", "hi"});
  EXPECT_EQ(ran.code, kStopped);
  EXPECT_THAT(ran.err, HasSubstr("lathe approvals answer q7 --approve"));
}

TEST_F(ExecTest, CtrlCInterruptsAndTwiceLeaves) {
  engine_.on_op = [this](const p::Op& op) {
    if (std::holds_alternative<p::UserInput>(op)) std::raise(SIGINT);
    if (std::holds_alternative<p::Interrupt>(op)) engine_.push_interrupted();
  };
  EXPECT_EQ(run({"exec", "hi"}).code, kInterrupted);
  EXPECT_FALSE(left_with_);
  engine_.on_op = [](const p::Op& op) {
    const bool stops = std::holds_alternative<p::UserInput>(op) || std::holds_alternative<p::Interrupt>(op);
    if (stops) std::raise(SIGINT);
  };
  frontend_.leave_now = [this](int code) {
    left_with_ = code;
    engine_.push_interrupted();
  };
  EXPECT_EQ(run({"exec", "hi"}).code, kInterrupted);
  EXPECT_EQ(left_with_, kInterrupted);
}

TEST_F(ExecTest, TimeoutAndSigtermInterrupt) {
  script({});
  EXPECT_EQ(run({"exec", "--timeout", "10ms", "hi"}).code, kTimedOut);
  engine_.on_op = [this](const p::Op& op) {
    if (std::holds_alternative<p::UserInput>(op)) std::raise(SIGTERM);
    if (std::holds_alternative<p::Interrupt>(op)) engine_.push_interrupted();
  };
  EXPECT_EQ(run({"exec", "hi"}).code, kStopped);
}

TEST_F(ExecTest, AReaderThatWentAwayEndsTheTask) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const base::UniqueFd closed_pipe(ends[1]);
  out_fd_ = closed_pipe.get();
  script({p::AgentMessage{.item = "a", .text = "x"}});
  const Ran ran = run({"exec", "hi"});
  EXPECT_EQ(ran.code, kStopped);
  EXPECT_TRUE(std::holds_alternative<p::Interrupt>(engine_.ops.back()));
  EXPECT_THAT(ran.err, Not(HasSubstr("lathe:")));
}

TEST_F(ExecTest, AFullDiskIsAnError) {
  const base::UniqueFd full(::open("/dev/full", O_WRONLY));
  out_fd_ = full.get();
  script({p::AgentMessage{.item = "a", .text = "x"}});
  const Ran ran = run({"exec", "hi"});
  EXPECT_EQ(ran.code, kBroken);
  EXPECT_THAT(ran.err, HasSubstr("No space left"));
}

TEST_F(ExecTest, TheLastMessageGoesToItsFile) {
  script({kDoneTask});
  const std::string file = testing::TempDir() + "/last_message.txt";
  EXPECT_EQ(run({"exec", "-o", file, "hi"}).code, kDone);
  std::ifstream in(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "All done.");
  ::unlink(file.c_str());
  const Ran ran = run({"exec", "-o", "/nonexistent/folder/file", "hi"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("--output-last-message /nonexistent/folder/file"));
}

TEST_F(ExecTest, QuestionsAreAskedOnTheTerminal) {
  const Person person({{"end the task: ", "s"}, {"> ", "2\n"}});
  frontend_.tty_path = person.path;
  engine_.on_op = [this](const p::Op& op) {
    if (std::holds_alternative<p::UserInput>(op)) {
      engine_.push(
          p::ExecApprovalRequest{.id = "q1", .call_id = "c", .command = {"rm", "x"}, .cwd = "/w", .rule = "r"});
    } else if (std::holds_alternative<p::Approval>(op)) {
      engine_.push(p::UserQuestion{.id = "q2", .call_id = "d", .questions = {{"Which?", {"red", "blue"}}}});
    } else if (std::holds_alternative<p::UserAnswer>(op)) {
      engine_.push(kDoneTask);
    }
  };
  EXPECT_EQ(run({"exec", "hi"}).code, kDone);
  EXPECT_EQ(std::get<p::ConfigureSession>(engine_.ops.at(0)).ask, p::AskMode::kClient);
  EXPECT_EQ(std::get<p::Approval>(engine_.ops.at(2)).id, "q1");
  EXPECT_EQ(std::get<p::Approval>(engine_.ops.at(2)).decision, p::Decision::kApprovedForSession);
  EXPECT_EQ(std::get<p::UserAnswer>(engine_.ops.at(3)).answers, std::vector<std::string>{"blue"});
}

TEST_F(ExecTest, AQuestionIsOpenUntilTheEngineSettlesItWhateverTheClockHere) {
  const Person person({{"end the task: ", "y"}});
  frontend_.tty_path = person.path;
  engine_.on_op = [this](const p::Op& op) {
    if (std::holds_alternative<p::UserInput>(op)) {
      engine_.push(p::ExecApprovalRequest{
          .id = "q1", .call_id = "c", .command = {"rm", "x"}, .cwd = "/w", .rule = "r", .expires_at = 1});
      engine_.push(p::ExecApprovalRequest{.id = "q2", .call_id = "d", .command = {"ls"}, .cwd = "/w", .rule = "r"});
      engine_.push(p::ApprovalResolved{.id = "q2", .call_id = "d", .decision = p::Decision::kDenied, .by = "expired"});
    } else if (std::holds_alternative<p::Approval>(op)) {
      engine_.push(kDoneTask);
    }
  };
  EXPECT_EQ(run({"exec", "hi"}).code, kDone);
  ASSERT_EQ(engine_.ops.size(), 3U) << "the one that was settled is not answered";
  EXPECT_EQ(std::get<p::Approval>(engine_.ops[2]).id, "q1");
  EXPECT_EQ(std::get<p::Approval>(engine_.ops[2]).decision, p::Decision::kApproved);
}

TEST_F(ExecTest, AQuestionShowsWhatWouldRunAndWhatAsked) {
  const Person person({{"end the task: ", "e"}, {"ask again): ", "ls y\n"}});
  frontend_.tty_path = person.path;
  engine_.on_op = [this](const p::Op& op) {
    if (std::holds_alternative<p::UserInput>(op)) {
      engine_.push(p::ToolCalls{.calls = {{"c", "shell", R"({"command":"ls && rm -f x","workdir":"d"})"}}});
      engine_.push(p::ExecApprovalRequest{.id = "q1",
                                          .call_id = "c",
                                          .command = {"bash", "-c", "ls && rm -f x"},
                                          .cwd = "/w",
                                          .rule = "a dangerous command asks",
                                          .commands = {"ls", "rm -f x"},
                                          .always_rule = "{}"});
    } else if (std::holds_alternative<p::Approval>(op)) {
      engine_.push(kDoneTask);
    }
  };
  EXPECT_EQ(run({"exec", "hi"}).code, kDone);
  const auto& answer = std::get<p::Approval>(engine_.ops.at(2));
  EXPECT_EQ(answer.decision, p::Decision::kApproved);
  EXPECT_EQ(*answer.amended_input, (base::Json{{"command", "ls y"}, {"workdir", "d"}}));
  const std::string shown = approval_text(p::ExecApprovalRequest{.id = "q",
                                                                 .command = {"ls"},
                                                                 .rule = "a rule",
                                                                 .commands = {"ls", "rm"},
                                                                 .always_rule = "{\"x\":1}",
                                                                 .expires_at = 13'000},
                                          /*now=*/10'010, {});
  EXPECT_THAT(shown, HasSubstr("  answer within 3s\n"));
  EXPECT_THAT(shown, HasSubstr("which runs:\n    ls\n    rm\n"));
  EXPECT_THAT(shown, HasSubstr("asked by: a rule"));
  EXPECT_THAT(shown, HasSubstr("always would write: {\"x\":1}"));
}

TEST_F(ExecTest, AQuestionSaysWhatItHidesAndShowsItAll) {
  std::string script = "begin\n";
  for (int i = 0; i < 100; ++i) script += "line " + std::to_string(i) + "\n";
  const p::ExecApprovalRequest asked{.id = "q",
                                     .call_id = "c",
                                     .command = {"bash", "-c", script + "the last line"},
                                     .cwd = "/w",
                                     .input = "typed text",
                                     .terminal = true,
                                     .background = true,
                                     .timeout_ms = 90'000,
                                     .environment = {"A=b"},
                                     .files = {{.path = "/w/x.sh", .sha256 = "0123456789abcdef"}},
                                     .rule = "r"};
  const std::string shown = approval_text(asked, /*now=*/0, {});
  EXPECT_THAT(shown, HasSubstr("more are not shown here ([v] shows all)"));
  EXPECT_THAT(shown, Not(HasSubstr("the last line")));
  EXPECT_THAT(shown, HasSubstr("with 10 B of standard input:\n    typed text\n"));
  for (const char* part : {"in a live terminal", "in the background", "for 1m30s at most", "with A=b",
                           "as /w/x.sh is now (0123456789ab)"}) {
    EXPECT_THAT(shown, HasSubstr(part));
  }
  EXPECT_THAT(whole_approval_text(asked, "", {}), HasSubstr("the last line"));
  const p::ApplyPatchApprovalRequest change{.id = "q", .changes = {{.path = "a", .diff = "[cut]"}}, .rule = "r"};
  EXPECT_THAT(whole_approval_text(change, R"({"path":"a","content":"one\ntwo"})", {}),
              HasSubstr("    content:\n      one\n      two\n"));
  p::ApplyPatchApprovalRequest by_link = change;
  by_link.cwd = "/w";
  by_link.paths = {"/w/a"};
  EXPECT_THAT(approval_text(by_link, /*now=*/0, {}), Not(HasSubstr("leads to")));
  by_link.paths = {"/w/other"};
  EXPECT_THAT(approval_text(by_link, /*now=*/0, {}), HasSubstr("  a leads to /w/other\n"));

  // Page by page, then the answer.
  const Person person({{"end the task: ", "v"}, {"end the task: ", "v"}, {"end the task: ", "n"}});
  frontend_.tty_path = person.path;
  engine_.on_op = [&](const p::Op& op) {
    if (std::holds_alternative<p::UserInput>(op)) engine_.push(asked);
    if (std::holds_alternative<p::Approval>(op)) engine_.push(kDoneTask);
  };
  EXPECT_EQ(run({"exec", "hi"}).code, kDone);
  EXPECT_EQ(std::get<p::Approval>(engine_.ops.at(2)).decision, p::Decision::kDenied);
}

TEST_F(ExecTest, WithoutATerminalQuestionsAreDenied) {
  script({kDoneTask});
  EXPECT_EQ(run({"exec", "hi"}).code, kDone);
  EXPECT_EQ(std::get<p::ConfigureSession>(engine_.ops.at(0)).ask, p::AskMode::kDeny);
  const Ran ran = run({"exec", "--ask", "tty", "hi"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("no terminal"));
}

TEST_F(ExecTest, ResumeOfAnUnknownSession) {
  engine_.on_call = [](const p::Call& call) -> base::Result<p::ReplyMsg> {
    return base::Error{.code = base::codes::kNotFound,
                       .message = "no session \"" + std::get<p::SessionGet>(call).session + "\""};
  };
  const Ran ran = run({"exec", "--resume", "abc", "hi"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, testing::StartsWith("lathe: no session \"abc\" (check how it is written; "));
}

TEST_F(ExecTest, WhatIsSaidInASessionAtWorkReachesItsTask) {
  engine_.on_call = [](const p::Call& call) -> base::Result<p::ReplyMsg> {
    if (std::holds_alternative<p::SessionSubscribe>(call)) return p::ReplyMsg(p::SessionSubscribeReply{});
    return p::ReplyMsg(
        p::SessionGetReply{.session = {.session_id = "s1", .state = p::SessionState::kRunning, .last_seq = 7}});
  };
  script({kDoneTask});
  const Ran ran = run({"exec", "--resume", "s1", "and this"});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_THAT(ran.err, HasSubstr("a task runs in session s1; it is told this"));
  ASSERT_EQ(engine_.ops.size(), 1U) << "to configure it would end the task";
  EXPECT_EQ(std::get<p::UserInput>(engine_.ops[0]).if_busy, p::IfBusy::kSteer);
  EXPECT_EQ(std::get<p::SessionSubscribe>(engine_.calls.at(1)).since, 7);

  for (const std::vector<std::string>& setting :
       {std::vector<std::string>{"--model", "m"}, {"--max-turns", "3"}, {"--ask", "wait"}}) {
    std::vector<std::string> words{"exec", "--resume", "s1", "and this"};
    words.insert(words.end(), setting.begin(), setting.end());
    const Ran refused = run(words);
    EXPECT_EQ(refused.code, kBroken);
    EXPECT_THAT(refused.err, HasSubstr("would end it"));
    EXPECT_THAT(refused.err, HasSubstr("lathe attach s1"));
  }
  EXPECT_EQ(engine_.ops.size(), 1U);
}

TEST_F(ExecTest, SessionListAsJson) {
  engine_.on_call = [](const p::Call&) -> base::Result<p::ReplyMsg> {
    return p::ReplyMsg(p::SessionListReply{.sessions = {{.session_id = "s1", .title = "T"}}});
  };
  const Ran ran = run({"session", "list", "--json"});
  const auto json = base::parse_json(ran.out);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ((*json)["sessions"][0]["session_id"], "s1");
  EXPECT_EQ(json->size(), 1U);
}

}  // namespace
}  // namespace lathe::cli
