#include "lathe/tools/shell/job_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "lathe/fakes/memory_blob_store.h"
#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/tools/shell/keeper_command_runner.h"
#include "lathe/tools/shell/keeper_jobs.h"
#include "lathe/tools/shell/shell_tool.h"

// Jobs over the real keeper. Times are only waited for where something else is expected to come first.

namespace lathe::tools::shell {
namespace {

using protocol::CallStatus;
using protocol::JobEnd;
using protocol::JobState;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

constexpr std::chrono::seconds kLong{60};

using Sink = fakes::TextSink;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "lathe-jobs-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

runtime::Async<base::Result<Confined>> confined_in(std::vector<std::string> around, ports::CommandSpec spec) {
  co_return Confined{.outer_argv = std::move(around), .env = std::move(spec.env)};
}
/// Every keeper is started by `around`.
Confine confined_by(std::vector<std::string> around) {
  return [around = std::move(around)](ports::CommandSpec spec) { return confined_in(around, std::move(spec)); };
}

/// The tools of one session and everything below them.
struct Session {
  explicit Session(runtime::Loop& the_loop, std::string folder = {}, JobOptions options = {}, Confine confine = {})
      : loop(the_loop),
        keepers(loop, {.program = *keeper::installed_program(),
                       .folder = std::move(folder),
                       .linger = kLong,
                       .confine = std::move(confine)}),
        runner(loop, keepers),
        jobs(loop, keepers, blobs, with_record(std::move(options))),
        tools(make_shell_tools({.runner = &runner,
                                .jobs = &jobs,
                                .environment = {"PATH=/usr/bin:/bin"},
                                .shell = default_shell(),
                                .least_timeout = std::chrono::milliseconds(50)})) {}

  JobOptions with_record(JobOptions options) {
    options.record = [this](protocol::EventMsg msg) {
      if (auto* end = std::get_if<JobEnd>(&msg)) told.push_back(std::move(*end));
      if (auto* delta = std::get_if<protocol::ExecCommandOutputDelta>(&msg)) shown += delta->text;
    };
    return options;
  }
  void stop() {
    loop.block_on(jobs.stop());
    loop.block_on(keepers.stop());
  }
  base::Result<ports::RunResult> call(const std::string& tool, const base::Json& arguments) {
    for (const auto& one : tools) {
      if (one->spec().name != tool) continue;
      auto prepared = loop.block_on(one->prepare({.call_id = "c1", .tool = tool, .arguments = arguments.dump()},
                                                 {.cwd = "/", .session_id = "s"}));
      if (!prepared.ok()) return prepared.error();
      job = (*prepared)->action().job.empty() ? job : (*prepared)->action().job;
      out.text.clear();
      return loop.block_on((*prepared)->run(out, cancel.token()));
    }
    return base::Error{.code = "no_tool", .message = tool};
  }
  ports::RunResult run(const std::string& tool, const base::Json& arguments) {
    auto result = call(tool, arguments);
    EXPECT_TRUE(result.ok()) << result.error().text();
    return result.ok() ? *std::move(result) : ports::RunResult{};
  }

