#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/log_line.h"
#include "lathe/cli/render/table.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

using base::Json;
using base::Result;
using client::ConnectedDaemon;
using client::DaemonInfo;
using runtime::Async;

namespace {

/// Between two looks at a log that is followed.
constexpr base::Millis kFollowInterval{200};

ExitCode say_started(Context* context, const DaemonInfo& daemon) {
  context->note(fmt::format("the daemon runs, as process {}", daemon.pid));
  return kDone;
}

struct StatusAnswers {
  protocol::DaemonStatusReply status;
  /// Nothing from a daemon of a version that tells none.
  std::optional<protocol::VitalsReply> vitals;
};

/// What it does; asked only of one that runs here.
Async<Result<StatusAnswers>> ask_status(Context* context) {
  CO_TRY(const auto connected, co_await context->frontend.daemon->connect());
  if (!connected) {
    co_return base::Error{.code = base::codes::kUnavailable, .message = "the daemon has just ended"};
  }
  auto status = co_await client::call_as(connected->transport.get(), protocol::DaemonStatus{});
  auto vitals = co_await client::call_as(connected->transport.get(), protocol::Vitals{});
  co_await connected->transport->close();
  if (!status.ok()) co_return std::move(status).error();
  StatusAnswers answers{.status = *std::move(status), .vitals = std::nullopt};
  if (vitals.ok()) {
    answers.vitals = *std::move(vitals);
    co_return answers;
  }
  // An older daemon has none.
  if (vitals.error().code == protocol::error_codes::kUnknownCall) co_return answers;
  co_return std::move(vitals).error();
}

Json document_of(const protocol::ReplyMsg& reply) {
  return base::parse_json(reply_document(reply)).value_or(Json::object());
}

std::string status_document(const DaemonInfo& daemon, const StatusAnswers* answers) {
  Json document{{"running", true},
                {"pid", daemon.pid},
                {"socket", daemon.socket},
                {"version", daemon.version},
                {"started_at", daemon.started_at},
                {"here", daemon.here}};
  if (answers != nullptr) document.update(document_of(answers->status));
  if (answers != nullptr && answers->vitals) document["vitals"] = document_of(*answers->vitals);
  return base::dump_json(document);
}

void tell_vitals(Context* context, const protocol::VitalsReply& vitals) {
  const protocol::ProcessVitals& process = vitals.process;
  context->out.line(fmt::format("{} of memory, {:.1f} s of processor time, {} open files, {} keepers",
                                bytes_label(process.memory_bytes), static_cast<double>(process.cpu_ms) / 1e3,
                                process.open_files, vitals.keepers));
  context->out.line(fmt::format("{} of {} free for the data root", bytes_label(process.disk_free_bytes),
                                bytes_label(process.disk_size_bytes)));
  const protocol::SessionCounts& sessions = vitals.sessions;
  context->out.line(fmt::format(
      "sessions: {} idle, {} running, {} parked, {} interrupted, {} damaged; {} open questions", sessions.idle,
      sessions.running, sessions.parked, sessions.interrupted, sessions.damaged, vitals.open_questions));
}

void tell_status(Context* context, const DaemonInfo& daemon, const StatusAnswers* answers) {
  context->out.line(fmt::format("process {}{}, version {}, started {}", daemon.pid,
                                daemon.here ? "" : " of another container", daemon.version,
                                age_label(daemon.started_at, context->loop.unix_now())));
  context->out.line("socket " + daemon.socket);
  if (answers == nullptr) return;
  const protocol::DaemonStatusReply* const status = &answers->status;
  if (!status->settings_problem.empty()) {
    context->out.line(base::terminal_safe("what was set before holds: " + status->settings_problem));
  }
  if (answers->vitals) tell_vitals(context, *answers->vitals);
  if (!status->listen.empty()) context->out.line("TCP and HTTP " + status->listen);
  // This command is one of them.
  context->out.line(fmt::format("{} other clients, {} open sessions", status->clients - 1, status->sessions.size()));
  for (const protocol::SessionInfo& session : status->sessions) {
    context->out.line(base::terminal_safe(
        fmt::format("  {}  {}  {}", session.session_id, protocol::name_of(session.state), session.title)));
  }
}

/// What is read of a log: whole lines, as they are or for a person.
struct LogReader {
  Output& out;
  bool as_json = false;
  /// Of a line whose end is not there yet.
  std::string rest = {};

  void take(std::string_view bytes) {
    rest += bytes;
    std::size_t begin = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      const std::string_view line = std::string_view(rest).substr(begin, end - begin);
      if (as_json) {
        out.line(line);
      } else {
        out.add(log_line_text(line));
      }
      begin = end + 1;
    }
    rest.erase(0, begin);
  }
};

