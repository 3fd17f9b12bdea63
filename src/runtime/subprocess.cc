#include "lathe/runtime/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "lathe/runtime/files.h"

namespace lathe::runtime {

using base::errno_error;
using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

/// posix_spawn's two parameter blocks, freed together.
class SpawnPlan final {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t* actions() { return &actions_; }
  posix_spawnattr_t* attributes() { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<char*> c_strings(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Descriptors are first lifted above every target, so that no dup2 overwrites one that is still needed.
struct LiftedFds {
  std::vector<UniqueFd> held;
  int next_free = 3;
};

Result<LiftedFds> plan_descriptors(const SpawnOptions& options, posix_spawn_file_actions_t* actions) {
  LiftedFds lifted;
  for (const auto& [ours, theirs] : options.fds) lifted.next_free = std::max(lifted.next_free, theirs + 1);
  for (const auto& [ours, theirs] : options.fds) {
    UniqueFd copy(fcntl(ours, F_DUPFD_CLOEXEC, lifted.next_free));
    if (!copy) return errno_error(errno, "copy descriptor");
    lifted.held.push_back(std::move(copy));
  }
  for (int number = 0; number < lifted.next_free; ++number) {
    if (std::ranges::any_of(options.fds, [&](const auto& pair) { return pair.second == number; })) continue;
    if (number < 3) {
      posix_spawn_file_actions_addopen(actions, number, "/dev/null", O_RDWR, 0);
    } else {
      posix_spawn_file_actions_addclose(actions, number);
    }
  }
  for (std::size_t i = 0; i < lifted.held.size(); ++i) {
    posix_spawn_file_actions_adddup2(actions, lifted.held[i].get(), options.fds[i].second);
  }
  posix_spawn_file_actions_addclosefrom_np(actions, lifted.next_free);
  return lifted;
}

}  // namespace

Result<Child> spawn(const SpawnOptions& options) {
  CHECK(!options.argv.empty());
  SpawnPlan plan;
  TRY(const LiftedFds lifted, plan_descriptors(options, plan.actions()));
  if (!options.cwd.empty()) posix_spawn_file_actions_addchdir_np(plan.actions(), options.cwd.c_str());

  sigset_t none;
  sigemptyset(&none);
  sigset_t by_default;
  sigfillset(&by_default);
  if (options.inherits_interrupts) {
    for (const int number : {SIGINT, SIGQUIT}) sigdelset(&by_default, number);
  }
  posix_spawnattr_setsigmask(plan.attributes(), &none);
  posix_spawnattr_setsigdefault(plan.attributes(), &by_default);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  flags |= options.new_session ? POSIX_SPAWN_SETSID : 0;
  posix_spawnattr_setflags(plan.attributes(), static_cast<short>(flags));

  std::vector<char*> argv = c_strings(options.argv);
  std::vector<char*> env = options.env ? c_strings(*options.env) : std::vector<char*>();
  pid_t pid = -1;
  const int failed =
      posix_spawnp(&pid, argv[0], plan.actions(), plan.attributes(), argv.data(), options.env ? env.data() : environ);
  if (failed != 0) return errno_error(failed, fmt::format("start {}", options.argv[0]));
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return errno_error(error, "pidfd_open");
  }
  return Child(pid, std::move(pidfd));
}

void Child::signal(int number) const { syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0); }

Async<Result<ExitStatus>> Child::wait(Loop& loop, CancelToken cancel, Deadline deadline) {
  FdWatch watch(loop, pidfd_.get());
  CO_TRY_OK(co_await watch.readable(cancel, deadline));
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0) co_return errno_error(errno, "wait");
  ExitStatus status;
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.code = 128 + info.si_status;
  }
  co_return status;
}

Result<Pipe> make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return errno_error(errno, "pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<void> set_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return errno_error(errno, "set non-blocking");
  return {};
}

namespace {

Async<Result<std::string>> collect(Loop* loop, UniqueFd fd, std::size_t max_bytes, CancelToken cancel,
                                   Deadline deadline) {
  CO_TRY_OK(set_nonblocking(fd.get()));
  FdWatch watch(*loop, fd.get());
  std::string out;
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got > 0) {
      out.append(buffer, std::min<std::size_t>(static_cast<std::size_t>(got), max_bytes - out.size()));
    } else if (got == 0) {
      co_return out;
    } else if (errno == EAGAIN) {
      CO_TRY_OK(co_await watch.readable(cancel, deadline));
    } else if (errno != EINTR) {
      co_return errno_error(errno, "read");
    }
  }
}

Async<Result<std::string>> feed(Loop* loop, UniqueFd fd, std::string input, CancelToken cancel, Deadline deadline) {
  CO_TRY_OK(set_nonblocking(fd.get()));
  FdWatch watch(*loop, fd.get());
  std::string_view left = input;
  while (!left.empty()) {
    const ssize_t put = ::write(fd.get(), left.data(), left.size());
    if (put >= 0) {
      left.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      CO_TRY_OK(co_await watch.writable(cancel, deadline));
    } else if (errno == EPIPE) {
      break;  // it does not want the rest
    } else if (errno != EINTR) {
      co_return errno_error(errno, "write");
    }
  }
  co_return std::string();
}

}  // namespace

Async<Result<CommandOutput>> run_command(Loop& loop, CommandOptions options, CancelToken cancel) {
  CO_TRY(Pipe in, make_pipe());
  CO_TRY(Pipe out, make_pipe());
  CO_TRY(Pipe err, make_pipe());
  // Beside those that the caller hands on.
  options.spawn.fds.insert(options.spawn.fds.end(),
                           {{in.read_end.get(), 0}, {out.write_end.get(), 1}, {err.write_end.get(), 2}});
  CO_TRY(Child child, spawn(options.spawn));
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();

  std::vector<Async<Result<std::string>>> streams;
  streams.push_back(feed(&loop, std::move(in.write_end), std::move(options.input), cancel, options.deadline));
  streams.push_back(collect(&loop, std::move(out.read_end), options.max_output_bytes, cancel, options.deadline));
  streams.push_back(collect(&loop, std::move(err.read_end), options.max_output_bytes, cancel, options.deadline));
  std::vector<Result<std::string>> collected = co_await when_all(std::move(streams));
  for (const Result<std::string>& stream : collected) {
    if (stream.ok()) continue;
    child.signal(SIGKILL);
    (void)co_await child.wait(loop, CancelToken(), Deadline::never());
    co_return stream.error().within(options.spawn.argv[0]);
  }
  auto status = co_await child.wait(loop, cancel, options.deadline);
  if (!status.ok()) {
    child.signal(SIGKILL);
    (void)co_await child.wait(loop, CancelToken(), Deadline::never());
    co_return std::move(status).error().within(options.spawn.argv[0]);
  }
  co_return CommandOutput{*status, std::move(*collected[1]), std::move(*collected[2])};
}

}  // namespace lathe::runtime
