#include "lathe/apps/daemon_reach.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "lathe/apps/refused_place.h"
#include "lathe/apps/settings_print.h"
#include "lathe/client/lasting_transport.h"
#include "lathe/config/settings.h"

namespace lathe::apps {

using base::Result;
using client::ConnectedDaemon;
using runtime::Async;
using TransportResult = Result<std::unique_ptr<client::Transport>>;

namespace {

/// Ends it when nobody needs it. False: it goes on.
Async<Result<bool>> replace_unused(client::DaemonControl* control, ConnectedDaemon* old) {
  const auto stopped = co_await old->transport->call(protocol::DaemonStop{.if_unused = true});
  if (!stopped.ok()) co_return false;
  co_await old->transport->close();
  CO_TRY_OK(co_await control->wait_for_end(old->daemon));
  co_return true;
}

/// Its files may have changed a moment ago.
Async<void> have_it_reload(client::DaemonControl* control, ConnectedDaemon* connected) {
  // What is wrong with them was told when this process read them, and an older daemon has no such call.
  (void)co_await connected->transport->call(protocol::DaemonReload{});
  auto now = control->find();
  if (now.ok() && *now && (*now)->pid == connected->daemon.pid) connected->daemon = **std::move(now);
}

/// As an engine in this process does.
void tell_all(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) std::fprintf(stderr, "lathe: warning: %s\n", warning.c_str());
}

Async<TransportResult> connect_again(client::DaemonControl* control) {
  CO_TRY(std::optional<ConnectedDaemon> connected, co_await control->connect());
  if (!connected) co_return std::unique_ptr<client::Transport>();
  co_return std::move(connected->transport);
}

std::unique_ptr<client::Transport> stay_connected(runtime::Loop* loop, client::DaemonControl* control,
                                                  std::unique_ptr<client::Transport> first) {
  return std::make_unique<client::LastingTransport>(*loop, std::move(first),
                                                    [control] { return connect_again(control); });
}

Async<TransportResult> work_without(ConnectedDaemon other) {
  std::fprintf(stderr,
               "lathe: the daemon (process %lld) has other settings and is in use, so this works without it (lathe "
               "daemon restart)\n",
               static_cast<long long>(other.daemon.pid));
  co_await other.transport->close();
  co_return std::unique_ptr<client::Transport>();
}

/// Whether it is the person's files that are broken, whatever the variables say.
bool files_are_broken(const config::Paths& paths, config::Environment environment) {
  for (const config::SettingSpec& spec : config::setting_specs())
    environment.variables.erase(config::variable_of(spec));
  return !config::load(paths, environment).ok();
}

/// One that runs holds to what was set before the files broke; nothing where none runs here.
Async<TransportResult> go_on_with_running(runtime::Loop* loop, client::DaemonControl* control, base::Error broken) {
  const auto running = control->find();
  if (!running.ok() || !*running || !(*running)->here) co_return std::unique_ptr<client::Transport>();
  auto connected = co_await control->connect();
  if (!connected.ok() || !*connected) co_return std::unique_ptr<client::Transport>();
  tell_all({broken.text() + "; the daemon goes by what was set before"});
  co_return stay_connected(loop, control, std::move((*connected)->transport));
}

/// A daemon would be of use, but nothing needs one. What is broken in the person's files is told by whoever reads them.
Async<TransportResult> work_without_starting(base::Error why) {
  if (why.code != base::codes::kInvalid) {
    tell_all({"the daemon does not start: " + why.text() + "; this works without it"});
  }
  co_return std::unique_ptr<client::Transport>();
}

}  // namespace

Async<TransportResult> reach_daemon(runtime::Loop* loop, client::DaemonControl* control,
                                    const config::Environment* environment, std::string version) {
  CO_TRY(const config::Paths paths, config::find_paths(*environment));
  auto read = config::load(paths, *environment);
  if (!read.ok() && files_are_broken(paths, *environment)) {
    CO_TRY(auto transport, co_await go_on_with_running(loop, control, read.error()));
    if (transport) co_return transport;
  }
  // An engine in this process tells what is broken, and does what can be done all the same.
  if (!read.ok()) co_return std::unique_ptr<client::Transport>();
  const config::Loaded loaded = *std::move(read);
  const bool may_start = loaded.config.daemon_auto_start == "always";
  const std::string settings = settings_print(paths, loaded);
  const auto running = control->find();
  const bool elsewhere = running.ok() && *running && !(*running)->here;
  if (elsewhere) co_return std::unique_ptr<client::Transport>();
  auto reached = co_await control->connect();
  if (!reached.ok()) co_return refused_place(reached.error());
  std::optional<ConnectedDaemon> connected = *std::move(reached);
  if (connected) {
    if (connected->daemon.settings != settings) co_await have_it_reload(control, &*connected);
    const bool same_settings = connected->daemon.settings == settings;
    bool ended = false;
    if (may_start && !(same_settings && connected->daemon.version == version)) {
      CO_TRY(ended, co_await replace_unused(control, &*connected));
    }
    if (!ended && same_settings) {
      tell_all(loaded.warnings);
      co_return stay_connected(loop, control, std::move(connected->transport));
    }
    if (!ended) co_return co_await work_without(*std::move(connected));
  }
  if (!may_start) co_return std::unique_ptr<client::Transport>();
  auto started = co_await control->start({});
  if (!started.ok()) co_return co_await work_without_starting(std::move(started).error());
  if (started->daemon.settings != settings) co_return co_await work_without(*std::move(started));
  tell_all(loaded.warnings);
  co_return stay_connected(loop, control, std::move(started->transport));
}

}  // namespace lathe::apps
