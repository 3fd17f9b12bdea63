#include "lathe/engine/live_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/engine/recovery.h"
#include "lathe/engine/task_outcome.h"
#include "lathe/engine/undo_points.h"
#include "lathe/engine/user_content.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using protocol::AbortReason;
using protocol::EventMsg;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

namespace {

/// In a row or column of a terminal, as the system counts them.
constexpr std::int64_t kMostTerminalCells = 65'535;

Error wrong_kind_of_answer(bool asks_person) {
  return {.code = base::codes::kInvalid,
          .message = asks_person ? "the model asked a question; approving or denying does not answer it"
                                 : "this asks for an approval; a text does not answer it",
          .hint = asks_person ? "--answer TEXT" : "--approve or --deny, with --note TEXT for the model"};
}

Error too_many_tasks(std::int64_t asked, std::size_t there) {
  if (there == 0) return {.code = base::codes::kInvalid, .message = "there is no Task to take back"};
  return {.code = base::codes::kInvalid,
          .message = fmt::format("{} Tasks cannot be taken back: the conversation has {}", asked, there),
          .hint = fmt::format("--tasks {} takes back all of it", there)};
}

/// A session stays at the backend that it was configured with. When that is gone nobody else is asked in its place, as
/// the conversation would go to another company unasked; the person is told how.
Error own_backend_error(Error error, const protocol::SessionConfigured& config) {
  const bool recorded = config.provider == protocol::kRecordingProvider;
  if (error.code != base::codes::kNotFound || recorded) return error;
  error.message += fmt::format(", which this session uses (model {})", config.model);
  error.hint += "; to go on at another one: --backend NAME, or --model BACKEND/MODEL";
  return error;
}

}  // namespace

LiveSession::LiveSession(EngineParts& parts, SessionFamily& family, std::unique_ptr<ports::SessionStream> stream)
    : parts_(parts),
      family_(family),
      stream_(std::move(stream)),
      feed_(*stream_, parts_.observers),
      host_(parts, *stream_, feed_),
      children_(parts, family, host_, feed_, [this] { return room(); }),
      let_go_(parts.loop),
      changing_(parts.loop),
      visits_ended_(parts.loop),
      task_ended_(parts.loop),
      ops_(parts.loop, kMaxWaitingOps + kOwnOps),
      scope_(parts.loop) {
  host_.set_room([this] { return room(); });
}

LiveSession::~LiveSession() = default;

Async<Result<std::unique_ptr<LiveSession>>> LiveSession::start(EngineParts& parts, SessionFamily& family,
                                                               std::unique_ptr<ports::SessionStream> stream,
                                                               std::optional<protocol::SessionConfigured> config,
                                                               std::string by, SharedContext context) {
  auto session = std::make_unique<LiveSession>(parts, family, std::move(stream));
  session->use_context(std::move(context));
  Result<void> begun = co_await session->begin(std::move(config), std::move(by));
  if (!begun.ok()) {
    co_await session->stream_->close();
    co_return std::move(begun).error();
  }
  session->scope_.spawn(session->work());
  co_return session;
}

Async<Result<void>> LiveSession::begin(std::optional<protocol::SessionConfigured> config, std::string by) {
  for (ports::EventObserver* observer : parts_.observers) observer->opened(state());
  // One that is there already may be looked at whatever its project's rules are by now.
  if (config) CO_TRY_OK(co_await read_project_rules(&parts_, config->cwd));
  if (state().task) host_.set_submission(state().task->submission);
  CO_TRY_OK(co_await recover());
  if (config) CO_TRY_OK(co_await host_.record_by(EventMsg(*std::move(config)), std::move(by)));
  if (!state().config) {
    co_return Error{.code = base::codes::kCorrupt,
                    .message = fmt::format("session {} has no configuration", state().session_id)};
  }
  co_return Result<void>();
}

Async<Result<void>> LiveSession::recover() {
  const bool any_under_way = state().task || !state().jobs.empty();
  if (any_under_way && state().config) {
    CO_TRY_OK(co_await ensure_driver());
    for (EventMsg& msg : co_await driver_->recover(state())) CO_TRY_OK(co_await host_.record(std::move(msg)));
  }
  const Recovery recovery = plan_recovery(state(), stream_->recovered_drafts());
  if (recovery.leftover == Leftover::kCutShort) CO_TRY_OK(co_await record_lost_agents());
  for (const EventMsg& msg : recovery.records) CO_TRY_OK(co_await host_.record(msg));
  co_return Result<void>();
}

