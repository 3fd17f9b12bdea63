#include "lathe/engine/questions.h"

#include <gtest/gtest.h>

#include <chrono>

#include "lathe/ports/grant_keys.h"

namespace lathe::engine {
namespace {

using ports::Action;

Action command(std::vector<std::string> argv) {
  Action action;
  action.kind = Action::Kind::kCommand;
  action.call_id = "c";
  action.tool = "shell";
  action.command = std::move(argv);
  action.cwd = "/w";
  return action;
}

protocol::EventMsg question(const Action& action, std::string rule = "r") {
  policy::PolicyDecision decision;
  decision.rule = std::move(rule);
  decision.source = "built in";
  return question_about(action, "q", decision, std::nullopt);
}

TEST(Grants, CoverExactlyTheArgvThatWasApproved) {
  ports::SessionState state;
  state.session_grants = ports::grant_keys(question(command({"make", "test"})));
  EXPECT_TRUE(is_granted(state, question(command({"make", "test"}))));
  EXPECT_FALSE(is_granted(state, question(command({"make", "test", "-k"}))));
  EXPECT_FALSE(is_granted(state, question(command({"make test"}))));
  Action elsewhere = command({"make", "test"});
  elsewhere.cwd = "/other";
  EXPECT_FALSE(is_granted(state, question(elsewhere)));
  Action outside = command({"make", "test"});
  outside.outside_sandbox = true;
  EXPECT_FALSE(is_granted(state, question(outside)));
}

/// Every way in which the same words can be another command.
std::vector<Action> variations() {
  std::vector<Action> all(6, command({"bash"}));
  all[0].input = "rm -rf ~";
  all[1].terminal = true;
  all[2].job = "job-1";
  all[3].cwd = "/elsewhere";
  all[4].environment = {"PATH=/tmp"};
  all[5].timeout = std::chrono::minutes(5);
  return all;
}

TEST(Grants, DoNotCoverAnotherInputTerminalFolderEnvironmentOrTime) {
  ports::SessionState state;
  state.session_grants = ports::grant_keys(question(command({"bash"})));
  for (const Action& other : variations()) EXPECT_FALSE(is_granted(state, question(other)));
  for (const Action& other : variations()) {
    state.session_grants = ports::grant_keys(question(other));
    EXPECT_TRUE(is_granted(state, question(other)));
    EXPECT_FALSE(is_granted(state, question(command({"bash"}))));
  }
}

TEST(Grants, HoldForTheContentOfFilesAndForWhatIsOpened) {
  protocol::ExecApprovalRequest run{.command = {"./run"}, .cwd = "/w", .files = {{.path = "/w/run", .sha256 = "1"}}};
  ports::SessionState state;
  state.session_grants = ports::grant_keys(run);
  EXPECT_TRUE(is_granted(state, run));
  run.files[0].sha256 = "2";
  EXPECT_FALSE(is_granted(state, run));
  protocol::ApprovalRequest read{.tool = "read_file", .arguments = R"({"path":"a"})", .paths = {"/x/a"}};
  state.session_grants = ports::grant_keys(read);
  EXPECT_TRUE(is_granted(state, read));
  read.paths[0] = "/x/b";
  EXPECT_FALSE(is_granted(state, read));
}

TEST(Bindings, HoldWhatWasShownAndTheRuleThatAsked) {
  const std::string bound = binding_of(question(command({"rm", "x"})));
  EXPECT_EQ(binding_of(question(command({"rm", "x"}))), bound);
  EXPECT_NE(binding_of(question(command({"rm", "y"}))), bound);
  EXPECT_NE(binding_of(question(command({"rm", "x"}), "another rule")), bound);
  Action elsewhere = command({"rm", "x"});
  elsewhere.cwd = "/other";
  EXPECT_NE(binding_of(question(elsewhere)), bound);
  for (const Action& other : variations())
    EXPECT_NE(binding_of(question(other)), binding_of(question(command({"bash"}))));
}

TEST(PolicyActions, NameEveryFileThatIsTouched) {
  Action patch;
  patch.kind = Action::Kind::kFileChange;
  patch.arguments = R"({"path": "ignored"})";
  patch.changes = {{.path = "a"}, {.path = "/etc/b", .kind = protocol::ChangeKind::kMove, .move_path = "../c"}};
  EXPECT_EQ(policy_action(patch, "/w").paths, (std::vector<std::string>{"/w/a", "/etc/b", "/c"}));
  Action read;
  read.kind = Action::Kind::kRead;
  read.arguments = R"({"path": "d/../e"})";
  EXPECT_EQ(policy_action(read, "/w").paths, std::vector<std::string>{"/w/e"});
  read.opened = {"/home/x"};
  EXPECT_EQ(policy_action(read, "/w").paths, (std::vector<std::string>{"/w/e", "/home/x"}));
}

TEST(Grants, NeedEveryFileOfAPatch) {
  Action patch;
  patch.kind = Action::Kind::kFileChange;
  patch.changes = {{.path = "a"}, {.path = "b", .kind = protocol::ChangeKind::kMove, .move_path = "c"}};
  ports::SessionState state;
  state.session_grants = {"file:a", "file:b"};
  EXPECT_FALSE(is_granted(state, question(patch)));
  state.session_grants.emplace_back("file:c");
  EXPECT_TRUE(is_granted(state, question(patch)));
}

TEST(Grants, AreForTheFileThatAPathLedTo) {
  Action write;
  write.kind = Action::Kind::kFileChange;
  write.cwd = "/w";
  write.changes = {{.path = "note"}};
  write.opened = {"/w/note"};
  ports::SessionState state;
  state.session_grants = ports::grant_keys(question(write));
  EXPECT_TRUE(is_granted(state, question(write)));
  Action by_link = write;
  by_link.opened = {"/w/Makefile"};
  EXPECT_FALSE(is_granted(state, question(by_link)));
  EXPECT_NE(binding_of(question(by_link)), binding_of(question(write)));
  Action other_name = write;
  other_name.changes[0].path = "link-to-note";
  EXPECT_TRUE(is_granted(state, question(other_name)));
}

TEST(GateAnswer, AmendedInputAndNoteReachTheCall) {
  protocol::ApprovalResolved resolved{.id = "q",
                                      .call_id = "c",
                                      .decision = protocol::Decision::kApproved,
                                      .by = "x",
                                      .note = "careful",
                                      .amended_input = base::Json{{"command", "ls"}}};
  const ports::GateAnswer answer = to_gate_answer(resolved);
  EXPECT_EQ(answer.verdict, ports::GateAnswer::Verdict::kRun);
  EXPECT_EQ(answer.note, "careful");
  EXPECT_EQ(answer.amended_arguments, R"({"command":"ls"})");
}

}  // namespace
}  // namespace lathe::engine
