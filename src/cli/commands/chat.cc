#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/chat_commands.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/conversation_terminal.h"
#include "lathe/cli/editor.h"
#include "lathe/cli/follow_task.h"
#include "lathe/cli/next_step.h"
#include "lathe/cli/prompt_input.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/render/spending.h"
#include "lathe/cli/task_setup.h"
#include "lathe/client/records.h"

// One conversation on a terminal. Between Tasks the input line waits for a message; while a Task runs the same line
// stays below its output and what is entered is steered into it. A question stops the line until it is answered.

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

namespace {

class Chat final {
 public:
  Chat(Context& context, client::Transport* engine, ChatOptions options, std::string history_file)
      : context_(context),
        engine_(engine),
        options_(std::move(options)),
        terminal_(context, Messages::kSteering, std::move(history_file),
                  [this](runtime::CancelToken cancel) { return steer(std::move(cancel)); }) {}

  Async<Result<ExitCode>> run();

 private:
  Async<Result<std::string>> next_message();
  Async<void> watch_idle_stops(runtime::CancelSource* leave, runtime::CancelToken cancel);
  Async<Result<void>> run_task(std::string message);
  Async<Result<p::Ack>> start_task(p::Op op);
  Async<Result<p::Ack>> steer_with(std::string message);
  /// As it is sent.
  Result<std::string> settled(std::string message);
  Async<Result<void>> follow_task(std::int64_t first_seq);
  Async<Result<void>> run_command_line(std::string line);
  Async<Result<void>> run_command(ChatCommand command);
  Async<Result<void>> edit();
  Async<Result<void>> show_usage();
  Async<Result<void>> show_waiting_events();
  Async<void> steer(runtime::CancelToken cancel);