bool LiveSession::forsaken() const {
  const bool waits = handling_ || ops_.size() > 0 || !queued_.empty();
  const bool agent = state().config && !state().config->parent_session.empty();
  return !busy() && !waits && !agent && state().jobs.empty() && !feed_.has_subscribers();
}

LiveSession::Seq LiveSession::handle(const Pending& pending) {
  const std::string& by = pending.by;
  const SettledBy answerer{.who = pending.who, .submission = by};
  const protocol::Op& op = pending.op;
  if (const auto* m = std::get_if<protocol::ConfigureSession>(&op)) return configure(*m, by);
  if (const auto* m = std::get_if<protocol::UserInput>(&op)) return input(*m, pending.op_id, by);
  if (std::holds_alternative<protocol::Interrupt>(op)) return interrupt(by);
  if (const auto* m = std::get_if<protocol::Approval>(&op)) {
    return host_.settle(m->id, m->decision, m->note, m->amended_input, answerer);
  }
  if (const auto* m = std::get_if<protocol::ExecApproval>(&op)) {
    return host_.settle(m->id, m->decision, m->note, m->amended_input, answerer);
  }
  if (const auto* m = std::get_if<protocol::PatchApproval>(&op)) {
    return host_.settle(m->id, m->decision, m->note, m->amended_input, answerer);
  }
  if (const auto* m = std::get_if<protocol::UserAnswer>(&op)) return host_.answer(m->id, m->answers, answerer);
  if (const auto* m = std::get_if<protocol::AddContext>(&op)) {
    const std::string from = m->path.empty() ? "" : "From " + m->path + ":\n";
    return host_.record_by(
        protocol::ContextAdded{
            .item = host_.new_id("item"), .kind = protocol::ContextKind::kUserContext, .text = from + m->text},
        by);
  }
  if (const auto* m = std::get_if<protocol::Mention>(&op)) {
    std::string text = "The user points at " + m->path;
    if (m->line_start > 0) text += fmt::format(", lines {} to {}", m->line_start, std::max(m->line_start, m->line_end));
    return host_.record_by(
        protocol::ContextAdded{
            .item = host_.new_id("item"), .kind = protocol::ContextKind::kUserContext, .text = text + "."},
        by);
  }
  if (const auto* m = std::get_if<protocol::TerminalInput>(&op)) return type(*m);
  if (const auto* m = std::get_if<protocol::TerminalResize>(&op)) return resize(*m);
  if (const auto* m = std::get_if<protocol::SetModel>(&op)) return set_model(*m, by);
  if (const auto* m = std::get_if<protocol::Rollback>(&op)) return rollback(*m, by);
  if (std::holds_alternative<protocol::Compact>(op)) return start_task(std::nullopt, pending.op_id, by);
  return shut_down(by);
}

LiveSession::Seq LiveSession::type(protocol::TerminalInput op) {
  if (!driver_) co_return ports::no_job(op.job);
  CO_TRY_OK(co_await driver_->type(op.job, op.text));
  co_return state().last_seq;
}

LiveSession::Seq LiveSession::resize(protocol::TerminalResize op) {
  for (const auto& [name, value] : {std::pair("columns", op.columns), std::pair("rows", op.rows)}) {
    if (value >= 1 && value <= kMostTerminalCells) continue;
    co_return Error{.code = base::codes::kInvalid,
                    .message = fmt::format("{} must be from 1 to {}, not {}", name, kMostTerminalCells, value)};
  }
  Result<void> resized = driver_ ? driver_->resize(op.job, op.columns, op.rows) : ports::no_job(op.job);
  if (!resized.ok()) co_return std::move(resized).error();
  co_return state().last_seq;
}

void LiveSession::record_aside(EventMsg msg) {
  if (protocol::is_durable(msg)) {
    scope_.spawn(record_now(std::move(msg)));
  } else {
    host_.show(std::move(msg));
  }
}

