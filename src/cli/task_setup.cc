#include "lathe/cli/task_setup.h"

#include <utility>

#include "lathe/cli/ask_person.h"
#include "lathe/cli/exit_codes.h"
#include "lathe/cli/named_files.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/trust_question.h"
#include "lathe/client/records.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

Result<client::OpenOptions> open_options(const TaskOptions& task) {
  client::OpenOptions options{.record_path = task.record, .replay_path = task.replay};
  if (task.cwd.empty()) {
    // A session that is continued has a folder of its own.
    options.cwd = runtime::real_path(".").value_or("");
  } else {
    TRY(options.cwd, named_folder("--cwd", task.cwd));
  }
  if (!task.policy.empty()) {
    TRY(options.policy_file, named_rules("--policy", task.policy));
  }
  if (!task.record.empty()) TRY_OK(check_output_file("--record", task.record));
  if (task.replay.empty()) return options;
  TRY_OK(check_input_file("--replay", task.replay));
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
    TRY(op.cwd, named_folder("--cwd", task.cwd));
  }
  return op;
}

Result<p::ConfigureSession> new_session(const TaskOptions& task, p::AskMode ask) {
  TRY(p::ConfigureSession op, same_session(task, ask));
  if (!op.cwd) {
    TRY(op.cwd, working_folder());
  }
  return op;
}

namespace {

constexpr std::chrono::seconds kTimeoutGrace{2};

Result<base::Json> read_schema(const std::string& path) {
  const std::string name = "--output-schema " + path;
  const char* const example = "it holds a JSON Schema, such as {\"type\": \"object\"}";
  TRY_OK(check_input_file("--output-schema", path));
  TRY(const std::string text, runtime::read_file(path, 1U << 20).within("--output-schema"));
  auto schema = base::parse_json(text);
  if (!schema.ok()) {
    return base::Error{.code = base::codes::kInvalid, .message = name + ": " + schema.error().message, .hint = example};
  }
  if (schema->is_object()) return schema;
  return base::Error{.code = base::codes::kInvalid, .message = name + ": a JSON Schema is an object", .hint = example};
}

}  // namespace

std::optional<p::Budget> task_budget(const TaskOptions& task) {
  p::Budget budget = task.budget;
  if (task.timeout) budget.millis = task.timeout->count();
  if (budget == p::Budget{}) return std::nullopt;
  return budget;
}

runtime::Deadline task_deadline(const runtime::Loop& loop, const TaskOptions& task) {
  return task.timeout ? runtime::Deadline::after(loop, *task.timeout + kTimeoutGrace) : runtime::Deadline::never();
}

Result<p::UserInput> user_input(const TaskOptions& task, std::string prompt) {
  p::UserInput input{.items = {p::TextPart{std::move(prompt)}}, .if_busy = p::IfBusy::kSteer};
  input.budget = task_budget(task);
  for (const std::string& image : task.images) {
    TRY_OK(check_input_file("--image", image));
    TRY(std::string path, runtime::real_path(image).within("--image"));
    input.items.emplace_back(p::ImagePart{.path = std::move(path)});
  }
  if (!task.output_schema.empty()) {
    TRY(input.output_schema, read_schema(task.output_schema));
  }
  return input;
}

namespace {

/// Where rules of the project changed since they were trusted, whoever is at the terminal is asked about them first.
Async<Result<p::Ack>> configure(Context* context, client::Transport* transport, std::string session,
                                p::ConfigureSession op, std::string cwd) {
  Result<p::Ack> ack = co_await transport->submit(session, op);
  const bool about_trust = !ack.ok() && ack.error().code == p::error_codes::kTrustChanged;
  if (!about_trust || op.ask != p::AskMode::kClient) co_return ack;
  CO_TRY(const bool trusted, co_await trust_changed_rules(context, transport, std::move(cwd)));
  if (!trusted) co_return ack;
  co_return co_await transport->submit(std::move(session), std::move(op));
}

}  // namespace

Async<Result<Entered>> enter_session(Context* context, client::Transport* transport, TaskOptions task, Entry entry) {
  CO_TRY(const p::AskMode ask, ask_mode(*context, task));
  if (entry.resume.empty()) {
    CO_TRY(p::ConfigureSession op, new_session(task, ask));
    std::string cwd = *op.cwd;
    CO_TRY(const p::Ack ack, co_await configure(context, transport, "", std::move(op), std::move(cwd)));
    co_return Entered{.session = ack.session, .made = true};
  }
  CO_TRY(p::ConfigureSession op, same_session(task, ask));
  CO_TRY(const p::SessionInfo info, co_await client::find_session(transport, std::move(entry.resume)));
  Entered entered{.session = info.session_id};
  if (info.state == p::SessionState::kInterrupted) {
    context->note(
        "the last task of this session was cut short when its process died; a command that ran then may or "
        "may not have done its work (lathe session show " +
        entered.session + ")");
  }
  if (entry.fork) {
    if (info.state == p::SessionState::kDamaged && entry.fork_at.empty()) context->note(kForkBeforeDamage);
    p::SessionFork fork{.session = entered.session, .response_id = std::move(entry.fork_at)};
    CO_TRY(const auto forked, co_await client::call_as(transport, std::move(fork)));
    entered = {.session = forked.session, .made = true};
  }
  std::string cwd = op.cwd.value_or(info.cwd);
  const auto configured = co_await configure(context, transport, entered.session, std::move(op), std::move(cwd));
  if (configured.ok()) co_return entered;
  co_await take_back(transport, entered, configured.error());
  co_return configured.error();
}

Async<void> take_back(client::Transport* transport, Entered entered, base::Error refusal) {
  if (!entered.made || exit_code_of(refusal) != kUsage) co_return;
  // One that cannot be removed stays, as it would have; the refusal is what counts.
  (void)co_await client::call_as(transport, p::SessionRemove{.session = std::move(entered.session)});
}

}  // namespace lathe::cli
