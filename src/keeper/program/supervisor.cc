#include "lathe/keeper/program/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "lathe/keeper/program/command.h"
#include "lathe/keeper/program/limit_watch.h"
#include "lathe/keeper/program/process_tree.h"
#include "lathe/keeper/program/wire.h"

// The supervisor is a subreaper: every descendant that loses its parent becomes its child, so none gets out of sight.
// The command itself dies with the supervisor (PR_SET_PDEATHSIG); should the command kill the supervisor, the rest of
// its tree falls to the keeper, which is a subreaper too.
//
//   starting ──exec failed──────────────────────────────────────────────> failed
//      └─ started ─> running ──ended, limit, told to end, keeper gone──> tree killed ─> output drained ─> exit

namespace lathe::keeper {
namespace {

constexpr int kPatienceMs = 5'000;
/// How long a client that ends a command may take to make room for the rest of its output.
constexpr int kDrainPatienceMs = 1'000;

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

class Supervisor final {
 public:
  Supervisor(int control, const RunSetup& setup)
      : control_(control), setup_(setup), spool_(setup.spool, setup.policy) {}

  [[noreturn]] void run() {
    start();
    while (!over_) step();
    Watched watched{.pid = command_};
    const int survivors = end_children({}, kPatienceMs, &watched);
    drain();
    Report report{.kind = Report::Kind::kExit, .survivors = survivors, .limit = limit_};
    if (WIFSIGNALED(watched.status)) {
      report.signal = WTERMSIG(watched.status);
      report.code = 128 + report.signal;
    } else {
      report.code = WEXITSTATUS(watched.status);
    }
    if (limit_ == Report::Limit::kDisk) {
      std::strncpy(report.detail, watch_->full_disk().c_str(), sizeof report.detail - 1);
    }
    tell(report);
    _exit(0);
  }

 private:
  void tell(Report report) {
    for (int stream = 0; stream < protocol::kStreams; ++stream) report.totals[stream] = spool_.total(stream);
    (void)send(control_, &report, sizeof report, MSG_NOSIGNAL);
  }
  [[noreturn]] void fail(Report::Stage stage, int error, const char* detail = "") {
    Report report{.kind = Report::Kind::kFailed, .stage = stage, .error = error};
    std::strncpy(report.detail, detail, sizeof report.detail - 1);
    tell(report);
    _exit(0);
  }

  void start() {
    Spec spec;
    if (const int error = read_spec(setup_.spec, spec); error != 0) fail(Report::Stage::kSpec, error);
    take_limits(spec);
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal, nullptr);
    child_signals_ = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
    int failure[2];
    if (child_signals_ < 0 || pipe2(failure, O_CLOEXEC) != 0) fail(Report::Stage::kFork, errno);
    watch_.emplace(setup_.limits, spec.jail, spec.cwd, spec.env.data());
    const pid_t self = getpid();
    command_ = fork();
    if (command_ < 0) fail(Report::Stage::kFork, errno);
    if (command_ == 0) become_command(spec, setup_, failure[1], self);
    failure_pipe_ = failure[0];
    close(failure[1]);
    close(setup_.spec);
    for (const int group : setup_.groups) close(group);
    close(setup_.in);
    if (setup_.out != setup_.in) close(setup_.out);
    if (setup_.err != setup_.in && setup_.err != setup_.out) close(setup_.err);
  }

  /// What the jail bounds and only we can watch.
  void take_limits(const Spec& spec) {
    if (!spec.jail) return;
    const sandbox::Limits& limits = spec.jail->limits;
    if (limits.processes) setup_.limits.processes = *limits.processes;
    if (limits.memory_bytes) setup_.limits.memory_bytes = *limits.memory_bytes;
  }