  Context& context_;
  client::Transport* engine_;
  ChatOptions options_;
  std::string session_;
  /// A Task was started.
  bool said_ = false;
  ConversationTerminal terminal_;
  bool quit_ = false;
  /// The Task that is shown while it runs.
  const TaskFollower* follower_ = nullptr;
  /// What was entered between the end of a Task and the next line.
  std::optional<std::string> held_;
  /// The Task before was stopped by a Ctrl-C.
  bool person_stopped_task_ = false;
  /// The record of the last message that was steered in.
  std::int64_t steered_seq_ = 0;
};

Async<Result<ExitCode>> Chat::run() {
  CO_TRY(Entered entered, co_await enter_session(&context_, engine_, options_.task, {.resume = options_.resume}));
  session_ = entered.session;
  CO_TRY_OK(terminal_.input().resume());
  if (terminal_.input().is_terminal_input()) terminal_.screen().note("/help lists commands, Ctrl-D leaves");
  if (options_.edit) {
    if (const Result<void> done = co_await edit(); !done.ok()) terminal_.screen().note("lathe: " + told(done.error()));
  }
  while (!quit_) {
    Result<std::string> message = co_await next_message();
    if (!message.ok()) break;
    if (message->empty()) continue;
    const Result<void> done =
        is_chat_command(*message) ? co_await run_command_line(*message) : co_await run_task(*message);
    if (!done.ok() && done.error().code == base::codes::kUnavailable) {
      terminal_.input().pause();
      co_return done.error();
    }
    if (!done.ok()) terminal_.screen().note("lathe: " + told(done.error()));
  }
  terminal_.input().pause();
  if (!said_ && co_await take_back_unused(engine_, std::move(entered))) co_return kDone;
  terminal_.screen().note(fmt::format("go on later: lathe chat --resume {}", session_));
  co_return kDone;
}

Async<Result<std::string>> Chat::next_message() {
  if (held_) co_return *std::exchange(held_, std::nullopt);
  runtime::CancelSource leave;
  runtime::Scope idle(context_.loop);
  idle.spawn(watch_idle_stops(&leave, idle.token()));
  Result<std::string> message = co_await terminal_.input().next(leave.token());
  co_await idle.stop();
  terminal_.screen().set_status("");
  co_return message;
}

/// Ctrl-C clears the line; on an empty line it says that the next one leaves, as long as that holds. One that stopped a
/// Task just now was the first.
Async<void> Chat::watch_idle_stops(runtime::CancelSource* leave, runtime::CancelToken cancel) {
  bool warned = std::exchange(person_stopped_task_, false);
  while (true) {
    if (warned) {
      terminal_.screen().set_status("Ctrl-C again on an empty line leaves");
      terminal_.screen().draw();
    }
    const Result<StopCause> cause = co_await terminal_.stops().next(cancel, runtime::Deadline::never());
    if (!cause.ok()) co_return;
    terminal_.stops().reset();
    const bool cleared = *cause == StopCause::kPerson && terminal_.input().clear();
    if (!cleared && (warned || *cause != StopCause::kPerson)) leave->cancel(runtime::cancelled_error("left"));
    warned = true;
  }
}

Async<Result<void>> Chat::run_task(std::string message) {
  CO_TRY(message, settled(std::move(message)));
  if (terminal_.input().is_terminal_input()) {
    const std::string echo = context_.err_style.paint(Ink::kCyan, "› " + base::terminal_safe(message)) + "\n";
    CO_TRY_OK(co_await terminal_.screen().show({{Piece::To::kActivity, echo}}, {}));
  }
  CO_TRY(p::UserInput input, user_input(options_.task, std::move(message)));
  CO_TRY(const p::Ack ack, co_await start_task(std::move(input)));
  said_ = true;
  co_return co_await follow_task(ack.seq);
}

Async<Result<p::Ack>> Chat::start_task(p::Op op) {
  CO_TRY(const p::AskMode ask, ask_mode(context_, options_.task));
  co_return co_await terminal_.submit(engine_, session_, std::move(op), ask, {});
}

/// Shows the Task that the record `first_seq` belongs to until it ends, and each that is started by steering on its
/// heels.
Async<Result<void>> Chat::follow_task(std::int64_t first_seq) {
  const runtime::Deadline deadline = task_deadline(context_.loop, options_.task);
  while (true) {
    FollowRequest request = terminal_.request(engine_, session_, first_seq - 1, options_.task.ask);
    request.deadline = deadline;
    TaskFollower follower(context_, std::move(request));
    follower_ = &follower;
    if (terminal_.input().is_terminal_input()) terminal_.listen();
    const Result<TaskEnd> end = co_await follower.run();
    co_await terminal_.stop_listening();
    follower_ = nullptr;
    person_stopped_task_ = follower.stop_cause() == StopCause::kPerson;
    if (!end.ok()) co_return end.error();
    for (const TaskEnd::Waiting& waiting : end->questions) {
      terminal_.screen().note("waits for an answer: " + how_to_answer(waiting));
    }
    // What was typed just as the Task ended has started the next one.
    if (steered_seq_ <= follower.last_seq()) co_return Result<void>();
    first_seq = steered_seq_;
  }
}

Async<void> Chat::steer(runtime::CancelToken cancel) {
  while (true) {
    Result<std::string> message = co_await terminal_.input().next(cancel);
    if (!message.ok()) {
      quit_ = quit_ || message.error().code == base::codes::kUnavailable;
      co_return;
    }
    if (message->empty()) continue;
    if (follower_->ended()) {
      held_ = *std::move(message);
      co_return;
    }
    if (is_chat_command(*message)) {
      terminal_.screen().note("commands work once the task is done: type it again then, or stop the task with Ctrl-C");
      continue;
    }
    const Result<p::Ack> ack = co_await steer_with(*std::move(message));
    if (ack.ok()) {
      steered_seq_ = ack->seq;
    } else {
      terminal_.screen().note("lathe: " + told(ack.error()));
    }
  }
}

Async<Result<p::Ack>> Chat::steer_with(std::string message) {
  CO_TRY(message, settled(std::move(message)));
  p::UserInput input{.items = {p::TextPart{std::move(message)}}, .if_busy = p::IfBusy::kSteer};
  co_return co_await engine_->submit(session_, std::move(input));
}

Result<std::string> Chat::settled(std::string message) {
  return settle_prompt(std::move(message), [this](std::string_view warning) { terminal_.screen().note(warning); });
}

Async<Result<void>> Chat::run_command_line(std::string line) {
  CO_TRY(ChatCommand command, parse_chat_command(line));
  co_return co_await run_command(std::move(command));
}

Async<Result<void>> Chat::run_command(ChatCommand command) {
  switch (command.verb) {
    case ChatVerb::kQuit:
      quit_ = true;
      break;
    case ChatVerb::kHelp:
      terminal_.screen().note(std::string(base::trim_right(chat_help())));
      break;
    case ChatVerb::kUsage:
      co_return co_await show_usage();
    case ChatVerb::kEdit:
      co_return co_await edit();
    case ChatVerb::kCompact: {
      terminal_.screen().note("compacting …");
      CO_TRY(const p::Ack ack, co_await start_task(p::Compact{}));
      co_return co_await follow_task(ack.seq);
    }
    case ChatVerb::kModel:
      if (command.argument.empty()) {
        co_return base::Error{
            .code = base::codes::kInvalid, .message = "/model needs a name", .hint = "lathe model list"};
      }
      CO_TRY_OK(co_await engine_->submit(session_, p::SetModel{.model = command.argument}));
      co_return co_await show_waiting_events();
  }
  co_return Result<void>();
}

Async<Result<void>> Chat::edit() {
  terminal_.input().pause();
  std::optional<Stops::Away> editor_has_the_terminal(std::in_place, terminal_.stops());
  const Result<std::string> text = co_await edit_text(&context_, "");
  editor_has_the_terminal.reset();
  CO_TRY_OK(text);
  CO_TRY_OK(terminal_.input().resume());
  if (!base::trim(*text).empty()) co_return co_await run_task(std::string(base::trim(*text)));
  terminal_.screen().note("nothing was written");
  co_return Result<void>();
}

Async<Result<void>> Chat::show_usage() {
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine_, session_));
  terminal_.screen().note(
      fmt::format("{}/{}: {}", info.backend, info.model, spent_label(info.usage, info.cost_micro_usd, info.replayed)));
  co_return Result<void>();
}

/// What a command led to was recorded before it was acknowledged.
Async<Result<void>> Chat::show_waiting_events() {
  const auto batch = co_await engine_->events({}, runtime::Deadline::after(context_.loop, base::Millis(100)));
  if (!batch.ok()) co_return Result<void>();
  std::vector<Piece> pieces;
  for (const client::Delivery& delivery : *batch) {
    for (Piece& piece : terminal_.view().show(delivery)) pieces.push_back(std::move(piece));
  }
  co_return co_await terminal_.screen().show(std::move(pieces), {});
}

}  // namespace

CommandResult execute(Context* context, ChatOptions options) {
  CO_TRY(const config::Paths paths, config::find_paths(context->frontend.environment));
  CO_TRY(client::OpenOptions open, open_options(options.task));
  CO_TRY(const auto engine, co_await context->open(std::move(open)));
  auto chat = std::make_unique<Chat>(*context, engine.get(), std::move(options), paths.state_dir + "/chat_history");
  Result<ExitCode> code = co_await chat->run();
  chat.reset();
  co_await engine->close();
  co_return code;
}

}  // namespace lathe::cli
