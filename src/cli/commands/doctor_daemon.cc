#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "lathe/base/strings.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/commands/doctor.h"
#include "lathe/cli/render/table.h"

namespace lathe::cli {

using base::Result;
using client::DaemonInfo;
using runtime::Async;

namespace {

using State = Finding::State;

/// With less, work soon stops; with this little, it does.
constexpr std::int64_t kLittleDisk = 512LL << 20;
constexpr std::int64_t kNoDisk = 64LL << 20;

/// Whoever can write to the socket can tell agents what to do: nobody else may.
void check_socket(const DaemonInfo& daemon, std::vector<Finding>* findings) {
  struct stat socket{};
  if (::stat(daemon.socket.c_str(), &socket) != 0) {
    findings->push_back(
        {State::kBroken, "daemon socket", base::errno_error(errno, daemon.socket).message, "lathe daemon restart"});
    return;
  }
  constexpr mode_t kOthers = 077;
  if (socket.st_uid == ::geteuid() && (socket.st_mode & kOthers) == 0) {
    findings->push_back({State::kGood, "daemon socket", daemon.socket + ", yours alone", ""});
    return;
  }
  findings->push_back(
      {State::kBroken, "daemon socket",
       fmt::format("{} is open to others (mode {:o}, user {})", daemon.socket, socket.st_mode & 0777U, socket.st_uid),
       "chmod 600 " + base::shell_quote(daemon.socket)});
}

/// After an edit that cannot be read the daemon works on by what was set before, which nobody sees in the files.
void check_settings(const Context& context, const protocol::DaemonStatusReply& status, std::vector<Finding>* findings) {
  const std::string& problem = status.settings_problem;
  if (problem.empty()) {
    findings->push_back({State::kGood, "daemon settings", "as your files say", ""});
    return;
  }
  findings->push_back({State::kBroken, "daemon settings", "what was set before holds until this is mended: " + problem,
                       mend_of_problem(context, problem)});
}

Async<void> check_metrics(Context* context, std::string listen, std::vector<Finding>* findings) {
  if (listen.empty()) co_return;
  const Result<void> served = co_await context->frontend.check_metrics(listen);
  if (served.ok()) {
    findings->push_back({State::kGood, "metrics", "http://" + listen + "/metrics, with a token of the scope read", ""});
  } else {
    findings->push_back({State::kWarning, "metrics", served.error().text(), "lathe daemon restart"});
  }
}

Async<void> check_running(Context* context, DaemonInfo daemon, std::vector<Finding>* findings) {
  auto connected = co_await context->frontend.daemon->connect();
  if (!connected.ok()) {
    findings->push_back({State::kBroken, "daemon", connected.error().text(), "lathe daemon restart"});
    co_return;
  }
  if (!*connected) co_return;  // it has just ended
  const auto vitals = co_await client::call_as((*connected)->transport.get(), protocol::Vitals{});
  const auto status = co_await client::call_as((*connected)->transport.get(), protocol::DaemonStatus{});
  co_await (*connected)->transport->close();
  if (vitals.ok()) {
    findings->push_back({State::kGood, "daemon",
                         fmt::format("process {} answers, {} of memory, {} open sessions, {} keepers", daemon.pid,
                                     bytes_label(vitals->process.memory_bytes), vitals->open_sessions, vitals->keepers),
                         ""});
  } else {
    findings->push_back({State::kWarning, "daemon", vitals.error().text(), "lathe daemon restart"});
  }
  if (status.ok()) check_settings(*context, *status, findings);
  check_socket(daemon, findings);
  if (status.ok()) co_await check_metrics(context, status->listen, findings);
}

void check_log(Context* context, std::vector<Finding>* findings) {
  const Result<std::string> log = context->frontend.daemon->log_file();
  if (!log.ok()) return;  // the configuration's fault, which is told
  const std::string folder = log->substr(0, log->rfind('/'));
  // One that is not there yet is made in its folder.
  const bool is_there = ::access(log->c_str(), F_OK) == 0;
  if (::access(is_there ? log->c_str() : folder.c_str(), W_OK) == 0) {
    findings->push_back({State::kGood, "daemon log", *log, ""});
  } else {
    findings->push_back({State::kBroken, "daemon log", base::errno_error(errno, *log).message,
                         fmt::format("chmod u+w {}", base::shell_quote(is_there ? *log : folder))});
  }
}

Async<void> check_spans(Context* context, std::vector<Finding>* findings) {
  const auto collector = co_await context->frontend.check_collector();
  if (!collector.ok()) {
    findings->push_back({State::kWarning, "collector", collector.error().text(), "lathe config set otlp.endpoint URL"});
  } else if (*collector) {
    findings->push_back({State::kGood, "collector", **collector + " takes spans", ""});
  }
}

void check_disk(Context* context, std::vector<Finding>* findings) {
  const auto paths = config::find_paths(context->frontend.environment);
  struct statvfs disk{};
  if (!paths.ok() || ::statvfs(paths->state_dir.c_str(), &disk) != 0) return;
  const auto free = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
  const State state = free < kNoDisk ? State::kBroken : free < kLittleDisk ? State::kWarning : State::kGood;
  findings->push_back({state, "disk", bytes_label(free) + " free for the data root",
                       state == State::kGood
                           ? ""
                           : "lathe session rm ID (lathe session list shows them, du -xh " +
                                 base::shell_quote(paths->state_dir) + " | sort -h the largest folders)"});
}

}  // namespace

Async<void> check_daemon_settings(Context* context, std::vector<Finding>* findings) {
  auto connected = co_await context->frontend.daemon->connect();
  // What is wrong with the daemon itself is told once the files are mended.
  if (!connected.ok() || !*connected) co_return;
  const auto status = co_await client::call_as((*connected)->transport.get(), protocol::DaemonStatus{});
  co_await (*connected)->transport->close();
  if (status.ok() && !status->settings_problem.empty()) check_settings(*context, *status, findings);
}

Async<void> check_daemon(Context* context, std::vector<Finding>* findings) {
  const auto found = context->frontend.daemon->find();
  if (!found.ok()) {
    findings->push_back({State::kWarning, "daemon", found.error().text(), "lathe daemon restart"});
  } else if (!*found) {
    findings->push_back({State::kGood, "daemon", "none runs", ""});
  } else if (!(*found)->here) {
    findings->push_back(
        {State::kWarning, "daemon",
         fmt::format("process {} of another container or PID namespace has the data root", (*found)->pid),
         "lathe doctor --embedded"});
  } else {
    co_await check_running(context, **found, findings);
  }
  check_log(context, findings);
  co_await check_spans(context, findings);
  check_disk(context, findings);
}

}  // namespace lathe::cli
