#include "lathe/agent/dispatch.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <set>
#include <utility>

#include "lathe/agent/call_events.h"
#include "lathe/agent/output_capture.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

using base::Error;
using base::Result;
using ports::Action;
using ports::GateAnswer;
using protocol::CallStatus;
using protocol::EventMsg;
using runtime::Async;
using runtime::CancelToken;

/// A person can amend a call that often before it counts as failed.
constexpr int kMaxAmendments = 8;
constexpr std::size_t kShownNameBytes = 200;
constexpr std::size_t kMaxDiffBytes = 256U << 10;

Error exception_error(const std::exception& exception) {
  return {.code = base::codes::kInternal, .message = std::string("the tool broke: ") + exception.what()};
}

bool by_person(const Error& reason) {
  return reason.code == base::codes::kCancelled || reason.code == protocol::error_codes::kInterrupted;
}

/// Bug-proof: an exception of the tool becomes an Error.
Async<Result<std::unique_ptr<ports::PreparedCall>>> prepare(ports::Tool* tool, const protocol::ToolCall* call,
                                                            const ports::ToolEnvironment* environment) {
  std::optional<Error> broken;
  try {
    co_return co_await tool->prepare(*call, *environment);
  } catch (const std::exception& exception) {
    broken = exception_error(exception);
  }
  co_return *std::move(broken);
}

Async<Result<ports::RunResult>> run_prepared(ports::PreparedCall* prepared, ports::OutputSink* out,
                                             CancelToken cancel) {
  std::optional<Error> broken;
  try {
    co_return co_await prepared->run(*out, cancel);
  } catch (const std::exception& exception) {
    broken = exception_error(exception);
  }
  co_return *std::move(broken);
}

std::string joined(std::string first, const std::string& second) {
  if (!first.empty() && !second.empty()) first += '\n';
  return first + second;
}

/// The person's note with a yes, for the model.
std::string noted(const GateAnswer& answer) {
  return answer.note.empty() ? "" : "The person who allowed it says: " + answer.note;
}

Error aborted_by(const GateAnswer& answer) {
  return {.code = protocol::error_codes::kApprovalAborted,
          .message = joined("declined; the person ended the task", answer.note)};
}

/// The files that a call changes, under all names that the action tells.
std::vector<std::string> changed_paths(const Action& action) {
  if (action.kind != Action::Kind::kFileChange) return {};
  std::vector<std::string> paths = action.opened;
  for (const protocol::FileChange& change : action.changes) {
    paths.push_back(change.path);
    if (!change.move_path.empty()) paths.push_back(change.move_path);
  }
  return paths;
}

/// The outcome that an end event tells of.
protocol::CallOutcome& outcome_of(EventMsg& end) {
  if (auto* exec = std::get_if<protocol::ExecCommandEnd>(&end)) return exec->outcome;
  if (auto* patch = std::get_if<protocol::PatchApplyEnd>(&end)) return patch->outcome;
  return std::get<protocol::ToolCallEnd>(end).outcome;
}

}  // namespace

std::string cancelled_text(const Error& reason, std::chrono::milliseconds after) {
  const std::string time = base::format_duration(after);
  if (by_person(reason)) return "aborted by user after " + time;
  return "aborted after " + time + ": " + reason.message;
}

Dispatcher::Dispatcher(runtime::Loop& loop, ports::TaskHost& host, const std::vector<ports::Tool*>& tools,
                       const AgentOptions& options, Translate translate, ports::WorkspaceHistory* history)
    : loop_(loop), host_(host), tools_(tools), options_(options), translate_(std::move(translate)) {
  environment_.session_id = host.state().session_id;
  if (host.state().config) environment_.cwd = host.state().config->cwd;
  environment_.questioner = &host;
  environment_.blobs = &host.blobs();
  environment_.history = history;
}

ports::Tool* Dispatcher::find(const std::string& name) const {
  const auto found = std::ranges::find_if(tools_, [&](const ports::Tool* tool) { return tool->spec().name == name; });
  return found == tools_.end() ? nullptr : *found;
}

protocol::ToolCall Dispatcher::translated(const protocol::ToolCall& call) const {
  if (!translate_) return call;
  return translate_(call).value_or(call);
}

std::string Dispatcher::unknown_tool(const std::string& name) const {
  std::vector<std::string> names;
  for (const ports::Tool* tool : tools_) names.push_back(tool->spec().name);
  const std::string shown(base::utf8_prefix(name, kShownNameBytes));
  const std::string near = base::did_you_mean(shown, names);
  return "there is no tool \"" + shown + (shown == name ? "" : "…") + "\"; " +
         (near.empty() ? "there are: " + base::join(names, ", ") : near);
}

