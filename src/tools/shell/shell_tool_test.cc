#include "lathe/tools/shell/shell_tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/fakes/memory_blob_store.h"
#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"
#include "lathe/sandbox/command_jail.h"
#include "lathe/tools/shell/environment.h"
#include "lathe/tools/shell/keeper_command_runner.h"
#include "lathe/tools/shell/keeper_jobs.h"

// The tool over the real keeper.

namespace lathe::tools::shell {
namespace {

using protocol::CallStatus;
using testing::HasSubstr;
using testing::StartsWith;

using Sink = fakes::TextSink;

/// Remembers what it is asked to prepare.
class RecordingTool final : public ports::Tool {
 public:
  std::string arguments;
  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return false; }
  runtime::Async<base::Result<std::unique_ptr<ports::PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                                             const ports::ToolEnvironment&) override {
    arguments = call.arguments;
    co_return base::Error{.code = "recorded", .message = call.tool};
  }

 private:
  ports::ToolSpec spec_{.name = "apply_patch", .description = "", .parameters = {}};
};

class ShellTest : public testing::Test {
 protected:
  ShellTest()
      : keepers_(loop_, {.program = *keeper::installed_program(),
                         .confine = [this](ports::CommandSpec spec) { return confine(std::move(spec)); }}),
        runner_(loop_, keepers_, "full"),
        jobs_(loop_, keepers_, blobs_, {}) {
    std::vector<std::string> ours = own_environment();
    ours.emplace_back("TEST_API_KEY=SHOULD_NOT_BE_SEEN");
    ShellOptions options{.runner = &runner_,
                         .jobs = &jobs_,
                         .environment = command_environment(ours, {}),
                         .shell = default_shell(),
                         .least_timeout = std::chrono::milliseconds(50),
                         .apply_patch = &patch_};
    tool_ = std::move(make_shell_tools(std::move(options))[0]);
  }
  ~ShellTest() override {
    loop_.block_on(jobs_.stop());
    loop_.block_on(keepers_.stop());
  }

  runtime::Async<base::Result<Confined>> confine(ports::CommandSpec spec) {
    outside_jail_.push_back(spec.outside_jail);
    co_return Confined{.jail = spec.outside_jail ? std::string() : jail_, .env = std::move(spec.env)};
  }
  base::Result<std::unique_ptr<ports::PreparedCall>> prepare(base::Json arguments) {
    const protocol::ToolCall call{.call_id = "c1", .tool = "shell", .arguments = arguments.dump()};
    return loop_.block_on(tool_->prepare(call, environment_));
  }
  ports::RunResult run(base::Json arguments) {
    auto call = prepare(std::move(arguments));
    EXPECT_TRUE(call.ok()) << call.error().text();
    auto result = loop_.block_on((*call)->run(out_, runtime::CancelToken()));
    EXPECT_TRUE(result.ok()) << result.error().text();
    return *std::move(result);
  }
  std::string prepare_error(base::Json arguments) {
    const auto call = prepare(std::move(arguments));
    return call.ok() ? "" : call.error().text();
  }

  runtime::Loop loop_;
  fakes::MemoryBlobStore blobs_;
  /// Of every command that was started.
  std::vector<bool> outside_jail_;
  std::string jail_;
  KeeperSet keepers_;
  KeeperCommandRunner runner_;
  KeeperJobs jobs_;
  RecordingTool patch_;
  ports::ToolEnvironment environment_{.cwd = "/usr", .session_id = "s"};
  std::unique_ptr<ports::Tool> tool_;
  Sink out_;
};

TEST_F(ShellTest, RunsInTheWorkingFolder) {
  const auto result = run({{"command", "pwd; echo more >&2"}});
  EXPECT_EQ(result.status, CallStatus::kCompleted);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.header, StartsWith("Exit code: 0\n"));
  EXPECT_THAT(out_.text, HasSubstr("/usr\n"));
  EXPECT_THAT(out_.text, HasSubstr("more\n"));
}

