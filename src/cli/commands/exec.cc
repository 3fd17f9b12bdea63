#include <fmt/format.h>

#include <utility>

#include "lathe/cli/commands/command.h"
#include "lathe/cli/foreground.h"
#include "lathe/cli/prompt_input.h"
#include "lathe/cli/task_setup.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

Async<Result<ExitCode>> run_exec(Context* context, client::Transport* engine, ExecOptions options, p::UserInput input,
                                 runtime::Deadline deadline) {
  Foreground foreground(*context, options.task, deadline);
  CO_TRY(const std::string session,
         co_await enter_session(context, engine, options.task, options.resume, options.fork));
  CO_TRY(const p::Ack ack, co_await engine->submit(session, std::move(input)));
  co_return co_await foreground.follow(engine, session, ack.seq - 1);
}

}  // namespace

CommandResult execute(Context* context, ExecOptions options) {
  CO_TRY(std::string prompt, read_prompt(*context, options.prompt));
  CO_TRY(p::UserInput input, user_input(options.task, std::move(prompt)));
  const auto deadline = options.task.timeout ? runtime::Deadline::after(context->loop, *options.task.timeout)
                                             : runtime::Deadline::never();
  CO_TRY(const auto engine, context->open(open_options(options.task)));
  Result<ExitCode> code = co_await run_exec(context, engine.get(), std::move(options), std::move(input), deadline);
  co_await engine->close();
  co_return code;
}

}  // namespace lathe::cli
