#include "lathe/cli/task_setup.h"

#include <utility>

#include "lathe/cli/ask_person.h"
#include "lathe/cli/render/labels.h"
#include "lathe/client/records.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

client::OpenOptions open_options(const TaskOptions& task) {
  client::OpenOptions options{
      .embedded = task.embedded,
      .cwd = runtime::real_path(task.cwd.empty() ? "." : task.cwd).value_or(""),
      .policy_file = task.policy.empty() ? "" : runtime::real_path(task.policy).value_or(task.policy),
      .record_path = task.record,
      .replay_path = task.replay};
  if (task.replay.empty()) return options;
  using Replay = client::OpenOptions::Replay;
  options.replay = task.replay_mode == ReplayMode::kAll ? Replay::kAll : Replay::kModel;
  return options;
}

Result<p::AskMode> ask_mode(const Context& context, const TaskOptions& task) {
  switch (task.ask) {
    case Ask::kDeny:
      return p::AskMode::kDeny;
    case Ask::kWait:
      return p::AskMode::kWait;
    case Ask::kTty:
      if (TerminalAsker::available(context)) return p::AskMode::kClient;
      return base::Error{.code = base::codes::kInvalid,
                         .message = "--ask tty: there is no terminal to ask on",
                         .hint = "--ask deny, or --ask wait to answer later"};
    case Ask::kAuto:
      break;
  }
  return TerminalAsker::available(context) ? p::AskMode::kClient : p::AskMode::kDeny;
}

Result<p::ConfigureSession> same_session(const TaskOptions& task, p::AskMode ask) {
  p::ConfigureSession op{.ask = ask, .fallback_models = task.fallback_models};
  if (!task.model.empty()) op.model = task.model;
  if (!task.backend.empty()) op.backend = task.backend;
  if (task.approval_policy) op.approval_policy = task.approval_policy;
  op.sandbox_mode = task.sandbox_mode;
  op.network = task.network;
  if (!task.allow_hosts.empty()) {
    op.allow_hosts = task.allow_hosts;
    // Who names hosts wants them reached.
    if (!op.network) op.network = p::NetworkMode::kProxy;
  }
  if (!task.cwd.empty()) {
    TRY(op.cwd, runtime::real_path(task.cwd).within("--cwd"));
  }
  return op;
}

Result<p::ConfigureSession> new_session(const TaskOptions& task, p::AskMode ask) {
  TRY(p::ConfigureSession op, same_session(task, ask));
  if (!op.cwd) {
    TRY(op.cwd, runtime::real_path(".").within("the working folder"));
  }
  return op;
}

Result<p::UserInput> user_input(const TaskOptions& task, std::string prompt) {
  p::UserInput input{.items = {p::TextPart{std::move(prompt)}}, .if_busy = p::IfBusy::kSteer};
  if (task.budget != p::Budget{}) input.budget = task.budget;
  for (const std::string& image : task.images) {
    TRY(std::string path, runtime::real_path(image).within("--image"));
    input.items.emplace_back(p::ImagePart{.path = std::move(path)});
  }
  if (!task.output_schema.empty()) {
    const std::string name = "--output-schema " + task.output_schema;
    TRY(const std::string text, runtime::read_file(task.output_schema, 1U << 20).within("--output-schema"));
    TRY(input.output_schema, base::parse_json(text).within(name));
    if (!input.output_schema->is_object()) {
      return base::Error{.code = base::codes::kInvalid, .message = name + ": a JSON Schema is an object"};
    }
  }
  return input;
}

Async<Result<std::string>> enter_session(Context* context, client::Transport* transport, TaskOptions task,
                                         Entry entry) {
  CO_TRY(const p::AskMode ask, ask_mode(*context, task));
  if (entry.resume.empty()) {
    CO_TRY(p::ConfigureSession op, new_session(task, ask));
    CO_TRY(const p::Ack ack, co_await transport->submit("", std::move(op)));
    co_return ack.session;
  }
  CO_TRY(const p::SessionInfo info, co_await client::find_session(transport, std::move(entry.resume)));
  std::string session = info.session_id;
  if (info.state == p::SessionState::kInterrupted) {
    context->note(
        "the last task of this session was cut short when its process died; a command that ran then may or "
        "may not have done its work (lathe session show " +
        session + ")");
  }
  if (entry.fork) {
    if (info.state == p::SessionState::kDamaged && entry.fork_at.empty()) context->note(kForkBeforeDamage);
    p::SessionFork fork{.session = session, .response_id = std::move(entry.fork_at)};
    CO_TRY(const auto forked, co_await client::call_as(transport, std::move(fork)));
    session = forked.session;
  }
  CO_TRY(p::ConfigureSession op, same_session(task, ask));
  CO_TRY(const p::Ack ack, co_await transport->submit(session, std::move(op)));
  co_return ack.session;
}

}  // namespace lathe::cli
