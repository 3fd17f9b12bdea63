#include "lathe/tools/shell/shell_tool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/runtime/loop.h"
#include "lathe/tools/shell/environment.h"
#include "lathe/tools/shell/keeper_command_runner.h"

// The tool over the real keeper.

namespace lathe::tools::shell {
namespace {

using protocol::CallStatus;
using testing::HasSubstr;
using testing::StartsWith;

struct Sink final : ports::OutputSink {
  std::string text;
  void write(protocol::OutputStream, std::string_view bytes) override { text += bytes; }
};

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
  ShellTest() : runner_(loop_, *keeper::installed_program()) {
    std::vector<std::string> ours = own_environment();
    ours.emplace_back("TEST_API_KEY=SHOULD_NOT_BE_SEEN");
    ShellOptions options{.runner = &runner_,
                         .environment = command_environment(ours, {}),
                         .shell = default_shell(),
                         .least_timeout = std::chrono::milliseconds(50),
                         .apply_patch = &patch_};
    tool_ = std::move(make_shell_tools(std::move(options))[0]);
  }
  ~ShellTest() override { loop_.block_on(runner_.stop()); }

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
  KeeperCommandRunner runner_;
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
  EXPECT_TRUE(action.ask_requested);
  EXPECT_EQ(action.reason, "it is generated");
}

TEST_F(ShellTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(prepare_error({{"command", " "}}), "shell: command is empty");
  EXPECT_EQ(prepare_error({{"cmd", "ls"}}),
            "shell: \"cmd\" is not an argument (the arguments are: ask_approval, command, reason, stdin, timeout_ms, "
            "workdir)");
  EXPECT_EQ(prepare_error({{"command", "ls"}, {"timeout_ms", -5}}),
            "shell: timeout_ms must be from 1 to 1099511627776, not -5");
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
