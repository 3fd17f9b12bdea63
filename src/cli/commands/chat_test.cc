#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "lathe/cli/command_fixture.h"

namespace lathe::cli {
namespace {

using testing::HasSubstr;

class ChatTest : public CommandTest {
 protected:
  ChatTest() {
    std::string folder = testing::TempDir() + "/lathe_chat_XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    frontend_.environment.variables = {{"LATHE_HOME", folder}, {"TERM", "xterm"}, {"NO_COLOR", "1"}};
  }

  /// The whole chat at the person's terminal.
  int chat_with(const Person& person) {
    frontend_.in_fd = frontend_.out_fd = frontend_.err_fd = person.terminal();
    frontend_.tty_path = person.path;
    return cli::run({"chat"}, frontend_);
  }
  [[nodiscard]] std::string text_of_op(std::size_t index) const {
    return std::get<p::TextPart>(std::get<p::UserInput>(engine_.ops.at(index)).items.at(0)).text;
  }
};

TEST_F(ChatTest, TasksCommandsAndTheEnd) {
  script({p::AgentMessage{.item = "a", .text = "**Hello** you"}, p::TaskComplete{.last_agent_message = "Hello you"}});
  engine_.on_call = [](const p::Call&) -> base::Result<p::ReplyMsg> {
    return p::ReplyMsg(p::SessionGetReply{.session = {.session_id = "s1", .model = "m", .backend = "b"}});
  };
  const Person person({{"Ctrl-D leaves", "say hello\r"},
                       {"tool calls", "/usgae\r"},
                       {"did you mean \"/usage\"?", "/usage\r"},
                       {"b/m: 0 tokens in", "\x1b[200~two\nlines\x1b[201~\r"},
                       {"tool calls", "\x04"}});
  EXPECT_EQ(chat_with(person), kDone);
  ASSERT_EQ(engine_.ops.size(), 3U);
  EXPECT_EQ(text_of_op(1), "say hello");
  EXPECT_EQ(text_of_op(2), "two\nlines");
  EXPECT_TRUE(engine_.closed);
}

TEST_F(ChatTest, WhatIsTypedWhileATaskRunsIsSteeredIntoIt) {
  engine_.on_op = [this](const p::Op& op) {
    if (!std::holds_alternative<p::UserInput>(op)) return;
    if (engine_.ops.size() == 2) {
      engine_.push(p::Warning{.message = "working on it"});
    } else {
      engine_.push(p::TaskComplete{});
    }
  };
  const Person person({{"Ctrl-D leaves", "start\r"}, {"working on it", "and this\r"}, {"tool calls", "/quit\r"}});
  EXPECT_EQ(chat_with(person), kDone);
  ASSERT_EQ(engine_.ops.size(), 3U);
  EXPECT_EQ(text_of_op(2), "and this");
  EXPECT_EQ(std::get<p::UserInput>(engine_.ops.at(2)).if_busy, p::IfBusy::kSteer);
}

TEST_F(ChatTest, TheCtrlCThatStopsATaskIsTheFirstOfTwo) {
  engine_.on_op = [this](const p::Op& op) {
    if (!std::holds_alternative<p::UserInput>(op)) return;
    if (engine_.ops.size() == 2) {
      std::raise(SIGINT);
    } else {
      engine_.push_interrupted();
    }
  };
  // The engine takes its time to stop: until the person says something more.
  const Person person({{"Ctrl-D leaves", "start\r"},
                       {"Ctrl-C again to leave", "well?\r"},
                       {"Ctrl-C again on an empty line leaves", "\x04"}});
  EXPECT_EQ(chat_with(person), kDone);
  EXPECT_FALSE(left_with_);
  EXPECT_TRUE(std::holds_alternative<p::Interrupt>(engine_.ops.at(2)));
}

TEST_F(ChatTest, AQuestionTakesTheTerminalAndGivesItBack) {
  engine_.on_op = [this](const p::Op& op) {
    if (std::holds_alternative<p::UserInput>(op)) {
      engine_.push(p::ExecApprovalRequest{.id = "q1", .call_id = "c", .command = {"ls"}, .cwd = "/w", .rule = "r"});
    } else if (std::holds_alternative<p::Approval>(op)) {
      engine_.push(p::TaskComplete{});
    }
  };
  const Person person({{"Ctrl-D leaves", "start\r"}, {"end the task: ", "n"}, {"tool calls", "/quit\r"}});
  EXPECT_EQ(chat_with(person), kDone);
  EXPECT_EQ(std::get<p::Approval>(engine_.ops.at(2)).decision, p::Decision::kDenied);
}

TEST_F(ChatTest, MessagesFromAPipe) {
  script({p::AgentMessage{.item = "a", .text = "ok"}, p::TaskComplete{}});
  give_stdin("one\\\nmore\n\ntwo\n");
  const Ran ran = run({"chat"});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_EQ(ran.out, "ok\nok\n");
  EXPECT_EQ(text_of_op(1), "one\nmore");
  EXPECT_EQ(text_of_op(2), "two");
}

}  // namespace
}  // namespace lathe::cli