  runtime::Loop& loop;
  fakes::MemoryBlobStore blobs;
  std::vector<JobEnd> told;
  std::string shown;
  KeeperSet keepers;
  KeeperCommandRunner runner;
  KeeperJobs jobs;
  std::vector<std::unique_ptr<ports::Tool>> tools;
  Sink out;
  runtime::CancelSource cancel;
  /// The newest.
  std::string job;
};

class Jobs : public testing::Test {
 protected:
  ~Jobs() override { session_.stop(); }
  runtime::Loop loop_;
  Session session_{loop_};
};

TEST_F(Jobs, GoOnAfterTheCallAndTellTheirEndOnce) {
  const auto started = session_.run("shell", {{"command", "echo up; read line; exit 3"}, {"background", true}});
  EXPECT_EQ(started.header, session_.job + " is running; you will be told when it ends.\n" +
                                (session_.out.text.empty() ? "No new output.\n" : "New output:\n"));
  EXPECT_TRUE(session_.told.empty());
  ASSERT_TRUE(loop_.block_on(session_.jobs.write(session_.job, "go\n")).ok());
  ASSERT_TRUE(loop_.block_on(session_.jobs.wait(session_.job, kLong, {})).ok());
  ASSERT_EQ(session_.told.size(), 1U) << "no call was there to tell";
  EXPECT_EQ(session_.told[0], (JobEnd{.job = session_.job,
                                      .call_id = "c1",
                                      .state = JobState::kExited,
                                      .exit_code = 3,
                                      .tail = "up\n",
                                      .output_blob = {},
                                      .output_bytes = 3}));
  const auto waited = session_.run("job_wait", {{"job", session_.job}});
  EXPECT_THAT(waited.header, StartsWith(ports::job_ended_words(session_.job) + ": exit code 3\n"));
  EXPECT_TRUE(waited.events.empty()) << "it was told already";
}

std::vector<std::string> one_key() { return {"sk-secret-key"}; }

TEST(JobSecrets, NeitherTheEndNorTheBlobHoldsAKey) {
  runtime::Loop loop;
  Session session(loop, {}, {.secrets = one_key});
  (void)session.run("shell",
                    {{"command", "for i in $(seq 500); do echo key sk-secret-key; done"}, {"background", true}});
  ASSERT_TRUE(loop.block_on(session.jobs.wait(session.job, kLong, {})).ok());
  const auto status = session.jobs.status(session.job);
  ASSERT_TRUE(status.ok() && status->end);
  EXPECT_THAT(status->end->tail, testing::Not(HasSubstr("sk-secret-key")));
  const auto blob = session.blobs.get(base::Sha256Hex(status->end->output_blob), 1 << 20);
  ASSERT_TRUE(blob.ok());
  EXPECT_THAT(*blob, HasSubstr("key [secret]\n"));
  EXPECT_THAT(*blob, testing::Not(HasSubstr("sk-secret-key")));
  session.stop();
}

TEST_F(Jobs, ACallThatSeesTheEndTellsIt) {
  const auto ended = session_.run("shell", {{"command", "echo hi"}, {"background", true}, {"yield_time_ms", 30'000}});
  EXPECT_EQ(ended.header, ports::job_ended_words(session_.job) + ": exit code 0\nNew output:\n");
  EXPECT_EQ(session_.out.text, "hi\n");
  ASSERT_EQ(ended.events.size(), 1U);
  EXPECT_EQ(std::get<JobEnd>(ended.events[0]).job, session_.job);
  EXPECT_TRUE(session_.told.empty());
}

TEST_F(Jobs, OneThatCannotStartIsAnError) {
  const auto failed = session_.call("shell", {{"command", "true"}, {"workdir", "no/such"}, {"background", true}});
  EXPECT_EQ(failed.error().code, base::codes::kNotFound);
  EXPECT_TRUE(session_.jobs.list().empty());
}

TEST_F(Jobs, ATerminalTakesWhatIsTyped) {
  session_.run("shell", {{"command", "test -t 0 && echo tty; read x; echo got $x; read x; echo $x"},
                         {"tty", true},
                         {"yield_time_ms", 250}});
  const auto typed = session_.run("write_stdin", {{"job", session_.job}, {"chars", "one\n"}});
  EXPECT_THAT(typed.header, StartsWith(session_.job + " is running"));
  EXPECT_EQ(loop_.block_on(session_.jobs.write(session_.job, "two\n")).ok(), true);
  const auto ended = session_.run("job_wait", {{"job", session_.job}, {"timeout_ms", 60'000}});
  EXPECT_EQ(ended.status, CallStatus::kCompleted);
  const auto log = session_.run("job_log", {{"job", session_.job}, {"offset", 0}});
  EXPECT_THAT(session_.out.text, StartsWith("tty\r\n"));
  EXPECT_THAT(session_.out.text, HasSubstr("got one\r\n"));
  EXPECT_THAT(log.header, HasSubstr("(exit code 0)"));
  EXPECT_FALSE(loop_.block_on(session_.jobs.write(session_.job, "x")).ok());
}

TEST_F(Jobs, OneOutsideOfTheJailTakesNoInput) {
  const auto ended = session_.run("shell", {{"command", "cat; echo end"},
                                            {"background", true},
                                            {"yield_time_ms", 30'000},
                                            {"sandbox_permissions", "require_escalated"},
                                            {"justification", "it needs the device"}});
  EXPECT_EQ(ended.header, ports::job_ended_words(session_.job) + ": exit code 0\nNew output:\n");
  EXPECT_EQ(session_.out.text, "end\n");
}

TEST_F(Jobs, WhatIsTypedIsACommandToTheGate) {
  session_.run("shell", {{"command", "cat"}, {"background", true}});
  const auto action_of = [&](const base::Json& arguments) {
    const auto tool =
        std::ranges::find_if(session_.tools, [](const auto& one) { return one->spec().name == "write_stdin"; });
    const auto prepared = loop_.block_on((*tool)->prepare(
        {.call_id = "c1", .tool = "write_stdin", .arguments = arguments.dump()}, {.cwd = "/", .session_id = {}}));
    EXPECT_TRUE(prepared.ok()) << prepared.error().text();
    return (*prepared)->action();
  };
  const ports::Action typed = action_of({{"job", session_.job}, {"chars", "rm -rf /\n"}});
  EXPECT_EQ(typed.kind, ports::Action::Kind::kCommand);
  EXPECT_EQ(typed.script, "rm -rf /\n");
  EXPECT_EQ(action_of({{"job", session_.job}}).kind, ports::Action::Kind::kOther) << "it only waits";
}

TEST_F(Jobs, InputOfAPipeCanBeEnded) {
  session_.run("shell", {{"command", "cat; echo end"}, {"background", true}});
  const auto ended = session_.run(
      "write_stdin", {{"job", session_.job}, {"chars", "a\n"}, {"close", true}, {"yield_time_ms", 30'000}});
  EXPECT_EQ(session_.out.text, "a\nend\n");
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(Jobs, KillEndsTheWholeTree) {
  session_.run("shell",
               {{"command", "setsid sleep 1000 & echo $!; wait"}, {"background", true}, {"yield_time_ms", 1'000}});
  const pid_t sleeper = std::stoi(session_.out.text.empty() ? "0" : session_.out.text);
  const auto killed = session_.run("job_kill", {{"job", session_.job}});
  EXPECT_EQ(killed.header, ports::job_ended_words(session_.job) + ": it was killed\nNo new output.\n");
  EXPECT_EQ(killed.status, CallStatus::kCompleted);
  if (sleeper > 0) EXPECT_EQ(kill(sleeper, 0), -1);
}

TEST_F(Jobs, CancellingACallEndsTheWaitingOnly) {
  session_.run("shell", {{"command", "read x; echo $x"}, {"background", true}});
  const auto timer = loop_.call_after(std::chrono::milliseconds(20),
                                      [&] { session_.cancel.cancel(runtime::cancelled_error("test")); });
  EXPECT_THAT(session_.run("job_wait", {{"job", session_.job}}).header, StartsWith(session_.job + " is running"));
  EXPECT_FALSE(session_.jobs.status(session_.job)->end.has_value());
}

TEST_F(Jobs, AListAndErrorsNameThem) {
  session_.run("job_list", base::Json::object());
  EXPECT_EQ(session_.out.text, "No jobs.\n");
  const auto none = session_.call("job_kill", {{"job", "job_x"}});
  EXPECT_EQ(none.error().text(), "job_kill: job \"job_x\" is no job of this session; there are no jobs");
  session_.run("shell", {{"command", "sleep 1000"}, {"background", true}});
  session_.run("job_list", base::Json::object());
  EXPECT_EQ(session_.out.text, session_.job + "  running  0 bytes of output  sleep 1000\n");
  EXPECT_THAT(session_.call("job_log", {{"job", "job_x"}}).error().text(), HasSubstr("there are: " + session_.job));
}

TEST_F(Jobs, LongOutputGoesToABlob) {
  session_.run("shell", {{"command", "seq 1 100000"}, {"background", true}, {"yield_time_ms", 30'000}});
  EXPECT_THAT(session_.out.text, StartsWith("[523359 bytes are left out; job_log shows them]\n"));
  EXPECT_THAT(session_.out.text, testing::EndsWith("\n99999\n100000\n"));
  const auto status = session_.jobs.status(session_.job);
  ASSERT_TRUE(status->end.has_value());
  EXPECT_EQ(session_.blobs.get(base::Sha256Hex(status->end->output_blob), 1 << 20)->size(), 588'895U);
  EXPECT_LE(status->end->tail.size(), 2'000U);
}

TEST(JobLimits, TheLongestIdleMakesRoom) {
  runtime::Loop loop;
  Session session(loop, {}, {.most_live = 3});
  std::vector<std::string> jobs;
  for (int i = 0; i < 3; ++i) {
    session.run("shell", {{"command", "sleep 1000"}, {"background", true}});
    jobs.push_back(session.job);
  }
  session.run("job_log", {{"job", jobs[0]}});
  session.run("shell", {{"command", "sleep 1000"}, {"background", true}});
  ASSERT_EQ(session.told.size(), 1U);
  EXPECT_EQ(session.told[0].job, jobs[1]);
  EXPECT_EQ(session.told[0].state, JobState::kKilled);
  session.stop();
  EXPECT_EQ(session.told.size(), 4U) << "the ends of the rest are told when the session ends";
}

// ---- after the death of the process before

/// Starts what `arguments` say in a process of its own, waits until `gate` can be opened for writing, and kills it.
void start_and_die(const std::string& folder, const base::Json& arguments, const std::string& gate,
                   Confine confine = {}) {
  const pid_t pid = fork();
  if (pid == 0) {
    runtime::Loop loop;
    Session session(loop, folder, {}, std::move(confine));
    (void)session.call("shell", arguments);
    std::ofstream(folder + ".job") << session.job;
    pause();
    _exit(0);
  }
  // A FIFO opens when the command reads it.
  std::ofstream opened(gate);
  if (arguments.contains("background")) {
    while (!fs::exists(folder + ".job") || fs::file_size(folder + ".job") == 0) std::this_thread::yield();
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

ports::SessionState state_with_open_call() {
  ports::SessionState state;
  ports::CallEntry call;
  call.call.call_id = "c1";
  call.call.tool = "shell";
  call.started = true;
  state.conversation.entries.push_back({.seq = 1, .turn = 0, .entry = call});
  return state;
}

TEST(JobRecovery, ACommandOfACallGoesOnAsAJobAndLosesNothing) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "one").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder / "two").c_str(), 0600), 0);
  const std::string script =
      "echo begun; cat " + (folder / "one") + "; cat " + (folder / "two") + "; echo last; echo err >&2; exit 4";
  start_and_die(folder / "keepers", {{"command", script}}, folder / "one");

  runtime::Loop loop;
  Session session(loop, folder / "keepers");
  const auto records = loop.block_on(session.jobs.recover(state_with_open_call()));
  ASSERT_EQ(records.size(), 2U);
  const std::string job = std::get<protocol::ExecCommandBegin>(records[0]).job;
  const auto& end = std::get<protocol::ExecCommandEnd>(records[1]);
  EXPECT_EQ(end.call_id, "c1");
  EXPECT_EQ(end.outcome.status, CallStatus::kInterrupted);
  EXPECT_EQ(end.outcome.output, "Lathe died while this command ran; the command goes on as " + job +
                                    ". Its end will be told.\nOutput so far:\nbegun\n");
  EXPECT_EQ(end.outcome.output.substr(static_cast<std::size_t>(end.outcome.header_bytes)), "begun\n");
  std::ofstream(folder / "two") << "more\n";
  ASSERT_TRUE(loop.block_on(session.jobs.wait(job, kLong, {})).ok());
  ASSERT_EQ(session.told.size(), 1U);
  EXPECT_EQ(session.told[0].exit_code, 4);
  EXPECT_EQ(session.told[0].tail, "begun\nmore\nlast\nerr\n");
  session.stop();
  EXPECT_FALSE(fs::exists(folder / "keepers"));
}

TEST(JobRecovery, WhenAKeeperThatWasTakenOverDiesTheNextOneIsConfinedAgain) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "one").c_str(), 0600), 0);
  const std::string mark = folder / "confined";
  const std::vector<std::string> around = {"/bin/sh", "-c", "touch " + mark + "; exec \"$@\"", "sh"};
  start_and_die(folder / "keepers",
                {{"command", "awk '{print $4}' /proc/$PPID/stat > " + (folder / "pid") + "; cat " + (folder / "one") +
                                 "; sleep 1000"}},
                folder / "one", confined_by(around));
  ASSERT_TRUE(fs::remove(mark));

  runtime::Loop loop;
  Session session(loop, folder / "keepers", {}, confined_by(around));
  const auto records = loop.block_on(session.jobs.recover(state_with_open_call()));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(session.run("shell", {{"command", "echo one"}}).exit_code, 0);
  EXPECT_FALSE(fs::exists(mark)) << "the one that was taken over serves this session too";
  pid_t keeper = 0;
  std::ifstream(folder / "pid") >> keeper;
  ASSERT_GT(keeper, 1);
  ASSERT_EQ(kill(keeper, SIGKILL), 0);
  ASSERT_TRUE(loop.block_on(session.jobs.wait(std::get<protocol::ExecCommandBegin>(records[0]).job, kLong, {})).ok());
  EXPECT_EQ(session.run("shell", {{"command", "echo two"}}).exit_code, 0);
  EXPECT_TRUE(fs::exists(mark));
  session.stop();
}

TEST(JobRecovery, WhatACallWroteMeanwhileIsKeptWithoutKeys) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "one").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder / "two").c_str(), 0600), 0);
  const std::string script = "echo sk-secret-key; cat " + (folder / "one") + "; cat " + (folder / "two");
  start_and_die(folder / "keepers", {{"command", script}}, folder / "one");
  runtime::Loop loop;
  Session session(loop, folder / "keepers", {.secrets = one_key});
  const auto records = loop.block_on(session.jobs.recover(state_with_open_call()));
  ASSERT_EQ(records.size(), 2U);
  const auto& end = std::get<protocol::ExecCommandEnd>(records[1]);
  EXPECT_THAT(end.outcome.output, testing::Not(HasSubstr("sk-secret-key")));
  const auto blob = session.blobs.get(base::Sha256Hex(end.outcome.output_blob), 1 << 20);
  ASSERT_TRUE(blob.ok());
  EXPECT_THAT(*blob, testing::StartsWith("[secret]\n"));
  std::ofstream(folder / "two") << "end\n";
  ASSERT_TRUE(loop.block_on(session.jobs.wait(std::get<protocol::ExecCommandBegin>(records[0]).job, kLong, {})).ok());
  session.stop();
}

TEST(JobRecovery, JobsGoOnAndThoseThatAreGoneAreLost) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "one").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder / "two").c_str(), 0600), 0);
  const std::string script = "cat " + (folder / "one") + "; read x < " + (folder / "two") + "; echo $x";
  start_and_die(folder / "keepers", {{"command", script}, {"background", true}}, folder / "one");
  const std::string job = *runtime::read_file((folder / "keepers") + ".job");

  runtime::Loop loop;
  Session session(loop, folder / "keepers");
  ports::SessionState state;
  state.jobs = {{.job = job, .call_id = "c1", .command = {"bash", "-c", script}},
                {.job = "job_gone", .call_id = "c0", .command = {"x"}}};
  const auto records = loop.block_on(session.jobs.recover(state));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(std::get<JobEnd>(records[0]).job, "job_gone");
  EXPECT_EQ(std::get<JobEnd>(records[0]).state, JobState::kLost);
  std::ofstream(folder / "two") << "word\n";
  ASSERT_TRUE(loop.block_on(session.jobs.wait(job, kLong, {})).ok());
  ASSERT_EQ(session.told.size(), 1U);
  EXPECT_EQ(session.told[0].tail, "word\n");
  session.stop();
}

}  // namespace
}  // namespace lathe::tools::shell
