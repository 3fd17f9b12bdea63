#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "lathe/keeper/client.h"
#include "lathe/keeper/piped_command.h"
#include "lathe/keeper/test_folder.h"

// What outlives one wait: background commands, terminals, keepers whose client died, limits, the forwarder. Real
// processes throughout.

namespace lathe::keeper {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

Command bash(std::string text) {
  return {.name = "test", .argv = {"bash", "-c", std::move(text)}, .cwd = "/", .env = {"PATH=/usr/bin:/bin"}};
}

class LongLived : public testing::Test {
 protected:
  LongLived() : client_(loop_, {.program = *installed_program()}) {}
  ~LongLived() override { loop_.block_on(client_.stop()); }

  std::shared_ptr<Process> start(Command command) {
    auto process = client_.start(std::move(command));
    EXPECT_TRUE(process.ok()) << process.error().text();
    return *process;
  }
  /// Until the process is so.
  template <class Condition>
  void wait_until(const std::shared_ptr<Process>& process, Condition condition) {
    loop_.block_on(wait(&loop_, process, condition));
  }
  template <class Condition>
  static runtime::Async<bool> wait(runtime::Loop* loop, std::shared_ptr<Process> process, Condition condition) {
    runtime::Signal changed(*loop);
    process->set_on_change([&changed] { changed.notify(); });
    while (!condition(*process)) {
      (void)co_await changed.wait(runtime::CancelToken(), runtime::Deadline::never());
    }
    process->set_on_change({});
    co_return true;
  }
  static bool ended(const Process& process) { return process.end().has_value(); }
  Exit exit_of(const std::shared_ptr<Process>& process) {
    wait_until(process, ended);
    EXPECT_TRUE(process->end()->ok()) << process->end()->error().text();
    return process->end()->ok() ? **process->end() : Exit{};
  }
  static std::string all(const Process& process, Output output = Output::kStdout) {
    std::string text;
    while (true) {
      const Process::Piece piece = process.read(output, text.size(), 1 << 20);
      if (piece.bytes.empty() || piece.from != text.size()) return text;
      text += piece.bytes;
    }
  }