Async<void> LiveSession::record_now(EventMsg msg) {
  // A disk that takes no records is told of by the Task, or by the next op.
  (void)co_await host_.record(std::move(msg));
}

LiveSession::Seq LiveSession::configure(protocol::ConfigureSession op, std::string by) {
  CO_TRY_OK(check_takes_work());
  CO_TRY(protocol::SessionConfigured config,
         co_await make_configuration(&parts_, std::move(op), state().config, state().session_id));
  CO_TRY_OK(co_await read_project_rules(&parts_, config.cwd));
  if (state().task && running_) CO_TRY_OK(co_await end_task(AbortReason::kReconfigured, ""));
  candidates_.clear();
  co_return co_await host_.record_by(EventMsg(std::move(config)), std::move(by));
}

LiveSession::Seq LiveSession::input(protocol::UserInput op, std::string op_id, std::string by) {
  if (op.output_schema) CO_TRY_OK(check_output_schema(*op.output_schema));
  const std::string cwd = state().config->cwd;
  ports::BlobStore* blobs = &parts_.blobs;
  const bool only_text = std::ranges::all_of(
      op.items, [](const protocol::ContentPart& part) { return std::holds_alternative<protocol::TextPart>(part); });
  if (only_text) {
    CO_TRY(op.items, settle_content(op.items, cwd, *blobs));
  } else {
    auto settle = [items = op.items, cwd, blobs] { return settle_content(items, cwd, *blobs); };
    CO_TRY(op.items, co_await parts_.fs_pool.run(std::move(settle)));
  }
  if (op.items.empty()) {
    if (state().task && state().task->parked) co_return co_await resume_parked(op.budget);
    co_return Error{.code = base::codes::kInvalid, .message = "the input is empty", .hint = "say what is to be done"};
  }
  const bool answered = !running_ && state().task && state().task->parked && state().questions.empty();
  if (answered && op.if_busy == protocol::IfBusy::kSteer) CO_TRY_OK(co_await resume_parked(op.budget));
  if (running_ && op.if_busy == protocol::IfBusy::kSteer) co_return co_await steer(std::move(op.items), std::move(by));
  CO_TRY_OK(check_takes_work());
  if (op.last_response_id) CO_TRY_OK(find_bookmark(*op.last_response_id));
  if (state().task) {
    // A Task is not ended for one that may not start.
    CO_TRY_OK(co_await read_project_rules(&parts_, cwd));
    CO_TRY_OK(co_await end_task(AbortReason::kReplaced, ""));
  }
  co_return co_await start_task(std::move(op), std::move(op_id), std::move(by));
}

LiveSession::Seq LiveSession::steer(std::vector<protocol::ContentPart> content, std::string by) {
  protocol::UserMessage message{.item = host_.new_id("item"), .content = std::move(content), .steer = true};
  CO_TRY(const std::int64_t seq, co_await host_.record_by(EventMsg(std::move(message)), std::move(by)));
  host_.steered();
  children_.ring();
  co_return seq;
}

LiveSession::Seq LiveSession::interrupt(std::string by) {
  if (!state().task) co_return state().last_seq;
  co_return co_await end_task(AbortReason::kInterrupted, std::move(by));
}

LiveSession::Seq LiveSession::shut_down(std::string by) {
  // The end of the Task would start the next one.
  refuse_queued();
  // A parked Task needs no process, so it outlives this one.
  if (!running_) co_return state().last_seq;
  co_return co_await end_task(AbortReason::kShutdown, std::move(by));
}

LiveSession::Seq LiveSession::set_model(protocol::SetModel op, std::string by) {
  const bool alone = op.backend.empty() && op.model.find('/') == std::string::npos;
  const std::string backend = alone ? state().config->backend : op.backend;
  CO_TRY(ports::ResolvedModel resolved, co_await parts_.models.resolve(backend, op.model));
  protocol::SessionUpdated updated{.model = resolved.model,
                                   .backend = resolved.backend,
                                   .provider = std::string(resolved.connection->provider()),
                                   .title = {}};
  const protocol::SessionConfigured& before = *state().config;
  // Where the one before has no key, its first fallback is in front.
  const bool in_front = !candidates_.empty() && candidates_.front().backend == before.backend &&
                        candidates_.front().model == before.model;
  if (!in_front) {
    candidates_.insert(candidates_.begin(), std::move(resolved));
  } else {
    candidates_.front() = std::move(resolved);
  }
  co_return co_await host_.record_by(EventMsg(std::move(updated)), std::move(by));
}

