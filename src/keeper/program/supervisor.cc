#include "lathe/keeper/program/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/keeper/program/process_tree.h"
#include "lathe/keeper/protocol.h"

// The supervisor is a subreaper: every descendant that loses its parent becomes its child, so none gets out of sight.
// The command itself dies with the supervisor (PR_SET_PDEATHSIG); should the command kill the supervisor, the rest of
// its tree falls to the keeper, which is a subreaper too.
//
// Keeper and supervisor have one thread each, so a forked child may use everything.

namespace lathe::keeper {
namespace {

constexpr int kPatienceMs = 5'000;

struct Spec {
  std::string bytes;
  const char* cwd = nullptr;
  std::vector<char*> argv;
  std::vector<char*> env;
};

/// 0, or an errno.
int read_spec(int fd, Spec& spec) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return errno;
  if (status.st_size <= 0) return EINVAL;
  if (static_cast<std::size_t>(status.st_size) > protocol::kMaxSpecBytes) return E2BIG;
  spec.bytes.resize(static_cast<std::size_t>(status.st_size));
  std::size_t have = 0;
  while (have < spec.bytes.size()) {
    const ssize_t got = pread(fd, spec.bytes.data() + have, spec.bytes.size() - have, static_cast<off_t>(have));
    if (got <= 0) return got == 0 ? EINVAL : errno;
    have += static_cast<std::size_t>(got);
  }
  if (spec.bytes.back() != '\0') return EINVAL;

  std::vector<char*> words;
  for (char* at = spec.bytes.data(); at < spec.bytes.data() + spec.bytes.size(); at += std::strlen(at) + 1) {
    words.push_back(at);
  }
  if (words.size() < 3) return EINVAL;
  spec.cwd = words[0];
  const auto count = static_cast<std::size_t>(std::strtoul(words[1], nullptr, 10));
  if (count == 0 || count > words.size() - 2) return EINVAL;
  const auto first_env = words.begin() + 2 + static_cast<std::ptrdiff_t>(count);
  spec.argv.assign(words.begin() + 2, first_env);
  spec.env.assign(first_env, words.end());
  spec.argv.push_back(nullptr);
  spec.env.push_back(nullptr);
  return 0;
}

void send_report(int control, const Report& report) { (void)send(control, &report, sizeof report, MSG_NOSIGNAL); }

[[noreturn]] void fail(int control, Report::Stage stage, int error) {
  send_report(control, {.kind = Report::Kind::kFailed, .stage = stage, .error = error});
  _exit(0);
}

/// Runs the program; returns only when it cannot, with the errno that says most: a file that is there but cannot be
/// executed tells more than one that is missing further along PATH.
int execute(const Spec& spec) {
  const std::string_view name = spec.argv[0];
  if (name.empty()) return ENOENT;
  if (name.find('/') != std::string_view::npos) {
    execve(spec.argv[0], spec.argv.data(), spec.env.data());
    return errno;
  }
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const char* variable : spec.env) {
    if (variable != nullptr && std::strncmp(variable, "PATH=", 5) == 0) path = variable + 5;
  }
  int error = ENOENT;
  while (true) {
    const std::size_t colon = path.find(':');
    const std::string_view folder(path.data(), colon == std::string_view::npos ? path.size() : colon);
    const std::string program = (folder.empty() ? std::string(".") : std::string(folder)) + "/" + std::string(name);
    execve(program.c_str(), spec.argv.data(), spec.env.data());
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
    if (error != ENOENT && error != EACCES) return error;
    if (colon == std::string_view::npos) return error;
    path.remove_prefix(colon + 1);
  }
}

struct ChildFailure {
  Report::Stage stage;
  int error;
};

