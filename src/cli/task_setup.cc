#include "lathe/cli/task_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lathe/cli/ask_person.h"
#include "lathe/cli/exit_codes.h"
#include "lathe/cli/named_files.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/trust_question.h"
#include "lathe/client/records.h"
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

Async<Result<p::Ack>> configure(Context* context, client::Transport* transport, std::string session,
                                p::ConfigureSession op, std::string cwd, client::OpenFolder folder) {
  const p::AskMode ask = op.ask.value_or(p::AskMode::kDeny);
  const auto submit = [transport, session = std::move(session), op = std::move(op), folder = std::move(folder)] {
    return transport->configure(session, op, folder);
  };
  co_return co_await once_trusted(context, transport, std::move(cwd), submit, {.ask = ask});
}

/// An option that names how a Task is to be carried out, or "".
std::string_view named_setting(const TaskOptions& task) {
  const std::array<std::pair<std::string_view, bool>, 11> settings{
      {{"--model", !task.model.empty()},
       {"--backend", !task.backend.empty()},
       {"--fallback", !task.fallback_models.empty()},
       {"--cwd", !task.cwd.empty()},
       {"--sandbox", task.sandbox_mode.has_value()},
       {"--network", task.network.has_value()},
       {"--allow-host", !task.allow_hosts.empty()},
       {"--ask", task.ask != Ask::kAuto},
       {"--approval-policy", task.approval_policy.has_value()},
       {"--output-schema", !task.output_schema.empty()},
       {"--timeout", task.timeout.has_value()}}};
  const auto* const named = std::ranges::find(settings, true, &std::pair<std::string_view, bool>::second);
  if (named != settings.end()) return named->first;
  return task.budget == p::Budget{} ? "" : "a --max-… option";
}

/// A session in which a Task runs is not configured, which would end that Task.
Async<Result<Entered>> enter_busy(Context* context, client::Transport* transport, TaskOptions task, p::SessionInfo info,
                                  Busy busy) {
  base::Error refusal{.code = base::codes::kLocked,
                      .message = "a task runs in session " + info.session_id,
                      .hint = "lathe attach " + info.session_id + " joins it"};
  if (busy == Busy::kRefuse) co_return refusal;
  if (const std::string_view setting = named_setting(task); !setting.empty()) {
    refusal.message += fmt::format(", and {} would end it", setting);
    refusal.hint = fmt::format("without {} it is told this; {}", setting, refusal.hint);
    co_return refusal;
  }
  p::SessionSubscribe subscribe{
      .session = info.session_id, .since = info.last_seq, .only_looks = !TerminalAsker::available(*context)};
  CO_TRY_OK(co_await client::call_as(transport, std::move(subscribe)));
  context->note("a task runs in session " + info.session_id + "; it is told this");
  co_return Entered{.session = std::move(info.session_id)};
}

}  // namespace

Async<Result<Entered>> enter_session(Context* context, client::Transport* transport, TaskOptions task, Entry entry) {
  CO_TRY(const p::AskMode ask, ask_mode(*context, task));
  if (entry.resume.empty()) {
    client::OpenFolder folder = open_named_folder(task.cwd);
    CO_TRY(p::ConfigureSession op, new_session(task, ask));
    std::string cwd = *op.cwd;
    CO_TRY(const p::Ack ack,
           co_await configure(context, transport, "", std::move(op), std::move(cwd), std::move(folder)));
    co_return Entered{.session = ack.session, .made = true};
  }
  // Without one it works where it did.
  client::OpenFolder folder = task.cwd.empty() ? nullptr : open_named_folder(task.cwd);
  CO_TRY(p::ConfigureSession op, same_session(task, ask));
  CO_TRY(const p::SessionInfo info, co_await client::find_session(transport, std::move(entry.resume)));
  Entered entered{.session = info.session_id};
  if (info.state == p::SessionState::kInterrupted) {
    entered.recovered_after = info.last_seq;
    context->note(
        "the last task of this session was cut short when its process died; what became of a command that ran then is "
        "told by: lathe session show " +
        entered.session);
  }
  if (info.state == p::SessionState::kRunning && !entry.fork && entry.busy != Busy::kReplace) {
    co_return co_await enter_busy(context, transport, std::move(task), info, entry.busy);
  }
  if (entry.fork) {
    if (info.state == p::SessionState::kDamaged && entry.fork_at.empty()) context->note(kForkBeforeDamage);
    p::SessionFork fork{.session = entered.session, .response_id = std::move(entry.fork_at)};
    const auto make = [transport, fork = std::move(fork)] { return client::call_as(transport, fork); };
    CO_TRY(const auto forked, co_await once_trusted(context, transport, info.cwd, make, {.ask = ask}));
    entered = {.session = forked.session, .made = true};
  }
  std::string cwd = op.cwd.value_or(info.cwd);
  const auto configured =
      co_await configure(context, transport, entered.session, std::move(op), std::move(cwd), std::move(folder));
  if (configured.ok()) co_return entered;
  co_await take_back(transport, entered, configured.error());
  co_return configured.error();
}

Async<void> take_back(client::Transport* transport, Entered entered, base::Error refusal) {
  if (!entered.made) co_return;
  if (exit_code_of(refusal) != kUsage) {
    (void)co_await take_back_unused(transport, std::move(entered));
    co_return;
  }
  // One that cannot be removed stays, as it would have; the refusal is what counts.
  (void)co_await client::call_as(transport, p::SessionRemove{.session = std::move(entered.session)});
}

Async<bool> take_back_unused(client::Transport* transport, Entered entered) {
  if (!entered.made) co_return false;
  const auto info = co_await client::find_session(transport, entered.session);
  if (!info.ok() || info->tasks > 0 || !info->title.empty() || info->state != p::SessionState::kIdle) co_return false;
  co_return (co_await client::call_as(transport, p::SessionRemove{.session = std::move(entered.session)})).ok();
}

}  // namespace lathe::cli
