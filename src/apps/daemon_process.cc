#include "lathe/apps/daemon_process.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "lathe/apps/daemon_environment.h"
#include "lathe/apps/daemon_start.h"
#include "lathe/apps/daemon_unit.h"
#include "lathe/apps/listen_address.h"
#include "lathe/base/check.h"
#include "lathe/base/ids.h"
#include "lathe/base/json.h"
#include "lathe/client/socket_transport.h"
#include "lathe/daemon/daemon_lock.h"
#include "lathe/daemon/token_book.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"
#include "lathe/runtime/process_context.h"
#include "lathe/runtime/subprocess.h"
#include "lathe/runtime/unix_socket.h"
#include "lathe/telemetry/log_file.h"

// A daemon is started as the program with `daemon start --foreground`: in a session of its own, in the root folder,
// with what daemon_environment() keeps and nothing inherited but its log as stdout and stderr, and one end of a pipe
// (daemon_start.h) through which it tells that clients can connect, or why it did not get there.

namespace lathe::apps {

using base::Error;
using base::Result;
using base::UniqueFd;
using client::ConnectedDaemon;
using client::DaemonInfo;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

constexpr int kReadyFd = 3;
constexpr int kStateFd = 4;
constexpr base::Millis kStartPatience{60'000};
constexpr base::Millis kStopPatience{15'000};
/// How long one that runs is given to take a client: it may just be starting or ending.
constexpr base::Millis kConnectPatience{5'000};
constexpr base::Millis kConnectInterval{10};

DaemonInfo info_of(const daemon::RunningDaemon& running) {
  return {.pid = running.record.pid,
          .socket = running.record.socket,
          .version = running.record.version,
          .settings = running.record.settings,
          .started_at = running.record.started_at,
          .here = running.here};
}

Error not_here(const DaemonInfo& daemon) {
  return {.code = base::codes::kLocked,
          .message = fmt::format("the daemon (process {}) runs in another container or PID namespace", daemon.pid),
          .hint = "stop it there, or work without one: --embedded"};
}

Error takes_no_client(const std::string& who, const Error& why) {
  return {.code = base::codes::kUnavailable,
          .message = fmt::format("{} takes no client: {}", who, why.message),
          .hint = "lathe daemon restart, or work without it: --embedded"};
}

/// It may be over in a moment: the daemon is just starting or ending.
bool may_pass(const Error& error) {
  return error.code == base::codes::kUnavailable || error.code == base::codes::kNotFound;
}

/// What a connection brings along.
enum class Lends { kItsOwn, kNothing };

/// Port 0 was any port.
bool listens_at(const std::string& listen, const runtime::TcpAddress& wanted) {
  const auto address = runtime::TcpAddress::parse(listen);
  return address.ok() && address->host == wanted.host && (wanted.port == 0 || address->port == wanted.port);
}

/// What came through the pipe of readiness.
Result<void> read_outcome(const std::string& text, const std::string& log) {
  if (text == kReadyWord) return {};
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

/// Its bytes, from the beginning; it is gone with its last descriptor.
Result<UniqueFd> memory_file(const std::string& bytes) {
  UniqueFd file(::memfd_create("lathe-handed-over", MFD_CLOEXEC));
  if (!file) return base::errno_error(errno, "memory file for the next daemon");
  TRY_OK(runtime::write_all(file.get(), bytes, "memory file for the next daemon"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return base::errno_error(errno, "memory file for the next daemon");
  return file;
}

class ProcessControl final : public client::DaemonControl {
 public:
  ProcessControl(runtime::Loop& loop, config::Environment environment, DaemonProgram program)
      : loop_(loop), environment_(std::move(environment)), program_(std::move(program)) {}

  Result<std::optional<DaemonInfo>> find() override {
    TRY(const config::Paths paths, config::find_paths(environment_));
    TRY(const auto running, daemon::find_daemon(paths.state_dir));
    if (!running) return std::optional<DaemonInfo>();
    return std::optional(info_of(*running));
  }

  Async<Result<std::optional<ConnectedDaemon>>> connect() override { return connect_lending(Lends::kItsOwn); }
  Async<Result<ConnectedDaemon>> start(client::Successor what) override {
    return start_lending(std::move(what), Lends::kItsOwn);
  }
  Async<Result<DaemonInfo>> launch(client::Successor what) override;
  Async<Result<ConnectedDaemon>> restart() override;
  Async<Result<bool>> stop() override;
  Async<Result<void>> wait_for_end(DaemonInfo daemon) override;

  Async<Result<void>> run(std::string listen) override {
    CHECK(program_.serve);
    return program_.serve(std::move(listen));
  }
  Result<std::vector<std::string>> install() override { return write_daemon_unit(environment_, program_.path); }
  Result<std::string> create_token(const std::string& scopes) override;
  Result<std::vector<client::TokenInfo>> tokens() override;
  Result<void> remove_token(const std::string& id) override;
  [[nodiscard]] Result<std::string> log_file() const override {
    TRY(const config::Paths paths, config::find_paths(environment_));
    return daemon_log(paths);
  }

 private:
  Async<Result<std::optional<ConnectedDaemon>>> connect_lending(Lends lends);
  Async<Result<ConnectedDaemon>> start_lending(client::Successor what, Lends lends);
  Result<runtime::Child> spawn(const client::Successor& what, int log, int ready) const;
  /// Has it end with its work left to the next one; nothing where it cannot, or takes no client.
  Async<Result<std::optional<client::Successor>>> have_it_hand_over();
  [[nodiscard]] Result<daemon::TokenBook> token_book() const;
  [[nodiscard]] Result<UniqueFd> open_log() const;
  Async<Result<std::string>> read_to_end(UniqueFd pipe);
  /// Whether something that is no daemon listens at the place of its socket, and starts one for whoever comes.
  [[nodiscard]] Result<UniqueFd> knock() const;
  Async<Result<std::unique_ptr<client::Transport>>> reach(DaemonInfo daemon, Lends lends);
  /// Sends the signal when there is one to send (0: none), and waits until the process is gone.
  Async<Result<void>> end(DaemonInfo daemon, int signal);

  runtime::Loop& loop_;
  const config::Environment environment_;
  const DaemonProgram program_;
};

Result<UniqueFd> ProcessControl::open_log() const {
  TRY(const std::string file, log_file());
  TRY_OK(runtime::make_folders(file.substr(0, file.rfind('/'))));
  return telemetry::LogFile(file).open();
}

Result<daemon::TokenBook> ProcessControl::token_book() const {
  TRY(const config::Paths paths, config::find_paths(environment_));
  TRY_OK(runtime::make_folders(paths.state_dir));
  return daemon::TokenBook(paths.state_dir);
}

Result<std::string> ProcessControl::create_token(const std::string& scopes) {
  TRY(const protocol::Scopes wanted, protocol::Scopes::parse(scopes));
  TRY(const daemon::TokenBook book, token_book());
  base::SystemRandom random;
  TRY(daemon::TokenBook::Made made, book.create(wanted, loop_.unix_now(), random));
  return std::move(made.token);
}

Result<std::vector<client::TokenInfo>> ProcessControl::tokens() {
  TRY(const daemon::TokenBook book, token_book());
  TRY(const std::vector<daemon::TokenEntry> entries, book.list());
  std::vector<client::TokenInfo> infos;
  for (const daemon::TokenEntry& entry : entries) {
    infos.push_back({.id = entry.id, .scopes = entry.scopes.text(), .created_at = entry.created_at});
  }
  return infos;
}

Result<void> ProcessControl::remove_token(const std::string& id) {
  TRY(const daemon::TokenBook book, token_book());
  return book.remove(id);
}

Result<runtime::Child> ProcessControl::spawn(const client::Successor& what, int log, int ready) const {
  std::vector<std::string> argv = {program_.path, "daemon", "start", "--foreground"};
  if (!what.listen.empty()) argv.insert(argv.end(), {"--listen", what.listen});
  std::vector<std::string> env = daemon_environment(environment_);
  env.push_back(fmt::format("{}={}", kReadyVariable, kReadyFd));
  std::vector<std::pair<int, int>> fds = {{log, STDOUT_FILENO}, {log, STDERR_FILENO}, {ready, kReadyFd}};
  UniqueFd state;
  if (!what.state.empty()) {
    TRY(state, memory_file(what.state));
    fds.emplace_back(state.get(), kStateFd);
    env.push_back(fmt::format("{}={}", kHandedOverVariable, kStateFd));
  }
  return runtime::spawn(
      {.argv = std::move(argv), .env = std::move(env), .cwd = "/", .fds = std::move(fds), .new_session = true});
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

Result<UniqueFd> ProcessControl::knock() const {
  TRY(const config::Paths paths, config::find_paths(environment_));
  return runtime::connect_to(daemon_socket(paths));
}

Async<Result<std::unique_ptr<client::Transport>>> ProcessControl::reach(DaemonInfo daemon, Lends lends) {
  CO_TRY(UniqueFd socket, runtime::connect_to(daemon.socket));
  CO_TRY(const config::Paths paths, config::find_paths(environment_));
  // Where they are broken it is reached all the same: it holds to what was set before.
  const config::Loaded loaded = config::load(paths, environment_).value_or(config::Loaded());
  base::SystemRandom random;
  protocol::Hello hello{.client = "lathe", .client_id = base::short_id("cli", random)};
  if (lends == Lends::kItsOwn) {
    hello.environment = lent_environment(environment_, loaded.config);
    hello.process = runtime::told_process_context();
  }
  CO_TRY(auto transport, client::SocketTransport::create(loop_, std::move(socket), std::move(hello)));
  auto greeted = co_await transport->greeted(Deadline::after(loop_, kConnectPatience));
  if (greeted.ok()) co_return std::unique_ptr<client::Transport>(std::move(transport));
  co_await transport->close();
  co_return std::move(greeted).error();
}

Async<Result<std::optional<ConnectedDaemon>>> ProcessControl::connect_lending(Lends lends) {
  const Deadline deadline = Deadline::after(loop_, kConnectPatience);
  // Held open: whoever listens in the place of a daemon starts one for it.
  std::optional<UniqueFd> knocked;
  while (true) {
    const auto running = find();
    Error why{.code = base::codes::kUnavailable, .message = "nobody answers"};
    std::string who = "the daemon";
    if (!running.ok()) {
      why = running.error();
    } else if (*running && !(*running)->here) {
      co_return std::optional<ConnectedDaemon>();
    } else if (*running) {
      who = fmt::format("the daemon (process {}, at {})", (*running)->pid, (*running)->socket);
      auto transport = co_await reach(**running, lends);
      if (transport.ok()) {
        co_return std::optional(ConnectedDaemon{.daemon = **running, .transport = *std::move(transport)});
      }
      why = std::move(transport).error();
    } else if (!knocked) {
      auto answer = knock();
      if (!answer.ok()) co_return std::optional<ConnectedDaemon>();
      knocked = *std::move(answer);
    }
    if (!may_pass(why) || deadline.passed(loop_)) co_return takes_no_client(who, why);
    CO_TRY_OK(co_await loop_.sleep(kConnectInterval, CancelToken()));
  }
}

Async<Result<ConnectedDaemon>> ProcessControl::start_lending(client::Successor what, Lends lends) {
  const auto running = find();
  if (running.ok() && *running && !(*running)->here) co_return not_here(**running);
  CO_TRY(std::optional<ConnectedDaemon> before, co_await connect_lending(lends));
  if (before) co_return *std::move(before);
  CO_TRY(const UniqueFd log, open_log());
  CO_TRY(const std::string log_name, log_file());
  CO_TRY(runtime::Pipe pipe, runtime::make_pipe());
  CO_TRY(const runtime::Child child, spawn(what, log.get(), pipe.write_end.get()));
  pipe.write_end.reset();
  CO_TRY(const std::string text, co_await read_to_end(std::move(pipe.read_end)));
  Result<void> outcome = read_outcome(text, log_name);
  // Somebody else's daemon was faster.
  if (!outcome.ok() && outcome.error().code != base::codes::kExists) co_return std::move(outcome).error();
  CO_TRY(std::optional<ConnectedDaemon> connected, co_await connect_lending(lends));
  if (connected) co_return *std::move(connected);
  co_return Error{
      .code = base::codes::kUnavailable, .message = "the daemon ended at once", .hint = "lathe daemon logs"};
}

Async<Result<DaemonInfo>> ProcessControl::launch(client::Successor what) {
  const std::string listen = what.listen;
  std::optional<runtime::TcpAddress> wanted;
  if (!listen.empty()) {
    CO_TRY(wanted, listen_address(listen));
  }
  CO_TRY(const ConnectedDaemon started, co_await start_lending(std::move(what), Lends::kNothing));
  Result<protocol::DaemonStatusReply> status = protocol::DaemonStatusReply();
  if (wanted) status = co_await client::call_as(started.transport.get(), protocol::DaemonStatus{});
  co_await started.transport->close();
  if (!status.ok()) co_return std::move(status).error();
  if (!wanted || listens_at(status->listen, *wanted)) co_return started.daemon;
  co_return Error{.code = base::codes::kExists,
                  .message = fmt::format("the daemon (process {}) runs already, and does not listen at {}",
                                         started.daemon.pid, listen),
                  .hint = fmt::format("lathe daemon stop, then lathe daemon start --listen {}", listen)};
}

Async<Result<void>> ProcessControl::end(DaemonInfo daemon, int signal) {
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(daemon.pid), 0)));
  if (!handle && errno != ESRCH) co_return base::errno_error(errno, fmt::format("process {}", daemon.pid));
  // The lock is still that daemon's, so the pid was not a stranger's when it was opened.
  const auto now = find();
  if (!handle || !now.ok() || *now != daemon) co_return Result<void>();
  runtime::FdWatch gone(loop_, handle.get());
  if (signal != 0 && ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) != 0 && errno != ESRCH) {
    co_return base::errno_error(errno, fmt::format("end process {}", daemon.pid));
  }
  auto ended = co_await gone.readable(CancelToken(), Deadline::after(loop_, kStopPatience));
  if (ended.ok()) co_return Result<void>();
  co_return std::move(ended).error().within(fmt::format("process {} does not end", daemon.pid));
}

Async<Result<bool>> ProcessControl::stop() {
  CO_TRY(const auto running, find());
  if (!running) co_return false;
  if (!running->here) co_return not_here(*running);
  CO_TRY_OK(co_await end(*running, SIGTERM));
  co_return true;
}

Async<Result<std::optional<client::Successor>>> ProcessControl::have_it_hand_over() {
  std::optional<client::Successor> nothing;
  auto old = co_await connect();
  // One that takes no client is ended without a word.
  if (!old.ok() || !*old) co_return nothing;
  auto handed = co_await client::call_as((*old)->transport.get(), protocol::DaemonHandOver{});
  co_await (*old)->transport->close();
  // Of an older version that does not know how.
  if (!handed.ok() && handed.error().code == protocol::error_codes::kUnknownCall) co_return nothing;
  if (!handed.ok()) co_return std::move(handed).error();
  CO_TRY_OK(co_await wait_for_end((*old)->daemon));
  co_return std::optional(client::Successor{.listen = std::move(handed->listen), .state = std::move(handed->state)});
}

Async<Result<ConnectedDaemon>> ProcessControl::restart() {
  const auto running = find();
  if (running.ok() && *running && !(*running)->here) co_return not_here(**running);
  CO_TRY(std::optional<client::Successor> successor, co_await have_it_hand_over());
  CO_TRY_OK(co_await stop());
  co_return co_await start(std::move(successor).value_or(client::Successor()));
}

Async<Result<void>> ProcessControl::wait_for_end(DaemonInfo daemon) { return end(std::move(daemon), 0); }

}  // namespace

std::unique_ptr<client::DaemonControl> make_daemon_control(runtime::Loop& loop, config::Environment environment,
                                                           DaemonProgram program) {
  return std::make_unique<ProcessControl>(loop, std::move(environment), std::move(program));
}

}  // namespace lathe::apps
