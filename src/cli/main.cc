#include "lathe/cli/main.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "lathe/base/utf8.h"
#include "lathe/cli/command_line.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/exit_codes.h"
#include "lathe/cli/next_step.h"

namespace lathe::cli {

using base::Result;
using runtime::Async;

namespace {

template <class T>
concept NeedsEngine =
    requires(Context* context, client::Transport* engine, T options) { execute(context, engine, std::move(options)); };

/// Commands about what is there already. A broken configuration is about what will run.
template <class T>
constexpr bool kRecordsOnly =
    std::is_same_v<T, WatchOptions> || std::is_same_v<T, SessionListOptions> || std::is_same_v<T, SessionShowOptions> ||
    std::is_same_v<T, SessionSearchOptions> || std::is_same_v<T, SessionExportOptions> ||
    std::is_same_v<T, SessionArchiveOptions> || std::is_same_v<T, SessionTagOptions> ||
    std::is_same_v<T, SessionMarkReadOptions> || std::is_same_v<T, SessionRemoveOptions> ||
    std::is_same_v<T, ApprovalListOptions> || std::is_same_v<T, UsageOptions> || std::is_same_v<T, IndexRebuildOptions>;

template <class T>
CommandResult execute_one(Context* context, T options) {
  if constexpr (NeedsEngine<T>) {
    CO_TRY(const auto engine, co_await context->open({.records_only = kRecordsOnly<T>}));
    Result<ExitCode> code = co_await execute(context, engine.get(), std::move(options));
    co_await engine->close();
    co_return code;
  } else {
    co_return co_await execute(context, std::move(options));
  }
}

/// What a command printed counts: a reader that went away ends it quietly, a full disk is an error.
Async<ExitCode> execute_and_report(Context* context, Options options) {
  Result<ExitCode> code = co_await std::visit(
      [context](auto chosen) { return execute_one(context, std::move(chosen)); }, std::move(options));
  Result<void> written = co_await context->out.flush({});
  const bool reader_gone = !written.ok() && written.error().code == base::codes::kUnavailable;
  if (reader_gone && !code.ok() && code.error() == written.error()) {
    code = kDone;  // it met the loss while it printed
  } else if (code.ok() && !written.ok() && !reader_gone) {
    code = std::move(written).error();
  }
  if (!code.ok()) context->err.line("lathe: " + base::terminal_safe(told(code.error())));
  (void)co_await context->err.flush({});
  co_return code.ok() ? *code : exit_code_of(code.error());
}

}  // namespace

CommandResult execute(Context* context, PrintOptions options) {
  context->out.add(options.text);
  co_return kDone;
}

int run(const std::vector<std::string>& args, Frontend& frontend) {
  Context context(frontend);
  Result<CommandLine> line = parse(args, frontend.version);
  if (!line.ok()) {
    context.note("lathe: " + line.error().text());
    (void)frontend.loop.block_on(context.err.flush({}));
    return kUsage;
  }
  context.embedded = line->embedded;
  return frontend.loop.block_on(execute_and_report(&context, std::move(line->options)));
}

}  // namespace lathe::cli
