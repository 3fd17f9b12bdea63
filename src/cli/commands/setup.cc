#include <fmt/format.h>

#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/commands/setup_dialog.h"
#include "lathe/cli/term/terminal.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

/// Tells what there is now, and gives the names that are configured.
Async<Result<std::vector<std::string>>> show_backends(Context* context, client::Transport* engine) {
  CO_TRY(const auto list, co_await client::call_as(engine, p::BackendList{}));
  std::vector<std::string> configured;
  for (const p::BackendInfo& backend : list.backends) {
    if (backend.origin == "config") configured.push_back(backend.name);
    context->note(
        fmt::format("there is {} ({}, from {}) at {}", backend.name, backend.type, backend.origin, backend.url));
  }
  co_return configured;
}

Async<Result<ExitCode>> test_backend(Context* context, std::string name) {
  CO_TRY(const auto engine, co_await context->open({}));
  const auto tested = co_await client::call_as(engine.get(), p::BackendTest{.backend = name});
  co_await engine->close();
  if (!tested.ok()) {
    context->note(fmt::format("backend {} does not answer yet: {}", name, tested.error().text()));
    context->note("it is kept; try again with: lathe backend test " + base::shell_quote(name));
    co_return kBroken;
  }
  context->note(fmt::format("backend {} answers: {} models, first byte after {}", name, tested->models,
                            base::format_duration(std::chrono::milliseconds(tested->latency_ms))));
  context->note("now: lathe exec \"what is in this folder?\"");
  co_return kDone;
}

}  // namespace

CommandResult execute(Context* context, SetupOptions) {
  if (!is_terminal(context->frontend.in_fd)) {
    co_return base::Error{.code = base::codes::kInvalid,
                          .message = "setup asks questions, and stdin is not a terminal",
                          .hint = "lathe backend add NAME --type TYPE --default"};
  }
  CO_TRY(const config::Paths paths, config::find_paths(context->frontend.environment));
  CO_TRY(const auto engine, co_await context->open({}));
  const Result<std::vector<std::string>> shown = co_await show_backends(context, engine.get());
  co_await engine->close();
  CO_TRY_OK(shown);
  SetupDialog dialog(*shown);
  while (!dialog.done()) {
    context->err.add(dialog.question() + " ");
    CO_TRY_OK(co_await context->err.flush({}));
    CO_TRY(const std::string line, read_line(context->frontend.in_fd));
    if (auto refused = dialog.answer(base::trim(line)); !refused.ok()) context->note(refused.error().text());
  }
  const config::Backend backend = dialog.backend();
  CO_TRY_OK(config::add_backend(paths, backend));
  CO_TRY_OK(make_default_backend(*context, paths, backend.name));
  context->note(fmt::format("backend {} is in {}", backend.name, paths.config_file));
  co_return co_await test_backend(context, backend.name);
}

}  // namespace lathe::cli
