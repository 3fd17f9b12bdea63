#include "lathe/cli/foreground.h"

#include <fcntl.h>
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
      view_(make_view(context, task.json, task.output_schema.empty() ? Answers::kAsTheyCome : Answers::kFinalOnly)),
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
  if (!task_.output_last_message.empty() && end.code == kDone) CO_TRY_OK(write_last_message(end.last_message));
  if (end.code == kTimedOut) context_.note("the time is over (--timeout)");
  tell_how_to_answer(end);
  // They belong to the session, which ends with this process.
  for (const auto& [job, command] : end.jobs) context_.note(fmt::format("ending background job {}: {}", job, command));
  co_return end.code;
}

Result<void> Foreground::write_last_message(const std::string& text) const {
  // As a shell redirects: links are followed, and a pipe or device is written to.
  const std::string name = "--output-last-message " + task_.output_last_message;
  TRY(const base::UniqueFd file,
      runtime::open_file(task_.output_last_message, O_WRONLY | O_CREAT | O_TRUNC, 0666).within(name));
  return runtime::write_all(file.get(), text, name);
}

void Foreground::tell_how_to_answer(const TaskEnd& end) const {
  for (const TaskEnd::Waiting& waiting : end.questions) {
    context_.note("the task waits for an answer: " + how_to_answer(waiting));
  }
}

}  // namespace lathe::cli
