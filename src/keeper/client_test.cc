#include "lathe/keeper/client.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "lathe/base/strings.h"
#include "lathe/keeper/piped_command.h"
#include "lathe/keeper/test_folder.h"
#include "lathe/runtime/files.h"

// Real commands through a real keeper. Death is waited for with pidfds, never with sleeps.

namespace lathe::keeper {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

struct Ran {
  base::Result<Exit> exit;
  std::string out;
  std::string err;
};

runtime::Async<Ran> run_and_stop(runtime::Loop* loop, Client* client, PipedCommand piped, runtime::CancelToken cancel) {
  Ran ran{.exit = Exit{}};
  piped.on_output = [&ran](Output output, std::string_view bytes) {
    (output == Output::kStdout ? ran.out : ran.err) += bytes;
  };
  ran.exit = co_await run_piped(*loop, *client, std::move(piped), cancel);
  co_await client->stop();
  co_return ran;
}

std::string keeper_program() { return *installed_program(); }

PipedCommand script(std::string text) {
  PipedCommand piped;
  piped.command = {.argv = {"bash", "-c", std::move(text)}, .cwd = "/", .env = {"PATH=/usr/bin:/bin"}};
  piped.on_output = [](Output, std::string_view) {};
  return piped;
}

Ran run(PipedCommand piped) {
  runtime::Loop loop;
  Client client(loop, {.program = keeper_program()});
  return loop.block_on(run_and_stop(&loop, &client, std::move(piped), runtime::CancelToken()));
}

/// A process by its number, watched until it is gone.
class Watch {
 public:
  explicit Watch(pid_t pid) : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  [[nodiscard]] bool dies_within(std::chrono::milliseconds span) const {
    if (!fd_) return true;
    pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return poll(&wait, 1, static_cast<int>(span.count())) == 1;
  }
  [[nodiscard]] bool dead() const { return dies_within(std::chrono::milliseconds(0)); }

