#include "lathe/cli/foreground.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/cli/task_end.h"
#include "lathe/protocol/record.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

using base::Result;
using runtime::Async;

namespace {

std::string last_message_name(const TaskOptions& task) { return "--output-last-message " + task.output_last_message; }

/// Whatever the reason, it is for the person to name another file.
base::Error cannot_write(const TaskOptions& task) {
  const bool no_folder = errno == ENOENT;
  base::Error error = base::errno_error(errno, last_message_name(task));
  error.code = base::codes::kInvalid;
  const std::string folder = task.output_last_message.substr(0, task.output_last_message.rfind('/'));
  error.hint =
      no_folder ? "make its folder first: mkdir -p " + base::shell_quote(folder) : "name a file that you may write to";
  return error;
}

/// Jobs that began after that record and still run: those that a process which died left count among them.
Async<Result<std::vector<std::pair<std::string, std::string>>>> jobs_since(client::Transport* engine,
                                                                           std::string session, std::int64_t since) {
  TaskEndWatch watch(since);
  protocol::SessionExport page{.session = std::move(session), .since = since};
  do {
    CO_TRY(const auto read, co_await client::call_as(engine, page));
    for (const std::string& line : read.records) {
      CO_TRY(const protocol::Event event, protocol::decode_record(line));
      (void)watch.observe(event);
    }
    page.since = read.next;
  } while (page.since != 0);
  co_return watch.jobs();
}

}  // namespace

Result<void> check_output_files(const TaskOptions& task) {
  const std::string& path = task.output_last_message;
  if (path.empty()) return {};
  // A pipe that nobody reads yet does not open without waiting, and is as good as one that is read.
  const base::UniqueFd there(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (there || errno == ENXIO) return {};
  if (errno != ENOENT) return cannot_write(task);
  const base::UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  // A link to what is not there yet: only writing tells.
  if (!made && errno == EEXIST) return {};
  if (!made || ::unlink(path.c_str()) != 0) return cannot_write(task);
  return {};
}

Foreground::Foreground(Context& context, const TaskOptions& task, runtime::Deadline deadline)
    : context_(context),
      task_(task),
      deadline_(deadline),
      view_(make_view(context, task.json, task.output_schema.empty() ? Answers::kAsTheyCome : Answers::kFinalOnly)),
      screen_(context),
      stops_(context),
      asker_(context) {}

Async<Result<ExitCode>> Foreground::follow(client::Transport* engine, std::string session, std::int64_t after_seq,
                                           std::optional<std::int64_t> recovered_after) {
  TaskFollower follower(context_, {.transport = engine,
                                   .session = session,
                                   .after_seq = after_seq,
                                   .view = view_.get(),
                                   .screen = &screen_,
                                   .stops = &stops_,
                                   .asker = TerminalAsker::is_meant(context_, task_.ask) ? &asker_ : nullptr,
                                   .deadline = deadline_,
                                   .hint = "Ctrl-C to stop",
                                   .person_reads = task_.json == JsonMode::kNone});
  CO_TRY(TaskEnd end, co_await follower.run());
  if (!task_.output_last_message.empty() && end.code == kDone) CO_TRY_OK(write_last_message(end.last_message));
  if (end.code == kTimedOut && task_.timeout) {
    context_.note(fmt::format("the time is over (--timeout {})", base::format_duration(*task_.timeout)));
  }
  tell_how_to_answer(end);
  // They belong to the session; that of an engine in this process ends with it.
  if (engine->outlives_client()) co_return end.code;
  if (recovered_after) {
    auto taken_over = co_await jobs_since(engine, std::move(session), *recovered_after);
    if (taken_over.ok()) end.jobs = *std::move(taken_over);
  }
  for (const auto& [job, command] : end.jobs) context_.note(fmt::format("ending background job {}: {}", job, command));
  co_return end.code;
}

Result<void> Foreground::write_last_message(const std::string& text) const {
  // As a shell redirects: links are followed, and a pipe or device is written to.
  const std::string name = last_message_name(task_);
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