TEST_F(ShellTest, TellsTheExitCodeAndTakesInputAndFolder) {
  const auto result = run({{"command", "cat; pwd; exit 3"}, {"stdin", "in\n"}, {"workdir", "bin"}});
  EXPECT_EQ(result.status, CallStatus::kFailed);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(out_.text, "in\n/usr/bin\n");
}

TEST_F(ShellTest, KeepsTheOutputOfATimeout) {
  const auto result = run({{"command", "echo before; sleep 1000"}, {"timeout_ms", 300}});
  EXPECT_EQ(result.status, CallStatus::kTimedOut);
  EXPECT_EQ(result.header, "Timed out after 300ms; everything it started was killed. Output until then:\n");
  EXPECT_EQ(out_.text, "before\n");
}

TEST_F(ShellTest, GivesNoSecrets) {
  run({{"command", "env"}});
  EXPECT_THAT(out_.text, HasSubstr("GIT_TERMINAL_PROMPT=0"));
  EXPECT_THAT(out_.text, testing::Not(HasSubstr("SHOULD_NOT_BE_SEEN")));
}

TEST_F(ShellTest, NamesAMissingFolder) {
  auto call = prepare({{"command", "true"}, {"workdir", "no/such"}});
  const auto result = loop_.block_on((*call)->run(out_, runtime::CancelToken()));
  EXPECT_EQ(result.error().code, base::codes::kNotFound);
  EXPECT_THAT(result.error().message, HasSubstr("/usr/no/such"));
}

TEST_F(ShellTest, ACancelledCallSaysSo) {
  auto call = prepare({{"command", "sleep 1000"}});
  runtime::CancelSource source;
  const auto timer =
      loop_.call_after(std::chrono::milliseconds(20), [&] { source.cancel(runtime::cancelled_error("test")); });
  const auto result = loop_.block_on((*call)->run(out_, source.token()));
  EXPECT_EQ(result->status, CallStatus::kCancelled);
}

TEST_F(ShellTest, TellsTheGateWhatItWouldDo) {
  const auto call = prepare({{"command", "rm -rf x\necho"}, {"ask_approval", true}, {"reason", "it is generated"}});
  EXPECT_EQ((*call)->title(), "run rm -rf x");
  const ports::Action& action = (*call)->action();
  EXPECT_EQ(action.kind, ports::Action::Kind::kCommand);
  EXPECT_EQ(action.command, (std::vector<std::string>{default_shell(), "-c", "rm -rf x\necho"}));
  EXPECT_EQ(action.cwd, "/usr");
  EXPECT_EQ(action.script, "rm -rf x\necho");
  EXPECT_TRUE(action.ask_requested);
  EXPECT_FALSE(action.outside_sandbox);
  EXPECT_EQ(action.reason, "it is generated");
}