std::string Dispatcher::within_budget(std::string_view text) const {
  return head_and_tail(base::to_utf8(text), static_cast<std::size_t>(output_tokens_) * 4);
}

Async<Result<void>> Dispatcher::record(EventMsg msg) {
  const Result<std::int64_t> recorded = co_await host_.record(std::move(msg));
  if (!recorded.ok()) co_return recorded.error();
  co_return Result<void>();
}

Async<Result<void>> Dispatcher::end_rest(const std::vector<PendingCall>* calls, std::size_t first, CallStatus status,
                                         std::string text) {
  for (std::size_t i = first; i < calls->size(); ++i) {
    CO_TRY_OK(co_await record(end_event((*calls)[i].call, status, within_budget(text))));
  }
  co_return Result<void>();
}

Async<Result<void>> Dispatcher::run(std::vector<PendingCall> calls, std::int64_t output_tokens, CancelToken cancel) {
  output_tokens_ = output_tokens;
  if (calls.size() > 1 && host_.asks_ahead()) CO_TRY_OK(co_await ask_ahead(&calls, cancel));
  std::vector<Slot> batch;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const ports::Tool* tool = find(translated(calls[i].call).tool);
    const bool overlaps = tool == nullptr || tool->read_only();
    if (!overlaps) CO_TRY_OK(co_await run_batch(std::exchange(batch, {}), cancel));
    Result<Slot> ready = Error{};
    if (cancel.cancelled()) {
      ready = cancel.reason();
    } else {
      ready = co_await make_ready(calls[i], cancel);
    }
    if (!ready.ok()) {
      // The calls before this one are done first; those after it wait, or end with the Task.
      CO_TRY_OK(co_await run_batch(std::exchange(batch, {}), cancel));
      const Error stop = ready.error();
      if (stop.code == protocol::error_codes::kParked) co_return stop;
      if (stop.code == protocol::error_codes::kApprovalAborted) {
        CO_TRY_OK(co_await record(end_event(calls[i].call, CallStatus::kDeclined, within_budget(stop.message))));
        CO_TRY_OK(co_await end_rest(&calls, i + 1, CallStatus::kCancelled, "not run: the task was ended"));
        co_return stop;
      }
      CO_TRY_OK(co_await end_rest(&calls, i, CallStatus::kCancelled, "not run: " + stop.message));
      co_return stop;
    }
    batch.push_back(*std::move(ready));
    if (!overlaps) {
      const Result<void> ran = co_await run_batch(std::exchange(batch, {}), cancel);
      if (!ran.ok() && ran.error().code == protocol::error_codes::kApprovalAborted) {
        CO_TRY_OK(co_await end_rest(&calls, i + 1, CallStatus::kCancelled, "not run: the task was ended"));
      }
      if (!ran.ok()) co_return ran.error();
    }
  }
  CO_TRY_OK(co_await run_batch(std::move(batch), cancel));
  if (cancel.cancelled()) co_return cancel.reason();
  co_return Result<void>();
}

Async<Result<void>> Dispatcher::ask_ahead(const std::vector<PendingCall>* calls, CancelToken cancel) {
  std::set<std::string> changed;
  for (const PendingCall& pending : *calls) {
    if (cancel.cancelled()) break;
    const protocol::ToolCall call = translated(pending.call);
    ports::Tool* tool = find(call.tool);
    if (tool == nullptr || pending.begun) continue;
    environment_.may_show = host_.may_show();
    const Result<std::unique_ptr<ports::PreparedCall>> prepared = co_await prepare(tool, &call, &environment_);
    // What is wrong with it now may be right after the calls before it.
    if (!prepared.ok()) continue;
    const Action action = (*prepared)->action();
    if (!action.withheld.empty()) continue;
    const std::vector<std::string> paths = changed_paths(action);
    const bool waits_its_turn = std::ranges::any_of(paths, [&](const auto& path) { return changed.contains(path); });
    changed.insert(paths.begin(), paths.end());
    if (!waits_its_turn) CO_TRY_OK(co_await host_.ask_ahead(action));
  }
  co_return Result<void>();
}

Async<Result<Dispatcher::Slot>> Dispatcher::make_ready(PendingCall pending, CancelToken cancel) {
  Slot slot;
  slot.pending = std::move(pending);
  CO_TRY_OK(co_await prepare_and_ask(&slot, translated(slot.pending.call), cancel));
  co_return std::move(slot);
}