 private:
  base::UniqueFd fd_;
};

pid_t number_in(std::string_view text) { return static_cast<pid_t>(std::stol(std::string(base::trim(text)))); }

TEST(Keeper, GivesExitCodeAndBothStreams) {
  const Ran ran = run(script("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(ran.exit.ok()) << ran.exit.error().text();
  EXPECT_EQ(*ran.exit, (Exit{.code = 7}));
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
}

TEST(Keeper, TellsTheSignal) {
  const Ran ran = run(script("kill -SEGV $$"));
  EXPECT_EQ(*ran.exit, (Exit{.code = 139, .signal = 11}));
}

TEST(Keeper, FeedsInputThatIsLongerThanAPipe) {
  PipedCommand piped = script("wc -c; ");
  piped.command.input = std::string(3 << 20, 'x');
  EXPECT_EQ(run(std::move(piped)).out, "3145728\n");
}

TEST(Keeper, DoesNotMindACommandThatDoesNotReadItsInput) {
  PipedCommand piped = script("exit 0");
  piped.command.input = std::string(3 << 20, 'x');
  EXPECT_EQ(run(std::move(piped)).exit->code, 0);
}

TEST(Keeper, WithoutInputGivesAnEmptyOne) { EXPECT_EQ(run(script("cat; echo end")).out, "end\n"); }

TEST(Keeper, UsesFolderEnvironmentAndMaskAsGiven) {
  // Looked at by the shell itself: a pipeline, a listing, and a pattern each open descriptors of their own.
  PipedCommand piped = script(
      "pwd; env; umask; for n in {0..20}; do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; done; echo;"
      "grep -E 'Sig(Blk|Ign)' /proc/self/status");
  piped.command.cwd = "/usr/bin";
  piped.command.env = {"PATH=/usr/bin:/bin", "WORD=a b\nc"};
  piped.command.file_mode_mask = 027;
  const Ran ran = run(std::move(piped));
  EXPECT_THAT(ran.out, HasSubstr("/usr/bin\n"));
  EXPECT_THAT(ran.out, HasSubstr("WORD=a b\nc\n"));
  EXPECT_THAT(ran.out, HasSubstr("0027\n"));
  EXPECT_THAT(ran.out, HasSubstr("\n0 1 2 \n")) << "no other descriptor may be open";
  EXPECT_THAT(ran.out, HasSubstr("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000"));
}

TEST(Keeper, KillsWhatTheCommandLeavesBehind) {
  // A background child, a grandchild in a session of its own, a double fork, and one that ignores every polite signal.
  const TemporaryFolder folder;
  PipedCommand piped = script(R"(
    sleep 1000 & echo $! >> pids
    setsid sleep 1000 & echo $! >> pids
    (setsid bash -c 'sleep 1000 & echo $! >> pids' &)
    bash -c 'trap "" TERM HUP INT; echo $$ >> pids; while :; do sleep 1000; done' &
    until [ $(wc -l < pids) = 4 ]; do :; done
    cat pids
    exit 3)");
  piped.command.cwd = folder.path();
  const Ran ran = run(std::move(piped));
  EXPECT_EQ(ran.exit->code, 3);
  const auto lines = base::split_lines(ran.out);
  ASSERT_EQ(lines.size(), 4U) << ran.out;
  for (const auto line : lines) EXPECT_TRUE(Watch(number_in(line)).dead()) << line;
}

TEST(Keeper, EndsAForkingTree) {
  const Ran ran =
      run(script("f() { for i in 1 2 3; do (f2 $i &) ; done; }; f2() { setsid sleep 1000 & (setsid sleep 1000 &); "
                 "wait; }; f; echo $$"));
  EXPECT_EQ(ran.exit->code, 0);
  EXPECT_EQ(ran.exit->survivors, 0);
}

TEST(Keeper, AtTheTimeoutKeepsWhatWasWritten) {
  PipedCommand piped = script("echo before; trap '' TERM; sleep 1000");
  piped.command.timeout = std::chrono::milliseconds(300);
  const Ran ran = run(std::move(piped));
  EXPECT_EQ(ran.exit->ended, Ended::kTimedOut);
  EXPECT_EQ(ran.exit->code, 137);
  EXPECT_EQ(ran.out, "before\n");
}

runtime::Async<Ran> cancel_when_it_speaks(runtime::Loop* loop, Client* client, PipedCommand piped,
                                          std::chrono::steady_clock::duration* took) {
  Ran ran{.exit = Exit{}};
  runtime::CancelSource source;
  std::chrono::steady_clock::time_point cancelled_at;
  piped.on_output = [&](Output, std::string_view bytes) {
    ran.out += bytes;
    if (source.cancelled() || ran.out.find('\n') == std::string::npos) return;
    cancelled_at = std::chrono::steady_clock::now();
    loop->post([&] { source.cancel(runtime::cancelled_error("test")); });
  };
  ran.exit = co_await run_piped(*loop, *client, std::move(piped), source.token());
  *took = std::chrono::steady_clock::now() - cancelled_at;
  co_await client->stop();
  co_return ran;
}

TEST(Keeper, CancellingEndsTheTree) {
  runtime::Loop loop;
  Client client(loop, {.program = keeper_program()});
  std::chrono::steady_clock::duration took{};
  const Ran ran = loop.block_on(
      cancel_when_it_speaks(&loop, &client, script("trap '' TERM; setsid sleep 1000 & echo $!; wait"), &took));
  EXPECT_EQ(ran.exit->ended, Ended::kKilled);
  EXPECT_TRUE(Watch(number_in(ran.out)).dead());
  EXPECT_LT(took, std::chrono::seconds(2)) << "far more than the 100 ms that it takes when the machine is idle";
}

TEST(Keeper, CancellingEndsAFlood) {
  runtime::Loop loop;
  Client client(loop, {.program = keeper_program()});
  std::chrono::steady_clock::duration took{};
  const Ran ran = loop.block_on(cancel_when_it_speaks(&loop, &client, script("yes"), &took));
  EXPECT_EQ(ran.exit->ended, Ended::kKilled);
}

TEST(Keeper, HandsAFloodOnInBoundedPieces) {
  runtime::Loop loop;
  Client client(loop, {.program = keeper_program()});
  struct Test {
    static runtime::Async<bool> go(runtime::Loop* loop, Client* client, std::size_t* total, std::size_t* largest) {
      PipedCommand piped = script("head -c 104857600 /dev/zero");
      piped.on_output = [&](Output, std::string_view bytes) {
        *total += bytes.size();
        *largest = std::max(*largest, bytes.size());
      };
      const auto exit = co_await run_piped(*loop, *client, std::move(piped), runtime::CancelToken());
      co_await client->stop();
      co_return exit.ok();
    }
  };
  std::size_t total = 0;
  std::size_t largest = 0;
  EXPECT_TRUE(loop.block_on(Test::go(&loop, &client, &total, &largest)));
  EXPECT_EQ(total, 100U << 20);
  EXPECT_LE(largest, 64U << 10);
}

TEST(Keeper, ACommandThatKillsItsSupervisorIsEndedAndTold) {
  // Into a file: what it wrote last may be lost with the supervisor.
  const TemporaryFolder folder;
  PipedCommand piped = script("setsid sleep 1000 & echo $! > pid; kill -9 $PPID; sleep 1000");
  piped.command.cwd = folder.path();
  const Ran ran = run(std::move(piped));
  ASSERT_TRUE(ran.exit.ok()) << ran.exit.error().text();
  EXPECT_EQ(ran.exit->ended, Ended::kLost);
  EXPECT_TRUE(Watch(number_in(*runtime::read_file(folder / "pid"))).dead());
}

TEST(Keeper, ACommandThatStopsItsSupervisorIsWatchedAllTheSame) {
  PipedCommand piped = script("kill -STOP $PPID; head -c 10737418240 /dev/zero | tail -c 10737418240 > /dev/null");
  piped.command.limits.memory_bytes = 256U << 20;
  piped.command.timeout = std::chrono::seconds(60);
  EXPECT_EQ(run(std::move(piped)).exit->ended, Ended::kMemory);
}

TEST(Keeper, ACommandThatStopsItsSupervisorAgainAndAgainIsEnded) {
  const TemporaryFolder folder;
  PipedCommand piped = script("setsid sleep 1000 & echo $! > pid; while :; do kill -STOP $PPID; done");
  piped.command.cwd = folder.path();
  const Ran ran = run(std::move(piped));
  ASSERT_TRUE(ran.exit.ok()) << ran.exit.error().text();
  EXPECT_EQ(ran.exit->ended, Ended::kLost);
  EXPECT_TRUE(Watch(number_in(*runtime::read_file(folder / "pid"))).dead());
}

TEST(Keeper, ACommandThatStopsTheKeeperStopsNothing) {
  const Ran ran = run(script("kill -STOP $(awk '{print $4}' /proc/$PPID/stat); echo on; exit 3"));
  ASSERT_TRUE(ran.exit.ok()) << ran.exit.error().text();
  EXPECT_EQ(ran.exit->code, 3);
  EXPECT_EQ(ran.out, "on\n");
}

TEST(Keeper, ACommandThatKillsTheKeeperGetsAnError) {
  const TemporaryFolder folder;
  PipedCommand piped =
      script("setsid sleep 1000 & echo $! > pid; kill -9 $(awk '{print $4}' /proc/$PPID/stat); sleep 1000");
  piped.command.cwd = folder.path();
  const Ran ran = run(std::move(piped));
  EXPECT_EQ(ran.exit.error().code, base::codes::kUnavailable);
  EXPECT_TRUE(Watch(number_in(*runtime::read_file(folder / "pid"))).dies_within(std::chrono::seconds(10)));
}

base::Error start_failure(Command command) {
  PipedCommand piped{.command = std::move(command), .on_output = {}};
  const Ran ran = run(std::move(piped));
  EXPECT_FALSE(ran.exit.ok());
  return ran.exit.ok() ? base::Error{} : ran.exit.error();
}

TEST(KeeperStart, NamesAMissingFolder) {
  const auto error = start_failure({.argv = {"true"}, .cwd = "/no/such/folder", .env = {}});
  EXPECT_EQ(error.code, base::codes::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("/no/such/folder"));
}

TEST(KeeperStart, NamesAMissingProgram) {
  const auto error = start_failure({.argv = {"no-such-program"}, .cwd = "/", .env = {"PATH=/usr/bin:/bin"}});
  EXPECT_EQ(error.code, base::codes::kNotFound);
  EXPECT_EQ(error.message, "no-such-program: no such program in PATH");
}

TEST(KeeperStart, TellsWhatCannotBeExecuted) {
  const TemporaryFolder folder;
  std::ofstream(folder / "text") << "not a program\n";
  std::ofstream(folder / "script") << "#!/no/such/interpreter\n";
  std::ofstream(folder / "locked") << "#!/bin/sh\n";
  fs::permissions(folder / "text", fs::perms::owner_all);
  fs::permissions(folder / "script", fs::perms::owner_all);
  EXPECT_EQ(start_failure({.argv = {folder / "text"}, .cwd = "/", .env = {}}).code, base::codes::kUnsupported);
  EXPECT_THAT(start_failure({.argv = {folder / "script"}, .cwd = "/", .env = {}}).message, HasSubstr("interpreter"));
  EXPECT_EQ(start_failure({.argv = {folder / "locked"}, .cwd = "/", .env = {}}).code, base::codes::kPermission);
}

TEST(KeeperStart, RefusesWhatTheSystemCannotTake) {
  const auto error = start_failure({.argv = {"true", std::string(1 << 20, 'x')}, .cwd = "/", .env = {}});
  EXPECT_EQ(error.code, base::codes::kLimit);
  EXPECT_EQ(start_failure({.argv = {"true", std::string(9 << 20, 'x')}, .cwd = "/", .env = {}}).code,
            base::codes::kLimit);
  EXPECT_EQ(start_failure({.argv = {"echo", std::string("a\0b", 3)}, .cwd = "/", .env = {}}).code,
            base::codes::kInvalid);
}

TEST(KeeperStart, NamesAKeeperThatIsNotThere) {
  runtime::Loop loop;
  Client client(loop, {.program = "/no/such/lathe-keeper"});
  const Ran ran = loop.block_on(run_and_stop(&loop, &client, script("true"), runtime::CancelToken()));
  EXPECT_EQ(ran.exit.error().code, base::codes::kUnavailable);
  EXPECT_THAT(ran.exit.error().message, HasSubstr("/no/such/lathe-keeper"));
}

TEST(KeeperStart, NamesAProgramThatIsNoKeeper) {
  runtime::Loop loop;
  Client client(loop, {.program = "/bin/true"});
  const Ran ran = loop.block_on(run_and_stop(&loop, &client, script("true"), runtime::CancelToken()));
  EXPECT_EQ(ran.exit.error().code, base::codes::kUnavailable);
  EXPECT_THAT(ran.exit.error().message, HasSubstr("/bin/true"));
}

runtime::Async<std::vector<base::Result<Exit>>> run_many(runtime::Loop* loop, Client* client, int count) {
  std::vector<runtime::Async<base::Result<Exit>>> runs;
  std::string ready;
  runtime::CancelSource source;
  for (int i = 0; i < count; ++i) {
    PipedCommand piped = script("echo x; sleep 1000");
    piped.on_output = [&ready, &source, loop](Output, std::string_view bytes) {
      ready += bytes;
      if (ready.size() == 2 * 64) loop->post([&source] { source.cancel(runtime::cancelled_error("test")); });
    };
    runs.push_back(run_piped(*loop, *client, std::move(piped), source.token()));
  }
  auto exits = co_await runtime::when_all(std::move(runs));
  co_await client->stop();
  co_return exits;
}

TEST(Keeper, RunsSixtyFourAtOnceAndRefusesMore) {
  runtime::Loop loop;
  Client client(loop, {.program = keeper_program()});
  const auto exits = loop.block_on(run_many(&loop, &client, 66));
  int refused = 0;
  for (const auto& exit : exits) {
    if (!exit.ok()) {
      EXPECT_EQ(exit.error().code, base::codes::kLimit);
      ++refused;
    } else {
      EXPECT_EQ(exit->ended, Ended::kKilled);
    }
  }
  EXPECT_EQ(refused, 2);
}

runtime::Async<bool> restart(runtime::Loop* loop, Client* client) {
  PipedCommand first = script("kill -9 $(awk '{print $4}' /proc/$PPID/stat); sleep 1000");
  first.on_output = [](Output, std::string_view) {};
  const auto lost = co_await run_piped(*loop, *client, std::move(first), runtime::CancelToken());
  PipedCommand second = script("exit 5");
  second.on_output = [](Output, std::string_view) {};
  const auto exit = co_await run_piped(*loop, *client, std::move(second), runtime::CancelToken());
  co_await client->stop();
  co_return !lost.ok() && exit.ok() && exit->code == 5;
}

TEST(Keeper, IsStartedAgainAfterItDied) {
  runtime::Loop loop;
  Client client(loop, {.program = keeper_program()});
  EXPECT_TRUE(loop.block_on(restart(&loop, &client)));
}

int count_fds() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(Keeper, LeavesNoDescriptorOpen) {
  run(script("true"));
  const int before = count_fds();
  run(script("cat; exit 1"));
  start_failure({.argv = {"no-such-program"}, .cwd = "/", .env = {}});
  EXPECT_EQ(count_fds(), before);
}

/// Runs a command and hands what it writes to a descriptor.
runtime::Async<bool> run_with_output(runtime::Loop* loop, Client* client, PipedCommand piped, int output) {
  piped.on_output = [output](Output, std::string_view bytes) { (void)!write(output, bytes.data(), bytes.size()); };
  (void)co_await run_piped(*loop, *client, std::move(piped), runtime::CancelToken());
  co_return true;
}

TEST(Keeper, KillingItsClientEndsEverything) {
  const auto pipe = runtime::make_pipe();
  const pid_t client_process = fork();
  if (client_process == 0) {
    runtime::Loop loop;
    Client client(loop, {.program = keeper_program()});
    loop.block_on(
        run_with_output(&loop, &client, script("setsid sleep 1000 & echo $! $PPID; wait"), pipe->write_end.get()));
    _exit(0);
  }
  char buffer[64] = {};
  ASSERT_GT(read(pipe->read_end.get(), buffer, sizeof buffer - 1), 0);
  const Watch sleeper(number_in(buffer));
  const Watch supervisor(number_in(std::strchr(buffer, ' ')));
  kill(client_process, SIGKILL);
  waitpid(client_process, nullptr, 0);
  EXPECT_TRUE(sleeper.dies_within(std::chrono::seconds(10)));
  EXPECT_TRUE(supervisor.dies_within(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace lathe::keeper