LiveSession::Seq LiveSession::rollback(protocol::Rollback op, std::string by) {
  if (running_) {
    co_return Error{.code = base::codes::kUnavailable,
                    .message = "a Task is running; nothing was rolled back",
                    .hint = fmt::format("wait for it, or stop it: lathe attach {}, then Ctrl-C", state().session_id)};
  }
  protocol::RolledBack rolled;
  if (!op.to.response_id.empty()) {
    CO_TRY(const ports::Bookmark mark, find_bookmark(op.to.response_id));
    rolled.to_seq = mark.seq;
    rolled.response_id = mark.response_id;
  } else if (op.to.tasks >= 1) {
    const auto& starts = state().task_starts;
    if (std::cmp_greater(op.to.tasks, starts.size())) co_return too_many_tasks(op.to.tasks, starts.size());
    rolled.to_seq = starts[starts.size() - static_cast<std::size_t>(op.to.tasks)] - 1;
    rolled.tasks = op.to.tasks;
  } else {
    co_return Error{.code = base::codes::kInvalid,
                    .message = "rollback: say how far: response_id, or tasks of 1 or more"};
  }
  if (op.files == protocol::RollbackFiles::kRestore) {
    UndoPoint to{.seq = rolled.to_seq, .name = rolled.response_id};
    if (to.name.empty()) {
      CO_TRY(to.name, co_await task_after(stream_.get(), rolled.to_seq));
    }
    CO_TRY_OK(co_await restore_files(std::move(to), ports::RestoreMode::kRestore, ""));
  }
  co_return co_await host_.record_by(EventMsg(std::move(rolled)), std::move(by));
}

Result<ports::Bookmark> LiveSession::find_bookmark(const std::string& response_id) const {
  const auto found = state().bookmarks.find(response_id);
  if (found) return found->mark;
  return Error{.code = base::codes::kNotFound,
               .message = fmt::format("no Turn \"{}\" in this session", response_id),
               .hint = "lathe session show " + state().session_id + " names its Turns"};
}

Async<Result<void>> LiveSession::continue_from(std::string response_id) {
  CO_TRY(const ports::Bookmark mark, find_bookmark(response_id));
  if (mark.seq == state().bookmarks.last()->seq &&
      state().conversation.entries.size() == state().conversation.counted_entries) {
    co_return Result<void>();
  }
  protocol::RolledBack rolled{.to_seq = mark.seq, .response_id = mark.response_id, .tasks = 0};
  CO_TRY_OK(co_await host_.record(EventMsg(std::move(rolled))));
  co_return Result<void>();
}

Async<Result<void>> LiveSession::resolve_models() {
  if (!candidates_.empty()) co_return Result<void>();
  const protocol::SessionConfigured config = *state().config;
  std::vector<ports::ResolvedModel> resolved;
  std::vector<protocol::Warning> skipped;
  auto first = co_await parts_.models.resolve_again(config.backend, config.model);
  if (first.ok()) {
    resolved.push_back(*first);
  } else if (first.error().code == protocol::error_codes::kNoKey) {
    skipped.push_back({.code = "model_skipped",
                       .message = fmt::format("{}/{}: {}", config.backend, config.model, first.error().text())});
  } else {
    co_return own_backend_error(std::move(first).error(), config);
  }
  for (const std::string& name : config.fallback_models) {
    auto fallback = co_await parts_.models.resolve("", name);
    if (fallback.ok()) {
      resolved.push_back(*std::move(fallback));
      continue;
    }
    skipped.push_back(
        {.code = "fallback_skipped", .message = fmt::format("fallback {}: {}", name, fallback.error().text())});
  }
  if (resolved.empty()) co_return std::move(first).error();
  for (protocol::Warning& warning : skipped) CO_TRY_OK(co_await host_.record(EventMsg(std::move(warning))));
  candidates_ = std::move(resolved);
  co_return Result<void>();
}