Async<Result<void>> Dispatcher::prepare_and_ask(Slot* slot, protocol::ToolCall call, CancelToken cancel) {
  ports::Tool* tool = find(call.tool);
  if (tool == nullptr) {
    slot->end = end_event(call, CallStatus::kFailed, within_budget(unknown_tool(call.tool)));
    co_return Result<void>();
  }
  for (int amendments = 0; amendments <= kMaxAmendments; ++amendments) {
    environment_.may_show = host_.may_show();
    Result<std::unique_ptr<ports::PreparedCall>> prepared = co_await prepare(tool, &call, &environment_);
    if (!prepared.ok()) {
      slot->end = end_event(call, CallStatus::kFailed, within_budget(joined(slot->remark, prepared.error().text())));
      co_return Result<void>();
    }
    const Action action = (*prepared)->action();
    CO_TRY(GateAnswer answer, co_await host_.gate(action, cancel));
    switch (answer.verdict) {
      case GateAnswer::Verdict::kParked:
        co_return Error{.code = protocol::error_codes::kParked, .message = "a call waits for a person"};
      case GateAnswer::Verdict::kAbort:
        co_return aborted_by(answer);
      case GateAnswer::Verdict::kDeclined:
        slot->end =
            end_event(action,
                      {.status = CallStatus::kDeclined,
                       .output = within_budget(joined("declined: this call was not allowed to run", answer.note))},
                      std::nullopt);
        co_return Result<void>();
      case GateAnswer::Verdict::kRun:
        break;
    }
    if (!answer.amended_arguments || *answer.amended_arguments == call.arguments) {
      slot->remark = joined(std::move(slot->remark), noted(answer));
      slot->prepared = *std::move(prepared);
      co_return Result<void>();
    }
    call.arguments = *std::move(answer.amended_arguments);
    slot->remark = "A person changed the arguments of this call to: " + call.arguments;
  }
  slot->end = end_event(call, CallStatus::kFailed, "not run: its arguments were changed over and over");
  co_return Result<void>();
}

Async<Result<void>> Dispatcher::run_batch(std::vector<Slot> batch, CancelToken cancel) {
  std::vector<Async<bool>> running;
  for (Slot& slot : batch) {
    if (slot.end) continue;
    CO_TRY_OK(co_await snapshot_before(&slot));
    if (slot.end) continue;
    if (!slot.pending.begun) {
      CO_TRY_OK(co_await record(begin_event(slot.prepared->action(), slot.prepared->title())));
    }
    running.push_back(run_slot(&slot, cancel));
  }
  if (environment_.history != nullptr) environment_.history->mark(host_.state().last_seq);
  co_await runtime::when_all(std::move(running));
  if (std::ranges::any_of(batch, [this](const Slot& slot) { return keeps_history_of(slot); })) {
    CO_TRY_OK(co_await keep_changes());
  }
  std::optional<Error> stop;
  for (Slot& slot : batch) {
    const Result<void> offered = co_await offer_outside(&slot, cancel);
    if (!offered.ok() && !cancel.cancelled()) stop = offered.error();
    for (EventMsg& event : slot.events) {
      if (protocol::is_durable(event)) {
        CO_TRY_OK(co_await record(std::move(event)));
      } else {
        host_.show(std::move(event));
      }
    }
    if (slot.parked) stop = Error{.code = protocol::error_codes::kParked, .message = "a call waits for a person"};
    if (slot.aborted) stop = std::move(slot.aborted);
    if (slot.end) CO_TRY_OK(co_await record(*std::move(slot.end)));
  }
  if (stop) co_return *std::move(stop);
  co_return Result<void>();
}

Async<Result<void>> Dispatcher::keep_changes() {
  const Result<void> kept = co_await environment_.history->after_command();
  if (kept.ok()) co_return Result<void>();
  co_return co_await record(
      protocol::Warning{.code = "undo_incomplete",
                        .message = "what the command changed could not be kept for undo: " + kept.error().text()});
}

Async<Result<void>> Dispatcher::offer_outside(Slot* slot, CancelToken cancel) {
  if (slot->refused.empty() || cancel.cancelled()) co_return Result<void>();
  std::unique_ptr<ports::PreparedCall> outside = slot->prepared->outside_sandbox(slot->refused);
  if (!outside) co_return Result<void>();
  CO_TRY(const GateAnswer answer, co_await host_.gate(outside->action(), cancel));
  if (answer.verdict == GateAnswer::Verdict::kAbort) {
    slot->aborted = aborted_by(answer);
    co_return Result<void>();
  }
  if (answer.verdict != GateAnswer::Verdict::kRun) {
    // The model need not know that nobody was asked.
    if (answer.asked) {
      std::string& output = outcome_of(*slot->end).output;
      output = joined(std::move(output),
                      within_budget(joined("A person was asked whether it may run outside the sandbox, and said no.",
                                           answer.note)));
    }
    co_return Result<void>();
  }
  // Until it has run again, how it ended inside is how it ended.
  Slot again{.pending = slot->pending};
  again.remark = joined("The sandbox stopped this command (" + slot->refused + "); a person then let it run outside.",
                        noted(answer));
  if (answer.amended_arguments) {
    protocol::ToolCall amended = translated(slot->pending.call);
    amended.arguments = *answer.amended_arguments;
    CO_TRY_OK(co_await prepare_and_ask(&again, std::move(amended), cancel));
  } else {
    again.prepared = std::move(outside);
  }
  if (!again.end) CO_TRY_OK(co_await run_again(&again, cancel));
  slot->end = std::move(again.end);
  std::ranges::move(again.events, std::back_inserter(slot->events));
  co_return Result<void>();
}