TEST_F(ShellTest, TellsTheGateWithWhatItRuns) {
  const auto plain = prepare({{"command", "bash"}});
  EXPECT_EQ((*plain)->action().input, std::nullopt);
  EXPECT_EQ((*plain)->action().timeout, std::chrono::seconds(120));
  EXPECT_FALSE((*plain)->action().terminal);
  const auto fed = prepare({{"command", "bash"}, {"stdin", "rm x"}, {"timeout_ms", 5'000}});
  EXPECT_EQ((*fed)->action().input, "rm x");
  EXPECT_EQ((*fed)->action().timeout, std::chrono::seconds(5));
  const auto live = prepare({{"command", "bash"}, {"tty", true}});
  EXPECT_TRUE((*live)->action().terminal);
  EXPECT_EQ((*live)->action().timeout, std::nullopt) << "it may run without end";
  EXPECT_NE((*live)->action().job, "");
}

/// A jail that lets nothing through.
class StoppingRunner final : public ports::CommandRunner {
 public:
  std::vector<ports::CommandSpec> ran;
  runtime::Async<base::Result<ports::CommandExit>> run(ports::CommandSpec spec, ports::OutputSink&,
                                                       runtime::CancelToken) override {
    ran.push_back(spec);
    if (spec.outside_jail) co_return ports::CommandExit();
    co_return ports::CommandExit{.exit_code = 1, .refused = "touch: x: Permission denied"};
  }
  [[nodiscard]] std::string_view confinement() const override { return "full"; }
};

TEST_F(ShellTest, WhatTheJailStoppedCanBeAskedForOutside) {
  StoppingRunner stopping;
  tool_ = std::move(make_shell_tools({.runner = &stopping, .jobs = &jobs_, .shell = default_shell()})[0]);
  const auto call = prepare({{"command", "touch x"}, {"stdin", "in"}});
  const auto inside = loop_.block_on((*call)->run(out_, runtime::CancelToken()));
  ASSERT_TRUE(inside.ok()) << inside.error().text();
  EXPECT_EQ(inside->refused, "touch: x: Permission denied");
  const auto outside = (*call)->outside_sandbox(inside->refused);
  ASSERT_NE(outside, nullptr);
  EXPECT_TRUE(outside->action().outside_sandbox);
  EXPECT_EQ(outside->action().refused, inside->refused);
  EXPECT_EQ(outside->action().sandbox, "none");
  const auto ran = loop_.block_on(outside->run(out_, runtime::CancelToken()));
  EXPECT_EQ(ran->status, CallStatus::kCompleted);
  EXPECT_EQ(outside->outside_sandbox("again"), nullptr);
  ASSERT_EQ(stopping.ran.size(), 2U);
  EXPECT_TRUE(stopping.ran[1].outside_jail);
  EXPECT_EQ(stopping.ran[1].argv, stopping.ran[0].argv);
  EXPECT_EQ(stopping.ran[1].input, "in");
}

TEST_F(ShellTest, AJobThatTheJailStoppedCanBeAskedForOutside) {
  // One that confines nothing: what the output says is what counts here.
  jail_ = sandbox::CommandJail{}.encode();
  const base::Json arguments = {
      {"command", "echo 'touch: x: Permission denied'; exit 1"}, {"background", true}, {"yield_time_ms", 30'000}};
  const auto call = prepare(arguments);
  const auto inside = loop_.block_on((*call)->run(out_, runtime::CancelToken()));
  ASSERT_TRUE(inside.ok()) << inside.error().text();
  EXPECT_EQ(inside->refused, "touch: x: Permission denied");
  EXPECT_THAT(inside->header, HasSubstr("The sandbox may have refused it: touch: x: Permission denied\n"));
  EXPECT_THAT(inside->header, HasSubstr("require_escalated"));
  ASSERT_EQ(inside->events.size(), 1U);
  EXPECT_EQ(std::get<protocol::JobEnd>(inside->events[0]).refused, inside->refused);
  const auto outside = (*call)->outside_sandbox(inside->refused);
  ASSERT_NE(outside, nullptr);
  EXPECT_TRUE(outside->action().outside_sandbox);
  EXPECT_EQ(outside->action().sandbox, "none");
  EXPECT_EQ(outside->action().refused, inside->refused);
  const std::string first = (*call)->action().job;
  const std::string second = outside->action().job;
  EXPECT_NE(second, first);
  const auto ran = loop_.block_on(outside->run(out_, runtime::CancelToken()));
  ASSERT_TRUE(ran.ok()) << ran.error().text();
  EXPECT_TRUE(ports::tells_job_end(ran->header, first)) << ran->header;
  EXPECT_TRUE(ports::tells_job_end(ran->header, second)) << ran->header;
  EXPECT_EQ(ran->refused, "") << "no jail stopped it there";
  EXPECT_EQ(outside->outside_sandbox("again"), nullptr);
  EXPECT_EQ(outside_jail_, (std::vector<bool>{false, true}));
  const auto terminal = prepare({{"command", "true"}, {"tty", true}});
  EXPECT_EQ((*terminal)->outside_sandbox("x"), nullptr) << "one yes opens no terminal";
}

TEST_F(ShellTest, LeavingTheSandboxIsOnlyARequest) {
  const auto call = prepare(
      {{"command", "make"}, {"sandbox_permissions", "require_escalated"}, {"justification", "it needs the device"}});
  EXPECT_TRUE((*call)->action().outside_sandbox);
  EXPECT_EQ((*call)->action().reason, "it needs the device");
  EXPECT_EQ((*call)->action().sandbox, "none");
  const auto usual = prepare({{"command", "make"}, {"sandbox_permissions", "use_default"}});
  EXPECT_FALSE((*usual)->action().outside_sandbox);
  EXPECT_EQ((*usual)->action().sandbox, "full");
}

TEST_F(ShellTest, OnlyWhatAskedToLeaveTheSandboxRunsOutsideOfIt) {
  const base::Json outside = {
      {"command", "true"}, {"sandbox_permissions", "require_escalated"}, {"justification", "it needs the device"}};
  run(outside);
  run({{"command", "true"}, {"sandbox_permissions", "use_default"}, {"justification", "it needs the device"}});
  run({{"command", "true"}});
  base::Json job = outside;
  job["background"] = true;
  run(job);
  run({{"command", "true"}, {"background", true}});
  EXPECT_EQ(outside_jail_, (std::vector<bool>{true, false, false, true, false}));
}

TEST_F(ShellTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(prepare_error({{"command", " "}}), "shell: command is empty");
  EXPECT_EQ(prepare_error({{"command", "# one\n\n  # two\n"}}),
            "shell: command has only comments, so nothing would run");
  EXPECT_EQ(
      prepare_error({{"cmd", "ls"}}),
      "shell: \"cmd\" is not an argument (the arguments are: ask_approval, background, command, justification, reason, "
      "sandbox_permissions, stdin, timeout_ms, tty, workdir, yield_time_ms)");
  EXPECT_EQ(prepare_error({{"command", "ls"}, {"sandbox_permissions", "all"}}),
            "shell: sandbox_permissions is neither \"use_default\" nor \"require_escalated\"");
  EXPECT_EQ(prepare_error({{"command", "ls"}, {"sandbox_permissions", "require_escalated"}}),
            "shell: justification is missing; require_escalated needs it");
  EXPECT_THAT(prepare_error({{"command", "bash"},
                             {"tty", true},
                             {"sandbox_permissions", "require_escalated"},
                             {"justification", "it needs the device"}}),
              HasSubstr("shell: tty cannot go with require_escalated"));
  EXPECT_EQ(prepare_error({{"command", std::string("l\0s", 3)}}), "shell: command holds a NUL byte");
  EXPECT_THAT(prepare_error({{"command", std::string(1U << 20, 'x')}}), HasSubstr("has 1048576 bytes"));
  EXPECT_EQ(prepare_error({{"command", "ls"}, {"timeout_ms", -5}}),
            "shell: timeout_ms must be from 1 to 1099511627776, not -5");
  EXPECT_EQ(prepare_error({{"command", "ls"}, {"background", true}, {"stdin", "x"}}),
            "shell: stdin is not for a job; type with write_stdin");
  EXPECT_EQ(prepare_error({{"command", "ls"}, {"yield_time_ms", 500}}), "shell: yield_time_ms needs background or tty");
  EXPECT_EQ(prepare_error({{"command", "ls"}, {"ask_approval", true}}),
            "shell: reason is missing; ask_approval needs it");
  EXPECT_THAT(prepare_error({{"command", "ls"}, {"workdir", std::string(10'000, 'x')}}),
              HasSubstr("4095 is the limit"));
}

TEST_F(ShellTest, HandsAPatchToThePatchTool) {
  EXPECT_EQ(prepare({{"command", "apply_patch <<'E'\n*** Begin Patch\nE"}}).error().code, "recorded");
  EXPECT_EQ(patch_.arguments, R"({"input":"*** Begin Patch\n"})");
  EXPECT_EQ(prepare_error({{"command", "*** Begin Patch"}}),
            "shell: a patch is no command (call the tool apply_patch with the patch)");
}

}  // namespace
}  // namespace lathe::tools::shell
