#include "lathe/keeper/program/once.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "lathe/keeper/program/forwarder.h"
#include "lathe/keeper/program/limit_watch.h"
#include "lathe/keeper/program/process_tree.h"
#include "lathe/keeper/protocol.h"
#include "lathe/sandbox/apply.h"

namespace lathe::keeper {
namespace {

constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

int complain(const char* what, int error) {
  std::fprintf(stderr, "lathe: %s: %s\n", what, std::strerror(error));
  return error == ENOENT ? kNotFound : kCannotRun;
}

std::string read_whole(int fd) {
  std::string bytes;
  char part[4096];
  for (ssize_t got = 0; (got = read(fd, part, sizeof part)) > 0;) bytes.append(part, static_cast<std::size_t>(got));
  return bytes;
}

int group_count(const OnceOptions& options) {
  return static_cast<int>(std::min<std::size_t>(options.groups, protocol::kMaxGroups));
}

[[noreturn]] void become(const sandbox::CommandJail& jail, const OnceOptions& options, char** argv, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotRun);
  // Where it does not work our own look is what there is.
  for (int i = 0; i < group_count(options); ++i) (void)!write(protocol::kOnceGroupFd + i, "0", 1);
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (const sandbox::Applied failed = sandbox::apply(jail); failed.stage != sandbox::Stage::kDone) {
    const std::string stage(name_of(failed.stage));
    std::fprintf(stderr, "lathe: cannot be confined (%s)\n", stage.c_str());
    _exit(complain(argv[0], failed.error == ENOENT ? EPERM : failed.error));
  }
  if (chdir(options.cwd) != 0) _exit(complain(options.cwd, errno));
  execvp(argv[0], argv);
  _exit(complain(argv[0], errno));
}

/// Ends what the command left behind, one by one: it is in our own process group.
void end_what_is_left() {
  while (true) {
    const std::vector<pid_t> children = children_of_self();
    if (children.empty()) return;
    for (const pid_t child : children) kill(child, SIGKILL);
    while (waitpid(-1, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

pid_t g_command = -1;

void pass_on(int number) {
  if (g_command > 0) kill(g_command, number);
}

const char* in_words(Report::Limit limit) {
  switch (limit) {
    case Report::Limit::kProcesses:
      return "more processes than a command may have";
    case Report::Limit::kMemory:
      return "more memory than a command may take (memory-bytes)";
    case Report::Limit::kDisk:
      return "nearly full, whoever filled it: the disk of ";
    case Report::Limit::kNone:
    case Report::Limit::kOutput:
      return "";
  }
  return "";
}

/// The command's wait status once it has ended, by itself or by a limit.
int wait_for_command(LimitWatch& watch) {
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  pollfd ended{.fd = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN, .revents = 0};
  int status = 0;
  while (true) {
    // Others that the command left to us are reaped with the rest.
    if (waitpid(g_command, &status, WNOHANG) == g_command) return status;
    (void)poll(&ended, 1, watch.timeout_ms());
    signalfd_siginfo ignored{};
    (void)!read(ended.fd, &ignored, sizeof ignored);
    if (const Report::Limit limit = watch.look(); limit != Report::Limit::kNone) {
      std::fprintf(stderr, "lathe: the command was ended: %s%s\n", in_words(limit), watch.full_disk().c_str());
      kill(g_command, SIGKILL);
    }
  }
}

}  // namespace

int run_once(const OnceOptions& options, char** argv) {
  const auto jail = sandbox::CommandJail::decode(read_whole(protocol::kOnceJailFd));
  if (!jail) return complain("the description of the jail", EINVAL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (options.port != 0) {
    const Forwarder started = start_forwarder(options.port, protocol::kOnceProxyFd);
    if (started.error != 0) return complain("the way to the network proxy", started.error);
  }
  // The terminal sends these two to the command as well.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGQUIT, SIG_IGN);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  LimitWatch watch({.processes = jail->limits.processes.value_or(0),
                    .memory_bytes = jail->limits.memory_bytes.value_or(0),
                    .free_bytes = options.free_bytes},
                   jail, options.cwd, environ);
  const pid_t self = getpid();
  g_command = fork();
  if (g_command < 0) return complain(argv[0], errno);
  if (g_command == 0) become(*jail, options, argv, self);
  for (int i = 0; i < group_count(options); ++i) close(protocol::kOnceGroupFd + i);
  std::signal(SIGTERM, pass_on);
  std::signal(SIGHUP, pass_on);
  const int status = wait_for_command(watch);
  end_what_is_left();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace lathe::keeper