  /// Waits for whatever comes next and takes it.
  void step() {
    pollfd waits[5] = {{.fd = control_, .events = POLLIN, .revents = 0},
                       {.fd = child_signals_, .events = POLLIN, .revents = 0},
                       {.fd = failure_pipe_, .events = POLLIN, .revents = 0}};
    for (int stream = 0; stream < protocol::kStreams; ++stream) {
      const bool reads = setup_.sources[stream] >= 0 && spool_.room(stream) > 0;
      waits[3 + stream] = {.fd = reads ? setup_.sources[stream] : -1, .events = POLLIN, .revents = 0};
    }
    if (poll(waits, 5, poll_timeout()) < 0 && errno != EINTR) {
      over_ = true;
      return;
    }
    if (waits[2].revents != 0) on_exec();
    if (waits[0].revents != 0 && !take_order()) over_ = told_to_end_ = true;
    for (int stream = 0; stream < protocol::kStreams; ++stream) {
      if (waits[3 + stream].revents != 0) (void)pump(stream);
    }
    signalfd_siginfo ignored{};
    (void)!read(child_signals_, &ignored, sizeof ignored);
    if (failure_pipe_ < 0 && reap_until(command_)) over_ = true;
    if (!over_) look_at_limits();
  }

  /// The end of the pipe says that the program runs; anything in it, why it does not.
  void on_exec() {
    CommandFailure failure{};
    if (read(failure_pipe_, &failure, sizeof failure) == sizeof failure) {
      waitpid(command_, nullptr, 0);
      fail(failure.stage, failure.error, failure.detail);
    }
    close(failure_pipe_);
    failure_pipe_ = -1;
    tell({.kind = Report::Kind::kStarted, .pid = command_});
  }

  /// False when the command is to end.
  bool take_order() {
    Order order;
    const ssize_t got = recv(control_, &order, sizeof order, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got != sizeof order || order.kind == Order::Kind::kEnd) return false;
    spool_.seen(order.totals);
    return true;
  }

  enum class Pumped { kSome, kNothing, kEnd };
  Pumped pump(int stream) {
    static char buffer[64U << 10];
    const ssize_t got = read(setup_.sources[stream], buffer, std::min(sizeof buffer, spool_.room(stream)));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Pumped::kNothing;
    if (got <= 0) {  // a terminal whose far end is closed gives EIO
      close(setup_.sources[stream]);
      setup_.sources[stream] = -1;
      return Pumped::kEnd;
    }
    spool_.write(stream, {buffer, static_cast<std::size_t>(got)});
    tell({.kind = Report::Kind::kOutput});
    const bool too_much = setup_.limits.output_bytes != 0 && spool_.total(stream) > setup_.limits.output_bytes;
    if (too_much && !over_) end_for(Report::Limit::kOutput);
    return Pumped::kSome;
  }

  /// The tree is dead: what is in the pipes is all that comes.
  void drain() {
    spool_.use_reserve();
    for (int stream = 0; stream < protocol::kStreams; ++stream) {
      while (setup_.sources[stream] >= 0) {
        if (spool_.room(stream) == 0) {
          pollfd wait{.fd = control_, .events = POLLIN, .revents = 0};
          if (poll(&wait, 1, told_to_end_ ? kDrainPatienceMs : -1) == 0) return;
          if (!take_order() && std::exchange(told_to_end_, true)) return;
          continue;
        }
        if (pump(stream) == Pumped::kNothing) break;
      }
    }
  }

  [[nodiscard]] int poll_timeout() const { return failure_pipe_ >= 0 ? -1 : watch_->timeout_ms(); }
  void end_for(Report::Limit limit) {
    limit_ = limit;
    over_ = true;
  }
  void look_at_limits() {
    if (failure_pipe_ >= 0) return;
    if (const Report::Limit limit = watch_->look(); limit != Report::Limit::kNone) end_for(limit);
  }

  const int control_;
  RunSetup setup_;
  Spool spool_;
  pid_t command_ = -1;
  int child_signals_ = -1;
  /// Open until the program runs.
  int failure_pipe_ = -1;
  std::optional<LimitWatch> watch_;
  bool over_ = false;
  bool told_to_end_ = false;
  Report::Limit limit_ = Report::Limit::kNone;
};

}  // namespace

void supervise(int control, RunSetup setup) {
  prctl(PR_SET_NAME, "lathe-watch");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  setsid();
  Supervisor(control, setup).run();
}

}  // namespace lathe::keeper
