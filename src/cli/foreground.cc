#include "lathe/cli/foreground.h"

#include <fmt/format.h>

#include <utility>

#include "lathe/runtime/files.h"

namespace lathe::cli {

using base::Result;
using runtime::Async;

Foreground::Foreground(Context& context, const TaskOptions& task, runtime::Deadline deadline)
    : context_(context),
      task_(task),
      deadline_(deadline),
      view_(make_view(context, task.json)),
      screen_(context),
      stops_(context),
      asker_(context) {}

Async<Result<ExitCode>> Foreground::follow(client::Transport* engine, std::string session, std::int64_t after_seq) {
  const bool asks = task_.ask == Ask::kTty || (task_.ask == Ask::kAuto && TerminalAsker::available(context_));
  TaskFollower follower(context_, {.transport = engine,
                                   .session = std::move(session),
                                   .after_seq = after_seq,
                                   .view = view_.get(),
                                   .screen = &screen_,
                                   .stops = &stops_,
                                   .asker = asks ? &asker_ : nullptr,
                                   .deadline = deadline_,
                                   .hint = "Ctrl-C to stop"});
  CO_TRY(const TaskEnd end, co_await follower.run());
  if (!task_.output_last_message.empty()) CO_TRY_OK(write_last_message(end.last_message));
  tell_how_to_answer(end);
  co_return end.code;
}

Result<void> Foreground::write_last_message(const std::string& text) const {
  return runtime::replace_file(task_.output_last_message, text, 0644, runtime::Durability::kProcess)
      .within("--output-last-message " + task_.output_last_message);
}

void Foreground::tell_how_to_answer(const TaskEnd& end) const {
  for (const TaskEnd::Waiting& waiting : end.questions) {
    context_.note("the task waits for an answer: " + how_to_answer(waiting));
  }
}

}  // namespace lathe::cli
