#include "lathe/keeper/program/command.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "lathe/keeper/protocol.h"
#include "lathe/sandbox/apply.h"

// Keeper and supervisor have one thread each, so a forked child may use everything.

namespace lathe::keeper {
namespace {

/// Where the command's process tells why it does not become the command.
constexpr int kFailureFd = 3;

int read_whole(int fd, std::string& bytes) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return errno;
  if (status.st_size <= 0) return EINVAL;
  if (static_cast<std::size_t>(status.st_size) > protocol::kMaxSpecBytes) return E2BIG;
  bytes.resize(static_cast<std::size_t>(status.st_size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = pread(fd, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (got <= 0) return got == 0 ? EINVAL : errno;
    have += static_cast<std::size_t>(got);
  }
  return 0;
}

/// Goes through the strings of a spec.
struct Words {
  char* at;
  char* end;

  /// Null when no whole string is left.
  char* next() {
    auto* stop = static_cast<char*>(std::memchr(at, '\0', static_cast<std::size_t>(end - at)));
    if (stop == nullptr) return nullptr;
    return std::exchange(at, stop + 1);
  }
  /// A number and so many strings, with a null pointer behind them.
  bool list(std::vector<char*>& words) {
    const char* count = next();
    if (count == nullptr) return false;
    for (std::size_t left = std::strtoul(count, nullptr, 10); left > 0; --left) {
      char* word = next();
      if (word == nullptr) return false;
      words.push_back(word);
    }
    words.push_back(nullptr);
    return true;
  }
};

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

void reset_signals() {
  // By the bare system call: posix_spawn leaves the two signals that glibc keeps to itself ignored, and glibc's own
  // sigaction does not touch them. All zero is the kernel's SIG_DFL.
  constexpr unsigned long kStandard[4] = {};
  for (int number = 1; number < NSIG; ++number) syscall(SYS_rt_sigaction, number, kStandard, nullptr, NSIG / 8);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// When the machine runs out of memory, commands go first, not Lathe.
void volunteer_for_oom() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, "500", 3);
  close(fd);
}

bool connect_stdio(const RunSetup& setup) {
  if (dup2(setup.in, 0) < 0 || dup2(setup.out, 1) < 0 || dup2(setup.err, 2) < 0) return false;
  return !setup.terminal || ioctl(0, TIOCSCTTY, 0) == 0;
}

CommandFailure failed(Report::Stage stage, int error, std::string_view detail = {}) {
  CommandFailure failure{.stage = stage, .error = error, .detail = {}};
  detail.copy(failure.detail, sizeof failure.detail - 1);
  return failure;
}

/// Returns only when the program does not run.
CommandFailure become(const Spec& spec, const RunSetup& setup, int failure_pipe) {
  // Where it does not work the supervisor's look is what there is.
  for (const int group : setup.groups) (void)!write(group, "0", 1);
  const bool connected = connect_stdio(setup);
  const int error = errno;
  if (failure_pipe != kFailureFd && dup3(failure_pipe, kFailureFd, O_CLOEXEC) < 0) _exit(127);
  if (close_range(kFailureFd + 1, ~0U, 0) != 0) return failed(Report::Stage::kStdio, errno);
  if (!connected) return failed(Report::Stage::kStdio, error);
  // From here on this process may be looked into as the command may, so nothing of ours is open in it any more.
  prctl(PR_SET_DUMPABLE, 1);
  volunteer_for_oom();
  if (const int limits = apply_resource_limits(setup.resource_limits); limits != 0) {
    return failed(Report::Stage::kLimits, limits);
  }
  if (spec.jail) {
    const sandbox::Applied applied = sandbox::apply(*spec.jail);
    if (applied.stage != sandbox::Stage::kDone) {
      return failed(Report::Stage::kJail, applied.error, sandbox::name_of(applied.stage));
    }
  }
  if (chdir(spec.cwd) != 0) return failed(Report::Stage::kCwd, errno);
  return failed(Report::Stage::kExec, execute(spec));
}

}  // namespace

int read_spec(int fd, Spec& spec) {
  if (const int error = read_whole(fd, spec.bytes); error != 0) return error;
  Words words{.at = spec.bytes.data(), .end = spec.bytes.data() + spec.bytes.size()};
  spec.cwd = words.next();
  if (spec.cwd == nullptr || !words.list(spec.argv) || !words.list(spec.env) || spec.argv.size() < 2) return EINVAL;
  const std::string_view jail(words.at, static_cast<std::size_t>(words.end - words.at));
  if (jail.empty()) return 0;
  spec.jail = sandbox::CommandJail::decode(jail);
  return spec.jail ? 0 : EBADMSG;
}

void become_command(const Spec& spec, const RunSetup& setup, int failure_pipe, pid_t supervisor) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(127);
  setsid();
  reset_signals();
  umask(setup.file_mode_mask);
  const CommandFailure failure = become(spec, setup, failure_pipe);
  (void)!write(kFailureFd, &failure, sizeof failure);
  _exit(127);
}

}  // namespace lathe::keeper
