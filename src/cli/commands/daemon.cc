#include <fmt/format.h>

#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/table.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

using base::Json;
using client::DaemonInfo;

CommandResult execute(Context* context, DaemonStartOptions options) {
  if (options.foreground) {
    CO_TRY_OK(co_await context->frontend.daemon->run());
    co_return kDone;
  }
  CO_TRY(const DaemonInfo daemon, co_await context->frontend.daemon->start());
  context->note(fmt::format("the daemon runs, as process {}", daemon.pid));
  co_return kDone;
}

CommandResult execute(Context* context, DaemonStopOptions) {
  CO_TRY(const bool ended, co_await context->frontend.daemon->stop());
  context->note(ended ? "the daemon has ended" : "no daemon runs");
  co_return kDone;
}

CommandResult execute(Context* context, DaemonStatusOptions options) {
  CO_TRY(const auto daemon, context->frontend.daemon->find());
  if (options.json) {
    Json document{{"running", daemon.has_value()}};
    if (daemon) {
      document.update(Json{{"pid", daemon->pid},
                           {"socket", daemon->socket},
                           {"version", daemon->version},
                           {"started_at", daemon->started_at},
                           {"here", daemon->here}});
    }
    context->out.line(base::dump_json(document));
  } else if (!daemon) {
    context->note("no daemon runs (lathe daemon start)");
  } else {
    context->out.line(fmt::format("process {}{}, version {}, started {}", daemon->pid,
                                  daemon->here ? "" : " of another container", daemon->version,
                                  age_label(daemon->started_at, context->loop.unix_now())));
    context->out.line("socket " + daemon->socket);
  }
  co_return daemon ? kDone : kUsage;
}

CommandResult execute(Context* context, DaemonLogsOptions) {
  CO_TRY(const std::string file, context->frontend.daemon->log_file());
  CO_TRY(const std::string text, runtime::read_file(file));
  context->out.add(text);
  co_return kDone;
}

}  // namespace lathe::cli
