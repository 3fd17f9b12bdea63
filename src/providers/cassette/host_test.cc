#include "lathe/providers/cassette/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "lathe/fakes/memory_task_host.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/loop.h"

namespace lathe::providers::cassette {
namespace {

using ports::GateAnswer;
using protocol::JobEnd;
using runtime::CancelToken;
using testing::ElementsAre;
using testing::IsEmpty;

using Verdict = GateAnswer::Verdict;

class CassetteHostTest : public testing::Test {
 protected:
  ~CassetteHostTest() override { std::filesystem::remove(path_); }

  GateAnswer gate(CassetteHost& host, std::string call_id) {
    return *loop_.block_on(host.gate({.call_id = std::move(call_id), .tool = "shell"}, CancelToken()));
  }
  std::unique_ptr<TapeWriter> writer() {
    auto tape = *TapeWriter::create(path_, {}, [] { return std::vector<std::string>(); });
    EXPECT_TRUE(tape->begin().ok());
    return tape;
  }

  runtime::Loop loop_;
  const std::string path_ = testing::TempDir() + "cassette_host_" + std::to_string(getpid());
};

TEST_F(CassetteHostTest, WhatTheGateSaidIsSaidAgain) {
  const std::vector<GateAnswer> said{
      {.verdict = Verdict::kDeclined, .note = "not that", .asked = true},
      {.verdict = Verdict::kRun, .amended_arguments = R"({"command":"ls"})", .asked = true},
      {.verdict = Verdict::kRun, .note = "but only this once"},
      {.verdict = Verdict::kAbort}};
  const std::vector<std::string> calls{"a", "b", "b", "c"};
  {
    fakes::MemoryTaskHost real(loop_);
    real.on_gate = [&, next = std::size_t{0}](const ports::Action&) mutable { return said.at(next++); };
    const auto tape = writer();
    CassetteHost host(real, nullptr, tape.get(), nullptr);
    for (std::size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(gate(host, calls[i]), said[i]);
  }
  fakes::MemoryTaskHost real(loop_);
  const auto tape = *Tape::open(path_);
  CassetteHost host(real, tape.get(), nullptr, nullptr);
  // Calls of sub-agents may come in between others.
  EXPECT_EQ(gate(host, "b"), said[1]);
  EXPECT_EQ(gate(host, "a"), said[0]);
  EXPECT_EQ(gate(host, "c"), said[3]);
  EXPECT_EQ(gate(host, "b"), said[2]);
  EXPECT_THAT(real.gated, IsEmpty());
  // What is not on the tape is the session's own matter.
  EXPECT_EQ(gate(host, "a").verdict, Verdict::kRun);
  EXPECT_EQ(real.gated.size(), 1U);
}

TEST_F(CassetteHostTest, ATapeThatEndsAtACallWhichParkedSaysSo) {
  {
    fakes::MemoryTaskHost real(loop_);
    int asked = 0;
    real.on_gate = [&](const ports::Action&) {
      return GateAnswer{.verdict = ++asked == 3 ? Verdict::kRun : Verdict::kParked};
    };
    const auto tape = writer();
    CassetteHost host(real, nullptr, tape.get(), nullptr);
    EXPECT_EQ(gate(host, "a").verdict, Verdict::kParked);
    EXPECT_EQ(gate(host, "b").verdict, Verdict::kParked);
    // Answered while the same process runs.
    EXPECT_EQ(gate(host, "b").verdict, Verdict::kRun);
  }
  fakes::MemoryTaskHost real(loop_);
  const auto tape = *Tape::open(path_);
  CassetteHost host(real, tape.get(), nullptr, nullptr);
  EXPECT_EQ(gate(host, "b").verdict, Verdict::kRun);
  const auto refused = loop_.block_on(host.gate({.call_id = "a", .tool = "shell"}, CancelToken()));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, protocol::error_codes::kCassette);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("parked there"));
  EXPECT_THAT(real.gated, IsEmpty());
  EXPECT_EQ(tape->take_model([](const base::Json&) { return true; }).error().message, refused.error().message);
}

/// A session in which the model called one tool.
void begin(fakes::MemoryTaskHost& host) {
  host.start_task("go");
  host.append(protocol::ToolCalls{.calls = {{"c1", "shell", "{}"}}});
}

TEST_F(CassetteHostTest, TheEndOfAJobIsToldWhereItWas) {
  const JobEnd end{.job = "job_1", .call_id = "c1", .exit_code = 3, .tail = "oops\n", .output_bytes = 5};
  {
    fakes::MemoryTaskHost real(loop_);
    const auto tape = writer();
    CassetteHost host(real, nullptr, tape.get(), nullptr);
    EXPECT_THAT(*host.job_news(), IsEmpty());
    begin(real);
    real.append(
        protocol::ExecCommandBegin{.call_id = "c1", .command = {"x"}, .cwd = "/", .sandbox = {}, .job = "job_1"});
    real.append(end);
    EXPECT_THAT(*host.job_news(), ElementsAre(end));
  }
  fakes::MemoryTaskHost real(loop_);
  const auto tape = *Tape::open(path_);
  CassetteHost host(real, tape.get(), nullptr, nullptr);
  EXPECT_THAT(*host.job_news(), IsEmpty());
  begin(real);
  EXPECT_THAT(*host.job_news(), ElementsAre(end));
  EXPECT_THAT(*host.job_news(), IsEmpty()) << "told once";
}

TEST_F(CassetteHostTest, TheEndOfAJobIsRecordedBehindTheSameRecord) {
  const protocol::AgentMessage words{.item = "m", .text = "waiting"};
  const JobEnd first{.job = "job_1", .call_id = "c1", .exit_code = 3, .tail = "oops\n"};
  const JobEnd last{.job = "job_2", .call_id = "c1", .state = protocol::JobState::kKilled};
  {
    fakes::MemoryTaskHost real(loop_);
    const auto tape = writer();
    SideEvents beside(nullptr, tape.get());
    real.start_task("go");
    CassetteHost host(real, nullptr, tape.get(), &beside);
    ASSERT_TRUE(loop_.block_on(host.record(words)).ok());
    beside.comes(SideEvents::When::kInTask, first);
    ASSERT_TRUE(loop_.block_on(host.record(words)).ok());
    beside.comes(SideEvents::When::kBetweenTasks, last);
    ASSERT_TRUE(beside.write_rest().ok());
  }
  fakes::MemoryTaskHost real(loop_);
  const auto tape = *Tape::open(path_);
  SideEvents beside(tape.get(), nullptr);
  real.start_task("go");
  CassetteHost host(real, tape.get(), nullptr, &beside);
  EXPECT_TRUE(real.recorded_of<JobEnd>().empty());
  ASSERT_TRUE(loop_.block_on(host.record(words)).ok());
  EXPECT_THAT(real.recorded_of<JobEnd>(), ElementsAre(first));
  ASSERT_TRUE(loop_.block_on(host.record(words)).ok());
  EXPECT_FALSE(*loop_.block_on(host.tell_side_events()));
  EXPECT_THAT(real.recorded_of<JobEnd>(), ElementsAre(first)) << "the other one comes when no Task runs";
  EXPECT_THAT(*beside.due_after_task(), ElementsAre(protocol::EventMsg(last)));
}

TEST_F(CassetteHostTest, WhatBecomesOfAgentsIsToldBetweenTheSameRecords) {
  const protocol::AgentStarted started{.session = "child", .call_id = "c1", .agent = "general", .background = true};
  const protocol::AgentEnded ended{.session = "child", .call_id = "c1", .last_agent_message = "seen"};
  const protocol::ContextAdded told{.item = "x", .text = "it has ended"};
  const protocol::AgentMessage words{.item = "m", .text = "waiting"};
  const protocol::ToolCalls calls{.calls = {{"c1", "spawn_agent", "{}"}}};
  {
    fakes::MemoryTaskHost real(loop_);
    const auto tape = writer();
    SideEvents agents(nullptr, tape.get());
    real.start_task("go");
    CassetteHost host(real, nullptr, tape.get(), &agents);
    ASSERT_TRUE(loop_.block_on(host.record(calls)).ok());
    agents.came(real.append(started), started);
    EXPECT_FALSE(host.take_steered()) << "a request is built";
    agents.came(real.append(ended), ended);
    agents.came(real.append(told), told);
    ASSERT_TRUE(loop_.block_on(host.record(words)).ok());
  }
  fakes::MemoryTaskHost real(loop_);
  const auto tape = *Tape::open(path_);
  SideEvents agents(tape.get(), nullptr);
  real.start_task("go");
  CassetteHost host(real, tape.get(), nullptr, &agents);
  ASSERT_TRUE(loop_.block_on(host.record(calls)).ok());
  EXPECT_EQ(real.recorded_of<protocol::AgentStarted>().size(), 1U);
  EXPECT_FALSE(host.take_steered());
  EXPECT_TRUE(real.recorded_of<protocol::AgentEnded>().empty()) << "it was not in the request";
  ASSERT_TRUE(loop_.block_on(host.record(words)).ok());
  EXPECT_EQ(real.recorded, (std::vector<protocol::EventMsg>{calls, started, ended, told, words}));
  EXPECT_TRUE(host.take_steered()) << "the model was not asked since";
  EXPECT_FALSE(host.take_steered());
}

}  // namespace
}  // namespace lathe::providers::cassette