LiveSession::Seq LiveSession::start_task(std::optional<protocol::UserInput> op, std::string op_id, std::string by) {
  CO_TRY_OK(check_takes_work());
  if (running_) {
    co_return Error{.code = base::codes::kUnavailable, .message = "a Task is running", .hint = "interrupt it first"};
  }
  CO_TRY_OK(co_await read_project_rules(&parts_, state().config->cwd));
  host_.set_submission(std::move(op_id));
  CO_TRY_OK(co_await take_settings());
  CO_TRY_OK(co_await follow_settings());
  CO_TRY_OK(co_await resolve_models());
  CO_TRY_OK(co_await tell_warnings());
  if (op && op->last_response_id) CO_TRY_OK(co_await continue_from(*op->last_response_id));

  ports::TaskRequest request;
  request.task = base::uuid7(parts_.loop.unix_now(), parts_.random);
  request.budget = op && op->budget ? over(*op->budget, state().config->budget) : state().config->budget;
  request.output_schema = op ? op->output_schema : std::nullopt;
  request.compact_only = !op;
  protocol::TaskStarted started{.task = request.task,
                                .context_window = candidates_.front().facts.context_window,
                                .budget = request.budget,
                                .output_schema = request.output_schema,
                                .compact_only = request.compact_only};
  // Another process may be about to take its place by now.
  CO_TRY_OK(check_takes_work());
  const std::string started_by = op ? "" : by;
  CO_TRY(std::int64_t seq, co_await host_.record_by(EventMsg(std::move(started)), started_by));
  if (op) {
    protocol::UserMessage message{.item = host_.new_id("item"), .content = std::move(op->items), .steer = false};
    CO_TRY(seq, co_await host_.record_by(EventMsg(std::move(message)), std::move(by)));
  }
  running_.emplace(parts_.loop.mono_now());
  scope_.spawn(run_task(std::move(request), Begun::kNow));
  co_return seq;
}

LiveSession::Seq LiveSession::answer(protocol::ApprovalAnswer answer, SettledBy by) {
  if (closing_) co_return closing_error();
  const Visit visit(*this);
  if (kept_end_) {
    const runtime::AsyncMutex::Holder held = co_await alone();
    CO_TRY_OK(co_await record_kept_end());
  }
  // An answer that nothing may follow is not taken.
  if (!running_) CO_TRY_OK(co_await read_project_rules(&parts_, state().config->cwd));
  const auto found = std::ranges::find(state().questions, answer.id, &ports::OpenQuestionState::id);
  const bool open = found != state().questions.end();
  const bool asks_person =
      open ? std::holds_alternative<protocol::UserQuestion>(found->request) : !answer.answers.empty();
  if (open && asks_person == answer.answers.empty()) co_return wrong_kind_of_answer(asks_person);
  if (asks_person) co_return co_await host_.answer(answer.id, answer.answers, std::move(by));
  co_return co_await host_.settle(answer.id, answer.decision, answer.note, std::nullopt, std::move(by));
}

Async<void> LiveSession::close() {
  closing_ = true;
  while (visits_ > 0) (void)co_await visits_ended_.wait(CancelToken(), Deadline::never());
  // Through the worker like every other op: only it ends Tasks.
  auto done = std::make_shared<runtime::OneShot<Result<std::int64_t>>>(parts_.loop);
  if (ops_.try_send({.op = protocol::Shutdown{}, .op_id = {}, .by = {}, .done = done})) {
    (void)co_await done->wait(CancelToken(), Deadline::never());
  }
  refuse_queued();
  co_await children_.stop();
  ops_.close();
  // The ends of its jobs are recorded in the scope.
  if (driver_ && hands_over_) co_await driver_->leave();
  if (driver_ && !hands_over_) co_await driver_->stop();
  while (letting_go_) (void)co_await let_go_.wait(CancelToken(), Deadline::never());
  co_await scope_.stop();
  driver_.reset();
  co_await stream_->close();
  host_.show(protocol::ShutdownComplete{.handed_over = hands_over_});
}

}  // namespace lathe::engine