void reset_signals() {
  // By the bare system call: posix_spawn leaves the two signals that glibc keeps to itself ignored, and glibc's own
  // sigaction does not touch them. All zero is the kernel's SIG_DFL.
  constexpr unsigned long kStandard[4] = {};
  for (int number = 1; number < NSIG; ++number) syscall(SYS_rt_sigaction, number, kStandard, nullptr, NSIG / 8);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// In the child: becomes the command, or writes why it cannot.
[[noreturn]] void become_command(const Spec& spec, RunFds fds, unsigned file_mode_mask, int failure_pipe,
                                 pid_t supervisor) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(127);
  setsid();
  reset_signals();
  umask(file_mode_mask);
  ChildFailure failure{Report::Stage::kExec, 0};
  if (chdir(spec.cwd) != 0) {
    failure = {Report::Stage::kCwd, errno};
  } else if (dup2(fds.in, 0) < 0 || dup2(fds.out, 1) < 0 || dup2(fds.err, 2) < 0 ||
             close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    failure = {Report::Stage::kStdio, errno};
  } else {
    failure.error = execute(spec);
  }
  (void)!write(failure_pipe, &failure, sizeof failure);
  _exit(127);
}

/// Reaps what was orphaned and ended; true when the command itself has ended, which stays a zombie so that its process
/// group keeps its number.
bool reap_until(pid_t command) {
  while (true) {
    siginfo_t ended{};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return false;
    if (ended.si_pid == command) return true;
    waitpid(ended.si_pid, nullptr, 0);
  }
}

enum class Outcome { kEnd, kNeverStarted };

/// Waits until the command ended or has to; reports its start on the way. kNeverStarted: `failure` says why.
Outcome wait_for_end(int control, int child_signals, int failure_pipe, pid_t command, ChildFailure* failure) {
  pollfd waits[3] = {{.fd = control, .events = POLLIN, .revents = 0},
                     {.fd = child_signals, .events = POLLIN, .revents = 0},
                     {.fd = failure_pipe, .events = POLLIN, .revents = 0}};
  while (true) {
    if (poll(waits, 3, -1) < 0 && errno != EINTR) return Outcome::kEnd;
    if (waits[2].revents != 0) {
      if (read(failure_pipe, failure, sizeof *failure) == sizeof *failure) return Outcome::kNeverStarted;
      waits[2].fd = -1;
      send_report(control, {.kind = Report::Kind::kStarted, .pid = command});
    }
    signalfd_siginfo ignored{};
    (void)!read(child_signals, &ignored, sizeof ignored);
    const bool started = waits[2].fd < 0;
    if (started && reap_until(command)) return Outcome::kEnd;
    if (waits[0].revents != 0) return Outcome::kEnd;
  }
}

}  // namespace

void supervise(int control, RunFds fds, unsigned file_mode_mask) {
  prctl(PR_SET_NAME, "lathe-watch");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  setsid();
  Spec spec;
  if (const int error = read_spec(fds.spec, spec); error != 0) fail(control, Report::Stage::kSpec, error);

  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  const int child_signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  int failure_pipe[2];
  if (child_signals < 0 || pipe2(failure_pipe, O_CLOEXEC) != 0) fail(control, Report::Stage::kFork, errno);
  const pid_t self = getpid();
  const pid_t command = fork();
  if (command < 0) fail(control, Report::Stage::kFork, errno);
  if (command == 0) become_command(spec, fds, file_mode_mask, failure_pipe[1], self);
  close(failure_pipe[1]);
  for (const int fd : {fds.in, fds.out, fds.err, fds.spec}) close(fd);

  ChildFailure failure{};
  if (wait_for_end(control, child_signals, failure_pipe[0], command, &failure) == Outcome::kNeverStarted) {
    waitpid(command, nullptr, 0);
    fail(control, failure.stage, failure.error);
  }
  Watched watched{.pid = command};
  const int survivors = end_children({}, kPatienceMs, &watched);
  Report report{.kind = Report::Kind::kExit, .survivors = survivors};
  if (WIFSIGNALED(watched.status)) {
    report.signal = WTERMSIG(watched.status);
    report.code = 128 + report.signal;
  } else {
    report.code = WEXITSTATUS(watched.status);
  }
  send_report(control, report);
  _exit(0);
}

}  // namespace lathe::keeper
