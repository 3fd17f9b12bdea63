#include <fmt/format.h>

#include <utility>

#include "lathe/cli/commands/command.h"
#include "lathe/cli/foreground.h"
#include "lathe/cli/prompt_input.h"
#include "lathe/cli/task_setup.h"
#include "lathe/client/records.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

/// Nothing was said, which only a parked Task takes: it goes on with the answers that it has. `refusal` is why there is
/// no prompt.
Async<Result<void>> check_parked(client::Transport* engine, std::string session, base::Error refusal) {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, std::move(session)));
  if (info.state != p::SessionState::kParked) co_return refusal;
  co_return Result<void>();
}

Async<Result<ExitCode>> run_exec(Context* context, client::Transport* engine, ExecOptions options, p::UserInput input,
                                 Result<void> prompted, runtime::Deadline deadline) {
  if (!prompted.ok()) CO_TRY_OK(co_await check_parked(engine, options.resume, prompted.error()));
  Foreground foreground(*context, options.task, deadline);
  // What is to be said after an older Turn is not for a Task that runs after a newer one.
  Entry entry{.resume = options.resume,
              .fork = options.fork,
              .fork_at = options.fork ? options.from : "",
              .busy = options.from.empty() ? Busy::kSteer : Busy::kReplace};
  CO_TRY(const Entered entered, co_await enter_session(context, engine, options.task, std::move(entry)));
  const Result<p::Ack> ack = co_await engine->submit(entered.session, std::move(input));
  if (!ack.ok()) {
    co_await take_back(engine, entered, ack.error());
    co_return ack.error();
  }
  co_return co_await foreground.follow(engine, entered.session, ack->seq - 1, entered.recovered_after);
}

}  // namespace

CommandResult execute(Context* context, ExecOptions options) {
  Result<std::string> prompt = read_prompt(*context, options);
  const bool may_go_on =
      !options.resume.empty() && !options.fork && options.from.empty() && options.task.images.empty();
  if (!prompt.ok() && !(may_go_on && prompt.error().code == base::codes::kInvalid)) co_return prompt.error();
  CO_TRY(p::UserInput input, user_input(options.task, prompt.value_or("")));
  Result<void> prompted;
  if (!prompt.ok()) {
    prompted = prompt.error();
    input.items.clear();
  }
  if (!options.from.empty() && !options.fork) {
    input.last_response_id = options.from;
    input.if_busy = p::IfBusy::kReplace;
  }
  CO_TRY_OK(check_output_files(options.task));
  const runtime::Deadline deadline = task_deadline(context->loop, options.task);
  CO_TRY(client::OpenOptions open, open_options(options.task));
  CO_TRY(const auto engine, co_await context->open(std::move(open)));
  Result<ExitCode> code =
      co_await run_exec(context, engine.get(), std::move(options), std::move(input), std::move(prompted), deadline);
  co_await engine->close();
  co_return code;
}

}  // namespace lathe::cli
