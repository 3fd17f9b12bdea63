#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/cli/chat_commands.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/conversation_terminal.h"
#include "lathe/cli/follow_task.h"
#include "lathe/cli/next_step.h"
#include "lathe/cli/prompt_input.h"
#include "lathe/cli/task_view.h"
#include "lathe/client/records.h"
#include "lathe/protocol/record.h"

// A session that works whoever looks at it, joined from one more terminal. Everything that happens in it is shown; what
// is typed starts a Task or reaches the one that runs; questions are asked here as well as wherever else someone is
// attached, and the first answer counts. Without a terminal the lines of stdin are what is typed, at their end the Task
// that runs is waited for, and no question waits for whoever is attached so.

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;
using runtime::CancelToken;

namespace {

/// Picks the events of open questions from the records of a session.
struct QuestionFinder {
  std::vector<std::string> ids;
  std::int64_t until = 0;
  std::vector<p::EventMsg> found;

  Async<Result<void>> take(std::vector<std::string> lines) {
    for (const std::string& line : lines) {
      Result<p::Event> event = p::decode_record(line);
      if (!event.ok() && event.error().code == base::codes::kUnsupported) continue;
      if (!event.ok()) co_return event.error();
      const bool before = event->seq.value_or(0) <= until;
      const bool open = std::ranges::find(ids, question_id(event->msg)) != ids.end();
      if (before && open && is_question(event->msg)) found.push_back(std::move(event->msg));
    }
    co_return Result<void>();
  }
};

/// Subscribes to what comes after the record `since`; what was asked before it and is still open comes along.
Async<Result<Joined>> join(client::Transport* engine, p::SessionGetReply found, std::int64_t since, bool only_looks) {
  const std::string session = found.session.session_id;
  QuestionFinder finder{.ids = std::move(found.open_questions), .until = since, .found = {}};
  if (!finder.ids.empty() && since > 0) {
    CO_TRY_OK(co_await client::read_records(
        engine, session, [&finder](std::vector<std::string> lines) { return finder.take(std::move(lines)); }));
  }
  Joined joined{.at = {}, .open_questions = std::move(finder.found)};
  p::SessionSubscribe subscribe{.session = session, .since = since, .only_looks = only_looks};
  CO_TRY(joined.at, co_await client::call_as(engine, std::move(subscribe)));
  co_return joined;
}

class Attachment final {
 public:
  Attachment(Context& context, client::Transport* engine, std::string session, std::string history_file)
      : context_(context),
        engine_(engine),
        session_(std::move(session)),
        terminal_(context, Messages::kAll, std::move(history_file),
                  [this](CancelToken cancel) { return take_lines(std::move(cancel)); }) {}

  /// Until the person detaches, or stdin has ended and no Task runs any more.
  Async<Result<ExitCode>> run(std::int64_t since, Joined joined);

 private:
  Async<void> take_lines(CancelToken cancel);
  Async<Result<void>> take_line(std::string line, CancelToken cancel);
  Async<Result<void>> run_command(AttachCommand command, CancelToken cancel);
  Async<Result<void>> say(std::string text, CancelToken cancel);
  Async<void> watch_stops(CancelToken cancel);
  void detach();
  void tell_end(const TaskEnd& end);
  /// No Task runs, nor does what was said start one.
  [[nodiscard]] bool is_idle() const { return !follower_->running() && follower_->last_seq() >= said_seq_; }