/// Adds what stands behind the last read.
Result<void> read_on(int file, LogReader* reader) {
  std::string buffer(64U << 10, '\0');
  while (true) {
    const ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno != EINTR) return base::errno_error(errno, "the daemon's log");
    if (got == 0) return {};
    if (got > 0) reader->take(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
  }
}

/// A daemon puts a long log aside and begins another one.
bool is_another(int file, const std::string& path) {
  struct stat mine{};
  struct stat there{};
  return ::fstat(file, &mine) == 0 && ::stat(path.c_str(), &there) == 0 && mine.st_ino != there.st_ino;
}

}  // namespace

CommandResult execute(Context* context, DaemonStartOptions options) {
  if (!options.foreground) {
    CO_TRY(const DaemonInfo daemon, co_await context->frontend.daemon->launch({.listen = std::move(options.listen)}));
    co_return say_started(context, daemon);
  }
  CO_TRY_OK(co_await context->frontend.daemon->run(std::move(options.listen)));
  co_return kDone;
}

CommandResult execute(Context* context, DaemonStopOptions) {
  CO_TRY(const bool ended, co_await context->frontend.daemon->stop());
  context->note(ended ? "the daemon has ended" : "no daemon runs");
  co_return kDone;
}

CommandResult execute(Context* context, DaemonRestartOptions) {
  CO_TRY(const ConnectedDaemon started, co_await context->frontend.daemon->restart());
  co_await started.transport->close();
  co_return say_started(context, started.daemon);
}

CommandResult execute(Context* context, DaemonInstallOptions) {
  CO_TRY(const std::vector<std::string> files, context->frontend.daemon->install());
  for (const std::string& file : files) context->out.line(file);
  context->note("now: systemctl --user daemon-reload && systemctl --user enable --now lathe.socket");
  co_return kDone;
}

CommandResult execute(Context* context, DaemonStatusOptions options) {
  CO_TRY(const auto daemon, context->frontend.daemon->find());
  if (!daemon) {
    if (options.json) context->out.line(base::dump_json(Json{{"running", false}}));
    if (!options.json) context->note("no daemon runs (lathe daemon start)");
    co_return kUsage;
  }
  std::optional<Result<StatusAnswers>> status;
  if (daemon->here) status = co_await ask_status(context);
  const StatusAnswers* reply = status && status->ok() ? &**status : nullptr;
  if (options.json) {
    context->out.line(status_document(*daemon, reply));
  } else {
    tell_status(context, *daemon, reply);
  }
  if (status) CO_TRY_OK(*status);
  co_return kDone;
}

CommandResult execute(Context* context, DaemonTokenCreateOptions options) {
  CO_TRY(const std::string token, context->frontend.daemon->create_token(options.scopes));
  context->out.line(token);
  context->note("it is shown this once (lathe daemon token list)");
  co_return kDone;
}

CommandResult execute(Context* context, DaemonTokenListOptions options) {
  CO_TRY(const std::vector<client::TokenInfo> tokens, context->frontend.daemon->tokens());
  Json list = Json::array();
  for (const client::TokenInfo& token : tokens) {
    if (!options.json) {
      context->out.line(
          fmt::format("{}  {}  {}", token.id, token.scopes, age_label(token.created_at, context->loop.unix_now())));
    }
    list.push_back(Json{{"id", token.id}, {"scopes", token.scopes}, {"created_at", token.created_at}});
  }
  if (options.json) context->out.line(base::dump_json(Json{{"tokens", std::move(list)}}));
  co_return kDone;
}

CommandResult execute(Context* context, DaemonTokenRemoveOptions options) {
  CO_TRY_OK(context->frontend.daemon->remove_token(options.id));
  co_return kDone;
}

CommandResult execute(Context* context, DaemonLogsOptions options) {
  CO_TRY(const std::string path, context->frontend.daemon->log_file());
  CO_TRY(base::UniqueFd file, runtime::open_file(path, O_RDONLY));
  LogReader reader{.out = context->out, .as_json = options.json};
  while (true) {
    CO_TRY_OK(read_on(file.get(), &reader));
    if (!options.follow) co_return kDone;
    CO_TRY_OK(co_await context->out.flush({}));
    if (is_another(file.get(), path)) {
      CO_TRY_OK(read_on(file.get(), &reader));  // what came before it was put aside
      CO_TRY(file, runtime::open_file(path, O_RDONLY));
      continue;
    }
    CO_TRY_OK(co_await context->loop.sleep(kFollowInterval, runtime::CancelToken()));
  }
}

}  // namespace lathe::cli
