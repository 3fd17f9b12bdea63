#include "lathe/apps/daemon_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <memory>
#include <optional>
#include <vector>

#include "lathe/apps/daemon_environment.h"
#include "lathe/apps/daemon_start.h"
#include "lathe/apps/embedded_engine.h"
#include "lathe/apps/listen_address.h"
#include "lathe/apps/settings_print.h"
#include "lathe/base/ids.h"
#include "lathe/base/json.h"
#include "lathe/base/unique_fd.h"
#include "lathe/daemon/daemon.h"
#include "lathe/daemon/daemon_lock.h"
#include "lathe/daemon/token_book.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/scope.h"
#include "lathe/telemetry/log.h"

namespace lathe::apps {

using base::Error;
using base::Json;
using base::Result;
using base::UniqueFd;
using runtime::Async;

namespace {

/// The usual one, of files that tools make.
constexpr mode_t kFileModeMask = 022;
/// Long enough for a person to read an answer and say more; after it a command waits for its keeper once more.
constexpr base::Millis kRestAfter{300'000};
/// An environment for each of a thousand sessions.
constexpr std::size_t kMostHandedBytes = 64U << 20;
/// Of sd_listen_fds(3).
constexpr int kFirstListenFd = 3;

int number_in(const config::Environment& environment, const char* name) {
  const std::string text = environment.get(name);
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Tells whoever started this process how that went; nobody, when it was not started so.
class Readiness final {
 public:
  explicit Readiness(const config::Environment& environment) {
    const int fd = number_in(environment, kReadyVariable);
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

/// The socket of that place, when systemd, or whoever does as it does, listens there for us; else empty.
Result<UniqueFd> handed_over_socket(const config::Environment& environment) {
  if (number_in(environment, "LISTEN_PID") != ::getpid()) return UniqueFd();
  const int count = number_in(environment, "LISTEN_FDS");
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (count == 1) return UniqueFd(kFirstListenFd);
  return Error{.code = base::codes::kInvalid,
               .message = fmt::format("LISTEN_FDS={}: the daemon listens on one socket", count),
               .hint = "lathe daemon install writes a unit that fits"};
}

/// What the daemon before this one left to it, where there was one.
Result<engine::HandedSessions> handed_sessions(const config::Environment& environment) {
  const UniqueFd file(number_in(environment, kHandedOverVariable));
  ::unsetenv(kHandedOverVariable);
  if (!file) return engine::HandedSessions();
  TRY(const std::string text, runtime::read_all(file.get(), kMostHandedBytes, "what was handed over"));
  return engine::read_handed_sessions(text);
}

/// What a terminal was set to is no matter of sessions that other ones work with. What the system forbids to raise
/// stays.
void leave_context_behind() {
  ::umask(kFileModeMask);
  (void)::chdir("/");
  // A file that gets too long is an error of that write (EFBIG), not the end of the process.
  ::signal(SIGXFSZ, SIG_IGN);
  for (const auto resource : {RLIMIT_NOFILE, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_AS, RLIMIT_NPROC}) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) continue;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(resource, &limit);
    // With the right to it (CAP_SYS_RESOURCE), hard ones as well, to what the system's first process has.
    rlimit first{};
    if (::prlimit(1, resource, nullptr, &first) != 0 || first.rlim_max <= limit.rlim_max) continue;
    limit.rlim_cur = limit.rlim_max = first.rlim_max;
    (void)::setrlimit(resource, &limit);
  }
}

/// The lock of the data root, and what it says.
struct HeldLock {
  const daemon::DaemonLock* lock = nullptr;
  daemon::DaemonRecord record;
  /// By the daemon that held it before.
  engine::HandedSessions handed = {};
};

void tell_refresh(const telemetry::Log& log, const engine::SettingsState& state,
                  const std::vector<std::string>& warnings) {
  using telemetry::LogLevel;
  if (state.problem) return log.write(LogLevel::kWarning, "what was set before holds: " + state.problem->text());
  log.write(LogLevel::kInfo, "the settings were read again");
  for (const std::string& warning : warnings) log.write(LogLevel::kWarning, warning);
}

/// Front ends compare them with theirs.
void say_settings(HeldLock* held, std::string settings, const telemetry::Log& log) {
  held->record.settings = std::move(settings);
  const auto said = held->lock->say(held->record);
  if (!said.ok()) log.write(telemetry::LogLevel::kWarning, said.error().text());
}

/// Goes on with what the daemon before this one left.
Async<void> take_over(engine::Engine* engine, const telemetry::Log* log) {
  for (const std::string& problem : co_await engine->take_over()) {
    log->write(telemetry::LogLevel::kWarning, problem);
  }
}

/// Serves until the end, with the lock of the data root held.
Async<Result<void>> serve_with_lock(const DaemonServer* server, daemon::DaemonOptions options, Readiness* ready,
                                    HeldLock held) {
  runtime::Loop& loop = server->loop;
  const std::string socket = options.socket;
  CO_TRY(const config::Paths paths, config::find_paths(server->environment));
  const daemon::TokenBook tokens(paths.state_dir);
  telemetry::Log log(loop, STDERR_FILENO, telemetry::LogFile(daemon_log(paths)));
  const auto say = [&log](std::string_view text) { log.write(telemetry::LogLevel::kInfo, text); };
  CO_TRY(const auto engine,
         EmbeddedEngine::create(loop, server->environment, {.embedded = true}, server->version, &log));
  if (const auto expected = engine->engine().expect(std::move(held.handed)); !expected.ok()) {
    log.write(telemetry::LogLevel::kWarning, expected.error().text());
  }
  base::SystemRandom random;
  auto made = daemon::Daemon::create(
      {.loop = loop,
       .parsing = engine->fs_pool(),
       .connect = [&engine](std::string client) { return engine->engine().connect(std::move(client)); },
       .close_forsaken = [&engine] { return engine->engine().close_forsaken(); },
       .shut_down = [&engine] { return engine->shut_down(); },
       .log = say,
       .random = random,
       .judge = [&tokens](std::string_view token) { return tokens.judge(token); },
       .version = server->version,
       .metrics = [&engine] { return engine->metrics(); },
       .environment_with =
           [server, &engine](std::vector<std::string> named) {
             return environment_with(server->environment, engine->loaded().config, std::move(named));
           },
       .read_blob = [&engine](base::Sha256Hex hash) { return engine->read_blob(std::move(hash)); }},
      std::move(options));
  if (!made.ok()) {
    co_await engine->shut_down();
    co_return std::move(made).error();
  }
  daemon::Daemon& daemon = **made;
  engine->on_refresh([&](const engine::SettingsState& state) {
    tell_refresh(log, state, engine->loaded().warnings);
    if (!state.problem) say_settings(&held, settings_print(paths, engine->loaded()), log);
  });
  engine->engine().parts().rest_after = kRestAfter;
  engine->engine().parts().end_process = [&daemon](std::string why) { daemon.stop(std::move(why)); };
  const runtime::Timer terminate = loop.on_signal(SIGTERM, [&daemon] { daemon.stop("SIGTERM"); });
  const runtime::Timer interrupt = loop.on_signal(SIGINT, [&daemon] { daemon.stop("SIGINT"); });
  // Its terminal is gone, or someone wants the files to be read again.
  const bool has_terminal = ::isatty(STDIN_FILENO) != 0;
  const runtime::Timer hang_up = loop.on_signal(SIGHUP, [&daemon, &engine, has_terminal] {
    if (has_terminal) return daemon.stop("SIGHUP");
    (void)engine->refresh();
  });
  say(fmt::format("lathe {} takes clients at {}", server->version, socket));
  if (const auto address = daemon.tcp_address()) {
    engine->engine().parts().listen_address = address->text();
    say("and with a token at " + address->text());
  }
  ready->tell(kReadyWord);
  engine->warm_up();
  runtime::Scope taking_over(loop);
  taking_over.spawn(take_over(&engine->engine(), &log));
  // Everything is recorded by then, and what a client still waits for would keep the process for no use.
  if (co_await daemon.run() == daemon::Daemon::End::kClientsLeft) ::_exit(0);
  co_await taking_over.join();
  co_return Result<void>();
}

Async<Result<void>> serve(const DaemonServer* server, Readiness* ready) {
  CO_TRY(UniqueFd handed_over, handed_over_socket(server->environment));
  CO_TRY(engine::HandedSessions handed, handed_sessions(server->environment));
  CO_TRY(const config::Paths paths, config::find_paths(server->environment));
  CO_TRY_OK(runtime::make_folders(paths.state_dir));
  CO_TRY_OK(runtime::make_folders(paths.runtime_dir));
  CO_TRY(const config::Loaded loaded, config::load(paths, server->environment));
  std::optional<runtime::TcpAddress> listen;
  if (!server->listen.empty()) {
    CO_TRY(listen, listen_address(server->listen));
  }
  CO_TRY(daemon::Realm realm, daemon::this_realm());
  const std::string socket = daemon_socket(paths);
  daemon::DaemonRecord record{.pid = ::getpid(),
                              .realm = std::move(realm),
                              .socket = socket,
                              .version = server->version,
                              .settings = settings_print(paths, loaded),
                              .started_at = server->loop.unix_now()};
  CO_TRY(const daemon::DaemonLock lock, daemon::DaemonLock::acquire(paths.state_dir, record));
  co_return co_await serve_with_lock(server,
                                     {.socket = socket,
                                      .listening = std::move(handed_over),
                                      .idle_exit = loaded.config.daemon_idle_exit,
                                      .listen = listen},
                                     ready, {.lock = &lock, .record = std::move(record), .handed = std::move(handed)});
}

}  // namespace

Async<Result<void>> serve_clients(DaemonServer server) {
  leave_context_behind();
  Readiness ready(server.environment);
  Result<void> served = co_await serve(&server, &ready);
  if (!served.ok()) ready.fail(served.error());
  co_return served;
}

}  // namespace lathe::apps