  Context& context_;
  client::Transport* engine_;
  std::string session_;
  ConversationTerminal terminal_;
  /// While run() is under way.
  TaskFollower* follower_ = nullptr;
  /// The record of the last message that was said here.
  std::int64_t said_seq_ = 0;
  /// The next Ctrl-C detaches, unless something is said before it.
  bool warned_ = false;
  bool detached_ = false;
};

Async<Result<ExitCode>> Attachment::run(std::int64_t since, Joined joined) {
  CO_TRY_OK(terminal_.input().resume());
  terminal_.screen().note(fmt::format("attached to session {}, which is {}", session_, p::name_of(joined.at.state)));
  if (!joined.at.claimed_by.empty()) terminal_.screen().note("claimed by " + joined.at.claimed_by);
  if (terminal_.input().is_terminal_input()) terminal_.screen().note("/help lists commands, Ctrl-D detaches");
  FollowRequest request = terminal_.request(engine_, session_, since, Ask::kAuto);
  request.joined = std::move(joined);
  TaskFollower follower(context_, std::move(request));
  follower_ = &follower;
  runtime::Scope stops(context_.loop);
  stops.spawn(watch_stops(stops.token()));
  terminal_.listen();
  const Result<TaskEnd> end = co_await follower.run();
  co_await terminal_.stop_listening();
  co_await stops.stop();
  follower_ = nullptr;
  terminal_.input().pause();
  if (!end.ok()) co_return end.error();
  tell_end(*end);
  co_return detached_ ? kDone : end->code;
}

void Attachment::tell_end(const TaskEnd& end) {
  if (!detached_) {
    for (const TaskEnd::Waiting& waiting : end.questions) {
      terminal_.screen().note("the task waits for an answer: " + how_to_answer(waiting));
    }
  } else if (engine_->outlives_client()) {
    terminal_.screen().note("detached: lathe attach " + session_);
  }
}

void Attachment::detach() {
  detached_ = true;
  follower_->leave();
}

Async<void> Attachment::take_lines(CancelToken cancel) {
  while (!cancel.cancelled() && !detached_) {
    Result<std::string> line = co_await terminal_.input().next(cancel);
    if (!line.ok() && cancel.cancelled()) co_return;
    if (!line.ok()) {
      if (terminal_.input().is_terminal_input()) {
        detach();
      } else {
        follower_->leave_when_idle(said_seq_);
      }
      co_return;
    }
    if (line->empty()) continue;
    const Result<void> done = co_await take_line(*std::move(line), cancel);
    if (!done.ok() && !detached_) terminal_.screen().note("lathe: " + told(done.error()));
  }
}

Async<Result<void>> Attachment::take_line(std::string line, CancelToken cancel) {
  warned_ = false;
  if (!is_chat_command(line)) co_return co_await say(std::move(line), std::move(cancel));
  CO_TRY(AttachCommand command, parse_attach_command(line));
  co_return co_await run_command(std::move(command), std::move(cancel));
}

Async<Result<void>> Attachment::run_command(AttachCommand command, CancelToken cancel) {
  switch (command.verb) {
    case AttachVerb::kQuit:
      detach();
      break;
    case AttachVerb::kHelp:
      terminal_.screen().note(base::trim_right(attach_help()));
      break;
    case AttachVerb::kInterrupt:
      if (is_idle() && !follower_->parked()) {
        co_return base::Error{.code = base::codes::kInvalid, .message = "no task runs"};
      }
      co_await follower_->interrupt();
      break;
    case AttachVerb::kSteer:
      if (command.argument.empty()) {
        co_return base::Error{.code = base::codes::kInvalid, .message = "/steer needs words"};
      }
      if (is_idle()) {
        co_return base::Error{.code = base::codes::kInvalid,
                              .message = "no task runs that could be steered",
                              .hint = "without /steer it starts one"};
      }
      co_return co_await say(std::move(command.argument), std::move(cancel));
  }
  co_return Result<void>();
}

Async<Result<void>> Attachment::say(std::string text, CancelToken cancel) {
  CO_TRY(text, settle_prompt(std::move(text), [this](std::string_view warning) { terminal_.screen().note(warning); }));
  p::UserInput input{.items = {p::TextPart{std::move(text)}}, .if_busy = p::IfBusy::kSteer};
  CO_TRY(const p::Ack ack,
         co_await terminal_.submit(engine_, session_, std::move(input), p::AskMode::kClient, std::move(cancel)));
  said_seq_ = std::max(said_seq_, ack.seq);
  co_return Result<void>();
}

/// The first Ctrl-C stops the Task that runs, the next one detaches. Whatever else ends this process only detaches.
Async<void> Attachment::watch_stops(CancelToken cancel) {
  while (true) {
    const Result<StopCause> cause = co_await terminal_.stops().next(cancel, runtime::Deadline::never());
    if (!cause.ok()) co_return;
    terminal_.stops().reset();
    if (*cause != StopCause::kPerson) {
      detach();
    } else if (follower_->running() && !follower_->stop_cause()) {
      warned_ = true;
      co_await follower_->interrupt();
    } else if (follower_->running() || (warned_ && !terminal_.input().clear())) {
      detach();
    } else if (!terminal_.input().clear()) {
      warned_ = true;
      terminal_.screen().note("Ctrl-C again detaches");
    }
  }
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, AttachOptions options) {
  CO_TRY(const config::Paths paths, config::find_paths(context->frontend.environment));
  CO_TRY(p::SessionGetReply found, co_await client::call_as(engine, p::SessionGet{.session = options.session}));
  std::string session = found.session.session_id;
  const std::int64_t since = options.no_replay ? found.session.last_seq : options.since;
  CO_TRY(Joined joined, co_await join(engine, std::move(found), since,
                                      /*only_looks=*/!TerminalAsker::available(*context)));
  if (options.claim) CO_TRY_OK(co_await client::call_as(engine, p::SessionClaim{.session = session}));
  Attachment attachment(*context, engine, std::move(session), paths.state_dir + "/chat_history");
  co_return co_await attachment.run(since, std::move(joined));
}

}  // namespace lathe::cli
