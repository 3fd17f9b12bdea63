#include "lathe/apps/daemon_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "lathe/apps/embedded_engine.h"
#include "lathe/base/ids.h"
#include "lathe/base/json.h"
#include "lathe/client/socket_transport.h"
#include "lathe/daemon/daemon.h"
#include "lathe/daemon/daemon_lock.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/runtime/unix_socket.h"

// `daemon start` runs this very program again with --foreground: in a session of its own, with nothing inherited but
// its log as stdout and stderr, and one end of a pipe, whose number stands in kReadyVariable. Into that the new process
// writes kReady once clients can connect, or the error that kept it from getting there, as JSON.

namespace lathe::apps {

using base::Error;
using base::Json;
using base::Result;
using base::UniqueFd;
using client::DaemonInfo;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr const char* kReadyVariable = "LATHE_READY_FD";
constexpr int kReadyFd = 3;
constexpr std::string_view kReady = "ready\n";
constexpr base::Millis kStartPatience{60'000};
constexpr base::Millis kStopPatience{15'000};
constexpr base::Millis kConnectInterval{10};
/// A longer log is put aside when a daemon starts.
constexpr std::uintmax_t kMaxLogBytes = 8U << 20;

DaemonInfo info_of(const daemon::RunningDaemon& running) {
  return {.pid = running.record.pid,
          .socket = running.record.socket,
          .version = running.record.version,
          .started_at = running.record.started_at,
          .here = running.here};
}

Error not_here(const DaemonInfo& daemon) {
  return {.code = base::codes::kLocked,
          .message = fmt::format("the daemon (process {}) runs in another container or PID namespace", daemon.pid),
          .hint = "stop it there, or work without one: --embedded"};
}

void log_line(const runtime::Loop& loop, std::string_view text) {
  const Json line{{"ts", loop.unix_now()}, {"pid", ::getpid()}, {"msg", text}};
  std::fprintf(stderr, "%s\n", base::dump_json(line).c_str());
}

/// Tells whoever started this process how that went; nobody, when it was not started so.
class Readiness final {
 public:
  explicit Readiness(const config::Environment& environment) {
    const std::string number = environment.get(kReadyVariable);
    int fd = -1;
    std::from_chars(number.data(), number.data() + number.size(), fd);
    if (fd < 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return;
    pipe_.reset(fd);
    // What this process starts has no part in it.
    ::unsetenv(kReadyVariable);
  }

  void tell(std::string_view text) {
    if (pipe_) (void)runtime::write_all(pipe_.get(), text, "whoever started this");
    pipe_.reset();
  }
  void fail(const Error& error) {
    tell(base::dump_json(Json{{"code", error.code}, {"message", error.message}, {"hint", error.hint}}));
  }

 private:
  UniqueFd pipe_;
};

/// What came through the pipe of readiness.
Result<void> read_outcome(const std::string& text, const std::string& log) {
  if (text == kReady) return {};
  const auto json = base::parse_json(text);
  if (json.ok() && json->is_object()) {
    return Error{.code = base::json_string(*json, "code"),
                 .message = base::json_string(*json, "message"),
                 .hint = base::json_string(*json, "hint")};
  }
  return Error{.code = base::codes::kInternal,
               .message = "the daemon ended before it was ready",
               .hint = "its last words are in " + log};
}

class ProcessControl final : public client::DaemonControl {
 public:
  ProcessControl(runtime::Loop& loop, config::Environment environment, std::string version)
      : loop_(loop), environment_(std::move(environment)), version_(std::move(version)) {}

  Result<std::optional<DaemonInfo>> find() override {
    TRY(const config::Paths paths, config::find_paths(environment_));
    TRY(const auto running, daemon::find_daemon(paths.state_dir));
    if (!running) return std::optional<DaemonInfo>();
    return std::optional(info_of(*running));
  }

  Result<std::unique_ptr<client::Transport>> connect(const DaemonInfo& daemon) override {
    if (!daemon.here) return not_here(daemon);
    TRY(UniqueFd socket, runtime::connect_to(daemon.socket));
    base::SystemRandom random;
    TRY(std::unique_ptr<client::Transport> transport,
        client::SocketTransport::create(loop_, std::move(socket),
                                        {.client = "lathe", .client_id = base::short_id("cli", random)}));
    return transport;
  }

  Async<Result<DaemonInfo>> start() override;
  Async<Result<void>> run() override;
  Async<Result<bool>> stop() override;

  [[nodiscard]] Result<std::string> log_file() const override {
    TRY(const config::Paths paths, config::find_paths(environment_));
    return paths.state_dir + "/daemon.log";
  }

 private:
  Result<runtime::Child> spawn(int log, int ready) const;
  [[nodiscard]] Result<UniqueFd> open_log() const;
  Async<Result<std::string>> read_to_end(UniqueFd pipe);
  /// The daemon that runs, once it takes clients.
  Async<Result<DaemonInfo>> wait_for_clients_served();
  Async<Result<void>> serve(Readiness* ready);

  runtime::Loop& loop_;
  const config::Environment environment_;
  const std::string version_;
};

Result<UniqueFd> ProcessControl::open_log() const {
  TRY(const std::string file, log_file());
  TRY_OK(runtime::make_folders(file.substr(0, file.rfind('/'))));
  std::error_code ignored;
  if (std::filesystem::file_size(file, ignored) > kMaxLogBytes && !ignored) {
    std::filesystem::rename(file, file + ".old", ignored);
  }
  return runtime::open_file(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

Result<runtime::Child> ProcessControl::spawn(int log, int ready) const {
  std::vector<std::string> env;
  for (const auto& [name, value] : environment_.variables) env.push_back(name + "=" + value);
  env.push_back(fmt::format("{}={}", kReadyVariable, kReadyFd));
  return runtime::spawn({.argv = {"/proc/self/exe", "daemon", "start", "--foreground"},
                         .env = std::move(env),
                         .cwd = "/",
                         .fds = {{log, STDOUT_FILENO}, {log, STDERR_FILENO}, {ready, kReadyFd}},
                         .new_session = true});
}

Async<Result<std::string>> ProcessControl::read_to_end(UniqueFd pipe) {
  CO_TRY_OK(runtime::set_nonblocking(pipe.get()));
  runtime::FdWatch watch(loop_, pipe.get());
  const Deadline deadline = Deadline::after(loop_, kStartPatience);
  std::string text;
  std::string buffer(4096, '\0');
  while (true) {
    const ssize_t got = ::read(pipe.get(), buffer.data(), buffer.size());
    if (got == 0) co_return text;
    if (got > 0) {
      text.append(buffer, 0, static_cast<std::size_t>(got));
    } else if (errno == EAGAIN || errno == EINTR) {
      CO_TRY_OK((co_await watch.readable(CancelToken(), deadline)).within("wait for the daemon"));
    } else {
      co_return base::errno_error(errno, "wait for the daemon");
    }
  }
}

Async<Result<DaemonInfo>> ProcessControl::wait_for_clients_served() {
  const Deadline deadline = Deadline::after(loop_, kStartPatience);
  while (true) {
    const auto running = find();
    if (running.ok() && *running) {
      if (!(*running)->here) co_return not_here(**running);
      if (runtime::connect_to((*running)->socket).ok()) co_return **running;
    }
    if (deadline.passed(loop_)) {
      co_return Error{.code = base::codes::kTimeout,
                      .message = "another daemon is starting and does not get ready",
                      .hint = "lathe daemon status"};
    }
    CO_TRY_OK(co_await loop_.sleep(kConnectInterval, CancelToken()));
  }
}

Async<Result<DaemonInfo>> ProcessControl::start() {
  const auto running = find();
  if (running.ok() && *running) co_return co_await wait_for_clients_served();
  CO_TRY(const UniqueFd log, open_log());
  CO_TRY(const std::string log_name, log_file());
  CO_TRY(runtime::Pipe pipe, runtime::make_pipe());
  CO_TRY(const runtime::Child child, spawn(log.get(), pipe.write_end.get()));
  pipe.write_end.reset();
  CO_TRY(const std::string text, co_await read_to_end(std::move(pipe.read_end)));
  Result<void> outcome = read_outcome(text, log_name);
  // Somebody else's daemon was faster.
  if (!outcome.ok() && outcome.error().code != base::codes::kExists) co_return std::move(outcome).error();
  co_return co_await wait_for_clients_served();
}

Async<Result<void>> ProcessControl::run() {
  Readiness ready(environment_);
  Result<void> served = co_await serve(&ready);
  if (!served.ok()) ready.fail(served.error());
  co_return served;
}

Async<Result<void>> ProcessControl::serve(Readiness* ready) {
  CO_TRY(const config::Paths paths, config::find_paths(environment_));
  CO_TRY_OK(runtime::make_folders(paths.state_dir));
  CO_TRY_OK(runtime::make_folders(paths.runtime_dir));
  const std::string socket = paths.runtime_dir + "/daemon.sock";
  CO_TRY(daemon::Realm realm, daemon::this_realm());
  CO_TRY(const daemon::DaemonLock lock, daemon::DaemonLock::acquire(paths.state_dir, {.pid = ::getpid(),
                                                                                      .realm = std::move(realm),
                                                                                      .socket = socket,
                                                                                      .version = version_,
                                                                                      .started_at = loop_.unix_now()}));
  CO_TRY(const config::Loaded loaded, config::load(paths, environment_));
  CO_TRY(const auto engine, EmbeddedEngine::create(loop_, environment_, {.embedded = true}, version_));
  base::SystemRandom random;
  auto made = daemon::Daemon::create(
      {.loop = loop_,
       .parsing = engine->fs_pool(),
       .connect = [&engine](std::string client) { return engine->engine().connect(std::move(client)); },
       .close_forsaken = [&engine] { return engine->engine().close_forsaken(); },
       .shut_down = [&engine] { return engine->shut_down(); },
       .log = [this](std::string_view text) { log_line(loop_, text); },
       .random = random},
      {.socket = socket, .idle_exit = loaded.config.daemon_idle_exit});
  if (!made.ok()) {
    co_await engine->shut_down();
    co_return std::move(made).error();
  }
  daemon::Daemon& daemon = **made;
  const runtime::Timer terminate = loop_.on_signal(SIGTERM, [&daemon] { daemon.stop("SIGTERM"); });
  const runtime::Timer interrupt = loop_.on_signal(SIGINT, [&daemon] { daemon.stop("SIGINT"); });
  const runtime::Timer hang_up = loop_.on_signal(SIGHUP, [&daemon] { daemon.stop("SIGHUP"); });
  log_line(loop_, fmt::format("lathe {} takes clients at {}", version_, socket));
  ready->tell(kReady);
  // Everything is recorded by then, and what a client still waits for would keep the process for no use.
  if (co_await daemon.run() == daemon::Daemon::End::kClientsLeft) ::_exit(0);
  co_return Result<void>();
}

Async<Result<bool>> ProcessControl::stop() {
  CO_TRY(const auto before, find());
  if (!before) co_return false;
  if (!before->here) co_return not_here(*before);
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(before->pid), 0)));
  if (!handle && errno != ESRCH) co_return base::errno_error(errno, fmt::format("process {}", before->pid));
  // The lock is still that daemon's, so the pid was not a stranger's when it was opened.
  CO_TRY(const auto now, find());
  if (!handle || now != before) co_return true;
  runtime::FdWatch gone(loop_, handle.get());
  if (::syscall(SYS_pidfd_send_signal, handle.get(), SIGTERM, nullptr, 0) != 0 && errno != ESRCH) {
    co_return base::errno_error(errno, fmt::format("end process {}", before->pid));
  }
  auto ended = co_await gone.readable(CancelToken(), Deadline::after(loop_, kStopPatience));
  if (ended.ok()) co_return true;
  co_return std::move(ended).error().within(fmt::format("process {} does not end", before->pid));
}

}  // namespace

std::unique_ptr<client::DaemonControl> make_daemon_control(runtime::Loop& loop, config::Environment environment,
                                                           std::string version) {
  return std::make_unique<ProcessControl>(loop, std::move(environment), std::move(version));
}

}  // namespace lathe::apps
