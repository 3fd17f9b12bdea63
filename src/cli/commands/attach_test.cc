#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "lathe/cli/command_fixture.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::cli {
namespace {

using testing::HasSubstr;

/// A session that is idle, seen without a terminal.
class AttachTest : public CommandTest {
 protected:
  AttachTest() {
    std::string folder = testing::TempDir() + "/lathe_attach_XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    frontend_.environment.variables = {{"LATHE_HOME", folder}};
    engine_.on_call = [](const p::Call& call) -> base::Result<p::ReplyMsg> {
      if (std::holds_alternative<p::SessionSubscribe>(call)) return p::ReplyMsg(p::SessionSubscribeReply{});
      return p::ReplyMsg(p::SessionGetReply{.session = {.session_id = "s1"}});
    };
    give_stdin("go\n");
  }
};

TEST_F(AttachTest, ItEndsWithTheTaskThatItStartedAndAsThat) {
  script({p::TaskStarted{.task = "t"}, p::AgentMessage{.item = "a", .text = "So far."},
          p::ErrorEvent{.code = std::string(p::error_codes::kBudget), .message = "it is spent", .ends_task = true}});
  const Ran ran = run({"attach", "s1"});
  EXPECT_EQ(ran.code, kTaskFailed);
  EXPECT_EQ(ran.out, "So far.\n");
  EXPECT_THAT(ran.err, HasSubstr("› go\n"));
  EXPECT_EQ(std::get<p::UserInput>(engine_.ops.at(0)).if_busy, p::IfBusy::kSteer);
}

TEST_F(AttachTest, AQuestionThatNobodyCanBeAskedHereIsForOthers) {
  script({p::TaskStarted{.task = "t"},
          p::ExecApprovalRequest{.id = "q1", .call_id = "c", .command = {"ls"}, .cwd = "/w", .rule = "r"},
          p::ApprovalResolved{.id = "q1", .call_id = "c", .decision = p::Decision::kApproved, .by = "other/1"},
          p::TaskComplete{.task = "t"}});
  const Ran ran = run({"attach", "s1"});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_THAT(ran.err, HasSubstr("lathe approvals answer q1 --approve"));
  EXPECT_THAT(ran.err, HasSubstr("approved (by other/1)"));
  EXPECT_EQ(engine_.ops.size(), 1U) << "it answered nothing";
}

}  // namespace
}  // namespace lathe::cli