Async<Result<void>> Dispatcher::run_again(Slot* slot, CancelToken cancel) {
  CO_TRY_OK(co_await snapshot_before(slot));
  if (slot->end) co_return Result<void>();
  CO_TRY_OK(co_await record(begin_event(slot->prepared->action(), slot->prepared->title())));
  (void)co_await run_slot(slot, cancel);
  if (keeps_history_of(*slot)) CO_TRY_OK(co_await keep_changes());
  co_return Result<void>();
}

bool Dispatcher::keeps_history_of(const Slot& slot) const {
  if (environment_.history == nullptr || !slot.prepared) return false;
  const auto& config = host_.state().config;
  const Action& action = slot.prepared->action();
  const bool writes = !config || config->sandbox_mode != protocol::SandboxMode::kReadOnly || action.outside_sandbox;
  return writes && action.kind == Action::Kind::kCommand;
}

Async<Result<void>> Dispatcher::snapshot_before(Slot* slot) {
  if (!keeps_history_of(*slot)) co_return Result<void>();
  environment_.history->mark(host_.state().last_seq);
  const Result<ports::SnapshotSummary> taken = co_await environment_.history->before_command();
  if (!taken.ok()) {
    slot->end = end_event(slot->pending.call, CallStatus::kFailed, within_budget(taken.error().text()));
    slot->prepared.reset();
    co_return Result<void>();
  }
  if (snapshot_told_) co_return Result<void>();
  snapshot_told_ = true;
  co_return co_await record(protocol::WorkspaceSnapshot{.snapshot = host_.new_id("snapshot"),
                                                        .task = host_.state().task ? host_.state().task->task : "",
                                                        .files = taken->files,
                                                        .not_covered = taken->not_covered});
}

void Dispatcher::add_diff(const std::string& diff) {
  if (diff.empty() || diff_.size() >= kMaxDiffBytes) return;
  diff_ += diff;
  if (!diff_.ends_with('\n')) diff_ += '\n';
  if (diff_.size() <= kMaxDiffBytes) return;
  diff_.resize(base::utf8_prefix(diff_, kMaxDiffBytes).size());
  diff_ += "\n[the rest of the diff is left out]\n";
}

Async<bool> Dispatcher::run_slot(Slot* slot, CancelToken cancel) {
  const Action action = slot->prepared->action();
  OutputCapture::Show show;
  if (action.kind == Action::Kind::kCommand) {
    show = [this, id = action.call_id](protocol::OutputStream stream, std::int64_t offset, std::string text) {
      host_.show(
          protocol::ExecCommandOutputDelta{.call_id = id, .offset = offset, .stream = stream, .text = std::move(text)});
    };
  }
  OutputCapture capture(
      host_.blobs(), {.model_bytes = static_cast<std::size_t>(output_tokens_) * 4, .spool_bytes = options_.spool_bytes},
      host_.secrets(), std::move(show));
  const base::MonoTime started = loop_.mono_now();
  Result<ports::RunResult> ran = co_await run_prepared(slot->prepared.get(), &capture, cancel);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.mono_now() - started);
  if (!ran.ok() && ran.error().code == protocol::error_codes::kParked) {
    slot->parked = true;
    co_return true;
  }
  ports::RunResult result;
  if (ran.ok()) {
    result = *std::move(ran);
  } else {
    result.status = cancel.cancelled() ? CallStatus::kCancelled : CallStatus::kFailed;
    if (result.status == CallStatus::kFailed) result.header = ran.error().text();
  }
  if (result.status == CallStatus::kCancelled && cancel.cancelled()) {
    result.header = joined(cancelled_text(cancel.reason(), took), result.header);
  }
  protocol::CallOutcome outcome = capture.finish(joined(slot->remark, result.header));
  outcome.status = result.status;
  outcome.duration_ms = took.count();
  outcome.images = std::move(result.images);
  slot->events = std::move(result.events);
  slot->refused = std::move(result.refused);
  slot->end = end_event(action, std::move(outcome), result.exit_code);
  add_diff(result.diff);
  co_return true;
}

}  // namespace lathe::agent
