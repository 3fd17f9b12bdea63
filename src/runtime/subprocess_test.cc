#include "lathe/runtime/subprocess.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

namespace lathe::runtime {
namespace {

base::Result<CommandOutput> run(std::vector<std::string> argv, std::string input = "",
                                std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  Loop loop;
  CommandOptions options;
  options.spawn.argv = std::move(argv);
  options.input = std::move(input);
  options.deadline = Deadline::after(loop, limit);
  return loop.block_on(run_command(loop, std::move(options), CancelToken()));
}

TEST(RunCommand, CollectsBothStreamsAndTheCode) {
  const auto result = run({"sh", "-c", "cat; echo err >&2; exit 3"}, "in");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->out, "in");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->status, (ExitStatus{.code = 3, .signal = 0}));
}

TEST(RunCommand, ReportsSignals) {
  const auto result = run({"sh", "-c", "kill -TERM $$"});
  EXPECT_EQ(result->status, (ExitStatus{.code = 143, .signal = 15}));
}

TEST(RunCommand, KillsAtTheDeadline) {
  const auto result = run({"sleep", "100"}, "", std::chrono::milliseconds(20));
  EXPECT_EQ(result.error().code, base::codes::kTimeout);
}

TEST(RunCommand, NamesAMissingProgram) {
  const auto result = run({"no-such-program-here"});
  EXPECT_EQ(result.error().code, base::codes::kNotFound);
  EXPECT_NE(result.error().message.find("no-such-program-here"), std::string::npos);
}

TEST(RunCommand, PassesNoOtherDescriptors) {
  const auto leaked = make_pipe();
  const auto result = run({"sh", "-c", "ls /proc/self/fd | wc -l"});
  EXPECT_EQ(result->out, "4\n");  // 0, 1, 2 and the one that lists
}

TEST(RunCommand, PassesNoneBetweenThoseThatAreNamedEither) {
  const auto pipe = make_pipe();
  const base::UniqueFd inherited(dup(pipe->read_end.get()));
  Loop loop;
  CommandOptions options;
  const std::string number = std::to_string(inherited.get());
  options.spawn.argv = {"sh", "-c", "test ! -e /proc/self/fd/" + number};
  options.spawn.fds = {{pipe->write_end.get(), inherited.get() + 1}};
  EXPECT_EQ(loop.block_on(run_command(loop, std::move(options), CancelToken()))->status, ExitStatus{});
}

TEST(RunCommand, SurvivesAChildThatDoesNotRead) {
  const auto result = run({"true"}, std::string(1 << 20, 'x'));
  EXPECT_TRUE(result.ok());
}

}  // namespace
}  // namespace lathe::runtime