  runtime::Loop loop_;
  Client client_;
};

TEST_F(LongLived, TakesInputThatComesLater) {
  Command command = bash("while read line; do echo got $line; done; echo end");
  command.input_kind = InputKind::kPipe;
  command.output_kind = OutputKind::kKept;
  const auto process = start(std::move(command));
  wait_until(process, [](const Process& p) { return p.input() >= 0; });
  ASSERT_EQ(write(process->input(), "one\n", 4), 4);
  wait_until(process, [](const Process& p) { return p.total(Output::kStdout) > 0; });
  EXPECT_EQ(all(*process), "got one\n");
  client_.close_input(*process);
  EXPECT_EQ(exit_of(process), Exit{});
  EXPECT_EQ(all(*process), "got one\nend\n");
}

TEST_F(LongLived, GivesATerminalOfTheSizeAsked) {
  Command command = bash("test -t 0 && test -t 1 && test -t 2 && stty size; read x; stty size; exec 2>&-; tty | wc -l");
  command.input_kind = InputKind::kTerminal;
  command.output_kind = OutputKind::kKept;
  command.columns = 100;
  command.rows = 30;
  const auto process = start(std::move(command));
  wait_until(process, [](const Process& p) { return p.total(Output::kStdout) > 0 && p.input() >= 0; });
  EXPECT_THAT(all(*process), StartsWith("30 100\r\n"));
  EXPECT_TRUE(Client::resize(*process, 120, 40).ok());
  ASSERT_EQ(write(process->input(), "x\n", 2), 2);
  EXPECT_EQ(exit_of(process).code, 0);
  EXPECT_THAT(all(*process), HasSubstr("40 120\r\n"));
}

TEST_F(LongLived, ATypedInterruptReachesTheCommand) {
  Command command = bash("trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 1000 & wait; done");
  command.input_kind = InputKind::kTerminal;
  command.output_kind = OutputKind::kKept;
  const auto process = start(std::move(command));
  wait_until(process, [](const Process& p) { return p.total(Output::kStdout) > 0 && p.input() >= 0; });
  ASSERT_EQ(write(process->input(), "\x03", 1), 1);
  EXPECT_EQ(exit_of(process).code, 9);
  EXPECT_THAT(all(*process), HasSubstr("caught"));
}

TEST_F(LongLived, KeepsHeadAndNewestPartOfAnEndlessLog) {
  Command command = bash("seq 1 1000000");
  command.output_kind = OutputKind::kKept;
  const auto process = start(std::move(command));
  EXPECT_EQ(exit_of(process).code, 0);
  const std::uint64_t total = process->total(Output::kStdout);
  EXPECT_EQ(total, 6'888'896U);
  EXPECT_THAT(process->read(Output::kStdout, 0, 8).bytes, "1\n2\n3\n4\n");
  EXPECT_EQ(process->read(Output::kStdout, total - 8, 100).bytes, "1000000\n");
  const Process::Piece later = process->read(Output::kStdout, protocol::kHeadBytes, 10);
  EXPECT_EQ(later.from, total - protocol::kRingBytes) << "what lies between is forgotten, and says so";
}

TEST_F(LongLived, AHeldCommandWaitsForItsReaderAndLosesNothing) {
  const auto process = start(bash("seq 1 1000000"));
  wait_until(process, [](const Process& p) { return p.total(Output::kStdout) >= protocol::kRingBytes / 2; });
  EXPECT_LE(process->total(Output::kStdout), protocol::kRingBytes);
  std::string text;
  const auto exit = loop_.block_on(
      follow(loop_, client_, process, [&](Output, std::string_view bytes) { text += bytes; }, runtime::CancelToken()));
  EXPECT_EQ(exit->code, 0);
  EXPECT_EQ(text.size(), 6'888'896U);
  EXPECT_TRUE(text.ends_with("\n999999\n1000000\n"));
}

TEST_F(LongLived, AForkBombEndsItselfAndNothingElse) {
  const auto other = start(bash("sleep 1000"));
  Command command = bash("bomb() { bomb | bomb & sleep 1000; }; bomb; wait");
  command.limits.processes = 200;
  command.timeout = std::chrono::seconds(60);
  const Exit exit = exit_of(start(std::move(command)));
  EXPECT_EQ(exit.ended, Ended::kProcesses);
  EXPECT_EQ(exit.survivors, 0);
  EXPECT_FALSE(other->end().has_value());
}

TEST_F(LongLived, AHugeAllocationEndsItselfAndNothingElse) {
  const auto other = start(bash("sleep 1000"));
  Command command = bash("head -c 10737418240 /dev/zero | tail -c 10737418240 > /dev/null");
  command.limits.memory_bytes = 256U << 20;
  command.timeout = std::chrono::seconds(60);
  EXPECT_EQ(exit_of(start(std::move(command))).ended, Ended::kMemory);
  EXPECT_FALSE(other->end().has_value());
}

TEST_F(LongLived, MemoryThatNobodyHasMappedCountsToo) {
  Command command = bash(
      "exec python3 -c 'import os, time\nfd = os.memfd_create(\"x\")\nblock = bytes(1 << 20)\n"
      "for i in range(600): os.write(fd, block)\ntime.sleep(1000)'");
  command.limits.memory_bytes = 256U << 20;
  command.timeout = std::chrono::seconds(60);
  EXPECT_EQ(exit_of(start(std::move(command))).ended, Ended::kMemory);
}

TEST_F(LongLived, AnyFullDiskEndsTheCommandThatFillsIt) {
  const TemporaryFolder folder;
  if (mount("lathe-test", (folder / ".").c_str(), "tmpfs", 0, "size=64m") != 0) {
    GTEST_SKIP() << "needs a file system of its own, which only root can mount";
  }
  Command command =
      bash("cd $TMPDIR; i=0; while head -c 1048576 /dev/zero > $i; do i=$((i + 1)); sleep 0.002; done; sleep 1000");
  command.env.push_back("TMPDIR=" + (folder / "."));
  command.limits.free_bytes = 24U << 20;
  command.timeout = std::chrono::seconds(60);
  const Exit exit = exit_of(start(std::move(command)));
  umount2((folder / ".").c_str(), MNT_DETACH);
  EXPECT_EQ(exit.ended, Ended::kDisk) << "its working folder lies elsewhere";
  EXPECT_EQ(exit.disk, folder / ".");
}

TEST_F(LongLived, AFullDiskEndsTheCommandThatFillsIt) {
  const TemporaryFolder folder;
  if (mount("lathe-test", (folder / ".").c_str(), "tmpfs", 0, "size=64m") != 0) {
    GTEST_SKIP() << "needs a file system of its own, which only root can mount";
  }
  Command command = bash("i=0; while head -c 1048576 /dev/zero > $i; do i=$((i + 1)); sleep 0.002; done; sleep 1000");
  command.cwd = folder / ".";
  command.limits.free_bytes = 24U << 20;
  command.timeout = std::chrono::seconds(60);
  const Exit exit = exit_of(start(std::move(command)));
  umount2((folder / ".").c_str(), MNT_DETACH);
  EXPECT_EQ(exit.ended, Ended::kDisk);
}

TEST_F(LongLived, TooMuchOutputEndsTheCommand) {
  Command command = bash("yes");
  command.output_kind = OutputKind::kKept;
  command.limits.output_bytes = 8U << 20;
  EXPECT_EQ(exit_of(start(std::move(command))).ended, Ended::kOutput);
}

TEST_F(LongLived, TheKeeperStaysSmall) {
  std::vector<std::shared_ptr<Process>> processes;
  for (int i = 0; i < 20; ++i) {
    Command command = bash("seq 1 100000; sleep 1000");
    command.output_kind = OutputKind::kKept;
    processes.push_back(start(std::move(command)));
  }
  for (const auto& process : processes) {
    wait_until(process, [](const Process& p) { return p.total(Output::kStdout) >= 588'895; });
  }
  std::ifstream status("/proc/" + std::to_string(*client_.keeper_pid()) + "/status");
  const std::string text((std::istreambuf_iterator<char>(status)), std::istreambuf_iterator<char>());
  const std::size_t at = text.find("VmRSS:");
  ASSERT_NE(at, std::string::npos);
  EXPECT_LE(std::stol(text.substr(at + 6)), 2048) << "KiB";
}

// ---- keepers whose client died

/// Starts a command through a keeper in `folder`, tells its first output byte to `told`, and stays until it is killed.
pid_t client_process(const std::string& folder, Command command, int told) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  runtime::Loop loop;
  Client client(loop, {.program = *installed_program(), .folder = folder, .linger = std::chrono::minutes(1)});
  PipedCommand piped{.command = std::move(command),
                     .on_output = [told](Output, std::string_view) { (void)!write(told, "x", 1); }};
  (void)loop.block_on(run_piped(loop, client, std::move(piped), runtime::CancelToken()));
  _exit(0);
}

void kill_client(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

TEST(Adoption, LosesNoByteWhenTheClientIsKilledInTheMiddle) {
  const TemporaryFolder folder;
  const auto pipe = runtime::make_pipe();
  Command command = bash("echo begun; read x < $GATE; seq 1 300000; echo err >&2; exit 5");
  ASSERT_EQ(mkfifo((folder / "gate").c_str(), 0600), 0);
  command.env.push_back("GATE=" + (folder / "gate"));
  command.name = "call-1";
  const pid_t pid = client_process(folder / "keeper", std::move(command), pipe->write_end.get());
  char byte = 0;
  ASSERT_EQ(read(pipe->read_end.get(), &byte, 1), 1);
  kill_client(pid);
  std::ofstream(folder / "gate") << "go\n";

  runtime::Loop loop;
  Client client(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  const auto adopted = loop.block_on(client.adopt());
  ASSERT_TRUE(adopted.ok()) << adopted.error().text();
  ASSERT_EQ(adopted->size(), 1U);
  EXPECT_EQ((*adopted)[0]->name(), "call-1");
  std::string out = (*adopted)[0]->read(Output::kStdout, 0, (*adopted)[0]->taken(Output::kStdout)).bytes;
  std::string err;
  const auto exit = loop.block_on(follow(
      loop, client, (*adopted)[0],
      [&](Output output, std::string_view bytes) { (output == Output::kStdout ? out : err) += bytes; },
      runtime::CancelToken()));
  EXPECT_EQ(exit->code, 5);
  std::string expected = "begun\n";
  for (int i = 1; i <= 300'000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(out, expected);
  EXPECT_EQ(err, "err\n");
  // And it is of use as before.
  const auto again = loop.block_on(run_piped(loop, client, {.command = bash("exit 6"), .on_output = {}}, {}));
  EXPECT_EQ(again->code, 6);
  loop.block_on(client.stop());
  EXPECT_FALSE(fs::exists(folder / "keeper"));
}

TEST(Adoption, AKeeperThatSomethingStopsGoesOn) {
  const TemporaryFolder folder;
  const auto pipe = runtime::make_pipe();
  Command command = bash("awk '{print $4}' /proc/$PPID/stat > $KEEPER; echo begun; read x < $GATE; exit 5");
  ASSERT_EQ(mkfifo((folder / "gate").c_str(), 0600), 0);
  command.env.push_back("GATE=" + (folder / "gate"));
  command.env.push_back("KEEPER=" + (folder / "pid"));
  const pid_t pid = client_process(folder / "keeper", std::move(command), pipe->write_end.get());
  char byte = 0;
  ASSERT_EQ(read(pipe->read_end.get(), &byte, 1), 1);
  kill_client(pid);
  pid_t keeper = 0;
  std::ifstream(folder / "pid") >> keeper;
  ASSERT_GT(keeper, 0);
  const base::UniqueFd itself(static_cast<int>(syscall(SYS_pidfd_open, keeper, 0)));
  ASSERT_EQ(kill(keeper, SIGSTOP), 0);

  runtime::Loop loop;
  Client client(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  const auto adopted = loop.block_on(client.adopt());
  ASSERT_TRUE(adopted.ok()) << adopted.error().text();
  ASSERT_EQ(adopted->size(), 1U) << "it was stopped before it was taken over";
  ASSERT_EQ(kill(keeper, SIGSTOP), 0);
  std::ofstream(folder / "gate") << "go\n";
  const auto exit = loop.block_on(follow(loop, client, (*adopted)[0], [](Output, std::string_view) {}, {}));
  EXPECT_EQ(exit->code, 5) << "and again afterwards";
  ASSERT_EQ(kill(keeper, SIGSTOP), 0);
  loop.block_on(client.stop());
  pollfd wait{.fd = itself.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&wait, 1, 10'000), 1) << "and when it was to end";
}

TEST(Adoption, FindsWhatEndedMeanwhileWithItsExit) {
  const TemporaryFolder folder;
  const auto pipe = runtime::make_pipe();
  Command command = bash("echo begun; read x < $GATE; echo last; exit 3");
  ASSERT_EQ(mkfifo((folder / "gate").c_str(), 0600), 0);
  command.env.push_back("GATE=" + (folder / "gate"));
  const pid_t pid = client_process(folder / "keeper", std::move(command), pipe->write_end.get());
  char byte = 0;
  ASSERT_EQ(read(pipe->read_end.get(), &byte, 1), 1);
  kill_client(pid);
  std::ofstream(folder / "gate") << "go\n";
  for (int round = 0;; ++round) {
    runtime::Loop loop;
    Client client(loop,
                  {.program = *installed_program(), .folder = folder / "keeper", .linger = std::chrono::minutes(1)});
    const auto adopted = loop.block_on(client.adopt());
    ASSERT_EQ(adopted->size(), 1U) << "told to every client until it is forgotten; round " << round;
    const auto exit = loop.block_on(follow(loop, client, (*adopted)[0], [](Output, std::string_view) {}, {}));
    EXPECT_EQ(exit->code, 3);
    loop.block_on(client.stop());
    return;
  }
}

TEST(Adoption, WhatItsClientLeavesGoesOn) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "gate").c_str(), 0600), 0);
  runtime::Loop loop;
  Client first(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  ASSERT_TRUE(first.start(bash("echo begun; read x < " + (folder / "gate") + "; echo last; exit 3")).ok());
  loop.block_on(first.leave(std::chrono::minutes(1)));
  Client next(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  const auto adopted = loop.block_on(next.adopt());
  ASSERT_TRUE(adopted.ok() && adopted->size() == 1U);
  std::ofstream(folder / "gate") << "go\n";
  std::string out;
  const auto add = [&out](Output, std::string_view bytes) { out += bytes; };
  EXPECT_EQ(loop.block_on(follow(loop, next, (*adopted)[0], add, {}))->code, 3);
  EXPECT_EQ(out, "begun\nlast\n");
  loop.block_on(next.stop());
}

TEST(Adoption, OutputOutlivesTheKeeperToo) {
  const TemporaryFolder folder;
  Command command = bash("seq 1 300000; kill -9 $(awk '{print $4}' /proc/$PPID/stat); sleep 1000");
  command.name = "call-1";
  command.output_kind = OutputKind::kKept;
  const pid_t pid = fork();
  if (pid == 0) {
    runtime::Loop loop;
    Client client(loop,
                  {.program = *installed_program(), .folder = folder / "keeper", .linger = std::chrono::minutes(1)});
    const auto process = client.start(std::move(command));
    (*process)->set_on_change([&] {
      if ((*process)->end()) _exit(0);
    });
    (void)loop.block_on(loop.sleep(std::chrono::minutes(1), {}));
    _exit(1);
  }
  waitpid(pid, nullptr, 0);

  runtime::Loop loop;
  Client client(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  const auto left = loop.block_on(client.adopt());
  ASSERT_EQ(left->size(), 1U);
  const Process& process = *(*left)[0];
  EXPECT_EQ(process.name(), "call-1");
  EXPECT_EQ(process.total(Output::kStdout), 1'988'895U);
  EXPECT_EQ(process.read(Output::kStdout, 1'988'895 - 7, 7).bytes, "300000\n");
  EXPECT_EQ(process.end()->error().message, "the keeper died while the command ran");
  loop.block_on(client.stop());
  EXPECT_FALSE(fs::exists(folder / "keeper"));
}

TEST(Adoption, WhenNobodyComesTheCommandEndsAndItsOutputStays) {
  const TemporaryFolder folder;
  const auto pipe = runtime::make_pipe();
  const pid_t pid = fork();
  if (pid == 0) {
    runtime::Loop loop;
    Client client(
        loop, {.program = *installed_program(), .folder = folder / "keeper", .linger = std::chrono::milliseconds(1)});
    PipedCommand piped{.command = bash("echo $$; sleep 1000"), .on_output = [&](Output, std::string_view bytes) {
                         (void)!write(pipe->write_end.get(), bytes.data(), bytes.size());
                       }};
    (void)loop.block_on(run_piped(loop, client, std::move(piped), runtime::CancelToken()));
    _exit(0);
  }
  char text[16] = {};
  ASSERT_GT(read(pipe->read_end.get(), text, sizeof text - 1), 0);
  const base::UniqueFd command(static_cast<int>(syscall(SYS_pidfd_open, std::stoi(text), 0)));
  kill_client(pid);
  pollfd wait{.fd = command.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&wait, 1, 10'000), 1) << "nobody came, so it ends";

  runtime::Loop loop;
  Client client(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  // Its exit is written down after its death, by the keeper, which then ends.
  auto left = loop.block_on(client.adopt());
  for (int tries = 0; left.ok() && left->empty() && tries < 1000; ++tries) {
    ASSERT_TRUE(loop.block_on(loop.sleep(std::chrono::milliseconds(10), runtime::CancelToken())).ok());
    left = loop.block_on(client.adopt());
  }
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ((*left)[0]->read(Output::kStdout, 0, 100).bytes, text);
  loop.block_on(client.stop());
}

TEST(Adoption, OneClientAtATime) {
  const TemporaryFolder folder;
  runtime::Loop loop;
  Client first(loop, {.program = *installed_program(), .folder = folder / "keeper", .linger = std::chrono::minutes(1)});
  EXPECT_EQ(loop.block_on(run_piped(loop, first, {.command = bash("exit 2"), .on_output = {}}, {}))->code, 2);
  Client second(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  const auto refused = loop.block_on(second.adopt());
  EXPECT_EQ(refused.error().message, "another process uses the keeper of this session");
  EXPECT_EQ(loop.block_on(run_piped(loop, first, {.command = bash("exit 4"), .on_output = {}}, {}))->code, 4);
  loop.block_on(second.stop());
  loop.block_on(first.stop());
}

TEST(Adoption, WithoutLingerEverythingEndsWithTheClient) {
  const TemporaryFolder folder;
  runtime::Loop loop;
  Client client(loop, {.program = *installed_program(), .folder = folder / "keeper"});
  EXPECT_TRUE(loop.block_on(client.adopt())->empty()) << "nothing was left behind";
  loop.block_on(client.stop());
}

// ---- the forwarder

TEST(Forward, JoinsAPortWithAUnixSocket) {
  const TemporaryFolder folder;
  const std::string path = folder / "proxy.sock";
  const base::UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 4), 0);
  const pid_t proxy = fork();
  if (proxy == 0) {
    const base::UniqueFd peer(accept(listener.get(), nullptr, nullptr));
    std::uint64_t got = 0;
    char buffer[4096];
    for (ssize_t n = 0; (n = read(peer.get(), buffer, sizeof buffer)) > 0;) got += static_cast<std::uint64_t>(n);
    const std::string answer = "took " + std::to_string(got) + "\n";
    (void)!write(peer.get(), answer.data(), answer.size());
    _exit(0);
  }

  // A port that is free: one that was just given out.
  base::UniqueFd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in inet{};
  inet.sin_family = AF_INET;
  inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof inet;
  ASSERT_EQ(bind(probe.get(), reinterpret_cast<const sockaddr*>(&inet), size), 0);
  ASSERT_EQ(getsockname(probe.get(), reinterpret_cast<sockaddr*>(&inet), &size), 0);
  const std::uint16_t port = ntohs(inet.sin_port);

  runtime::Loop loop;
  Client client(loop, {.program = *installed_program()});
  EXPECT_FALSE(loop.block_on(client.forward(port, path)).ok()) << "the port is in use";
  probe = {};
  const auto forwarded = loop.block_on(client.forward(port, path));
  ASSERT_TRUE(forwarded.ok()) << forwarded.error().text();
  std::string out;
  // Python, because bash cannot end one half of a connection.
  PipedCommand piped{.command = bash("exec python3 -c 'import socket, sys\n"
                                     "s = socket.create_connection((\"127.0.0.1\", int(sys.argv[1])))\n"
                                     "s.sendall(b\"y\" * 3000000); s.shutdown(socket.SHUT_WR)\n"
                                     "print(s.makefile().read(), end=\"\")' " +
                                     std::to_string(port)),
                     .on_output = [&](Output, std::string_view bytes) { out += bytes; }};
  EXPECT_EQ(loop.block_on(run_piped(loop, client, std::move(piped), {}))->code, 0);
  EXPECT_EQ(out, "took 3000000\n");
  waitpid(proxy, nullptr, 0);
  loop.block_on(client.stop());
}

}  // namespace
}  // namespace lathe::keeper
