#include "lathe/engine/questions.h"

#include <gtest/gtest.h>

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

TEST(Grants, CoverExactlyTheArgvThatWasApproved) {
  ports::SessionState state;
  state.session_grants = grant_keys(command({"make", "test"}));
  EXPECT_TRUE(is_granted(state, command({"make", "test"})));
  EXPECT_FALSE(is_granted(state, command({"make", "test", "-k"})));
  EXPECT_FALSE(is_granted(state, command({"make test"})));
}

TEST(Grants, NeedEveryFileOfAPatch) {
  Action patch;
  patch.kind = Action::Kind::kFileChange;
  patch.changes = {{.path = "a"}, {.path = "b", .kind = protocol::ChangeKind::kMove, .move_path = "c"}};
  ports::SessionState state;
  state.session_grants = {"file:a", "file:b"};
  EXPECT_FALSE(is_granted(state, patch));
  state.session_grants.emplace_back("file:c");
  EXPECT_TRUE(is_granted(state, patch));
}

TEST(Questions, ShowTheCommandQuoted) {
  EXPECT_EQ(one_line(question_about(command({"echo", "a b"}), "q", "r")), "echo 'a b'");
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
