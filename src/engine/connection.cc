#include "lathe/engine/connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/engine/engine.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

bool is_answer(const protocol::Op& op) {
  return std::holds_alternative<protocol::Approval>(op) || std::holds_alternative<protocol::ExecApproval>(op) ||
         std::holds_alternative<protocol::PatchApproval>(op) || std::holds_alternative<protocol::UserAnswer>(op);
}

}  // namespace

Connection::Connection(Engine& engine, std::string client)
    : engine_(engine), client_(std::move(client)), queue_(std::make_shared<EventQueue>(engine.parts().loop)) {
  engine_.client_came(*this);
}

Connection::~Connection() {
  engine_.client_left(*this);
  engine_.unwatch(queue_.get());
  for (const std::string& id : subscribed_) {
    if (LiveSession* session = engine_.find_live(id)) session->feed().unsubscribe(queue_.get());
  }
  if (!subscribed_.empty()) engine_.audience_changed();
}

Async<Result<void>> Connection::subscribe(std::string session, std::int64_t since, Audience audience) {
  CO_TRY(LiveSession* const live, co_await engine_.live(session));
  subscribed_.insert(session);
  Result<void> subscribed = co_await live->feed().subscribe(queue_, since, audience);
  // It may have been one that answers before.
  if (audience == Audience::kOnlyLooks) engine_.audience_changed();
  co_return subscribed;
}

Async<Result<protocol::Ack>> Connection::configure_new(protocol::ConfigureSession op, std::string op_id) {
  CO_TRY(LiveSession* const session, co_await engine_.create(std::move(op), client_ + "/" + op_id));
  session->use_context(context_);
  configured_session_ = session->state().session_id;
  CO_TRY_OK(co_await subscribe(configured_session_, /*since=*/0));
  co_return protocol::Ack{.id = op_id, .seq = session->state().last_seq, .session = configured_session_};
}

Result<void> Connection::lend() const {
  if (!context_ || !context_->environment || !engine_.parts().borrow) return {};
  return engine_.parts().borrow(*context_->environment);
}

Async<Result<std::string>> Connection::go_on_if_answered(std::string session, std::optional<protocol::Budget> budget) {
  const auto waits_no_more = [this](const std::string& id) {
    // It may have been closed meanwhile.
    const LiveSession* const live = engine_.find_live(id);
    return live != nullptr && live->state().questions.empty() && live->state().task && live->state().task->parked;
  };
  if (!waits_no_more(session)) co_return "";
  // A sub-agent goes on with the Task that waits for it.
  CO_TRY(std::string root, co_await engine_.parked_root(session));
  CO_TRY_OK(check_may_drive(root));
  if (root != session) CO_TRY_OK(co_await subscribe(root, /*since=*/-1));
  if (!waits_no_more(root)) co_return "";
  const Result<std::int64_t> gone_on = co_await engine_.find_live(root)->go_on(std::move(budget));
  const LiveSession* const live = engine_.find_live(root);
  // Whoever answered the last question beside this one may have been faster.
  if (!gone_on.ok() && (live == nullptr || !live->running())) co_return gone_on.error();
  co_return root;
}

Async<Result<protocol::Ack>> Connection::submit(std::string session, protocol::Op op, std::string op_id,
                                                base::UniqueFd folder) {
  const bool configures = std::holds_alternative<protocol::ConfigureSession>(op);
  if (configures) {
    // Which backend is meant where none is named is for this client to say, whoever lent what meanwhile.
    CO_TRY_OK(lend());
    if (unfit_) co_return *unfit_;
    auto& configure = std::get<protocol::ConfigureSession>(op);
    CO_TRY(configure.cwd,
           co_await find_folder(session.empty() ? configured_session_ : session, configure.cwd, std::move(folder)));
  }
  if (session.empty()) {
    if (configures && configured_session_.empty()) {
      co_return co_await configure_new(std::get<protocol::ConfigureSession>(std::move(op)), std::move(op_id));
    }
    if (configured_session_.empty()) {
      co_return Error{.code = protocol::error_codes::kNotConfigured,
                      .message = "this connection has no session",
                      .hint = "send configure_session first, or name a session"};
    }
    session = configured_session_;
  }
  CO_TRY(LiveSession* const live, co_await engine_.live(session));
  CO_TRY_OK(live->feed().check_may_drive(queue_.get()));
  const bool only_ends =
      std::holds_alternative<protocol::Interrupt>(op) || std::holds_alternative<protocol::Shutdown>(op);
  if (!only_ends) CO_TRY_OK(lend_context(*live, configures ? Comes::kToConfigure : Comes::kToUse));
  if (configures) {
    configured_session_ = session;
    if (!live->feed().is_subscribed(queue_.get())) CO_TRY_OK(co_await subscribe(session, /*since=*/-1));
  }
  const bool closes = std::holds_alternative<protocol::Shutdown>(op);
  const bool answers = is_answer(op);
  CO_TRY(protocol::Ack ack, co_await live->submit(std::move(op), std::move(op_id), client_, name()));
  if (closes) {
    if (configured_session_ == session) configured_session_.clear();
    CO_TRY_OK(co_await engine_.close(std::move(session)));
  } else if (answers) {
    const auto gone_on = co_await go_on_if_answered(session, std::nullopt);
    LiveSession* const answered = engine_.find_live(session);
    // The answer counts all the same.
    if (!gone_on.ok() && answered != nullptr) co_await answered->tell_not_continued(gone_on.error());
  }
  co_return ack;
}

void Connection::came_locally(Result<std::optional<base::UserGroups>> groups, FindFolder find_folder) {
  came_locally_ = true;
  find_folder_ = std::move(find_folder);
  if (!groups.ok()) {
    unfit_ = std::move(groups).error();
  } else if (*groups) {
    context_ = std::make_shared<const ClientContext>(
        ClientContext{.environment = std::nullopt, .process = {.groups = *std::move(groups)}});
  }
}

void Connection::speaks_for_another() {
  came_locally_ = false;
  find_folder_ = {};
  unfit_.reset();
  context_.reset();
  configured_session_.clear();
}

Async<Result<std::optional<std::string>>> Connection::find_folder(std::string session, std::optional<std::string> named,
                                                                  base::UniqueFd folder) {
  const bool stays = !named && !folder;
  if (!find_folder_ || (stays && session.empty())) co_return named;
  if (stays) {
    CO_TRY(const LiveSession* const live, co_await engine_.live(std::move(session)));
    named = live->state().config->cwd;
  }
  auto find = [find = find_folder_, path = std::move(named).value_or(""), fd = folder.get()] { return find(path, fd); };
  CO_TRY(std::string found, co_await engine_.parts().fs_pool.run(std::move(find)));
  co_return stays ? std::nullopt : std::optional(std::move(found));
}

Result<void> Connection::lend_context(LiveSession& session, Comes comes) const {
  if (unfit_) return *unfit_;
  if (context_ && (comes == Comes::kToConfigure || !session.context())) session.use_context(context_);
  return {};
}

Result<void> Connection::check_may_drive(const std::string& session) {
  LiveSession* const live = engine_.find_live(session);
  return live == nullptr ? Result<void>() : live->feed().check_may_drive(queue_.get());
}

std::string Connection::name() const {
  return program_.empty() || program_ == client_ ? client_ : fmt::format("{} ({})", program_, client_);
}

void Connection::only_listens() {
  queue_->only_listens();
  if (!subscribed_.empty()) engine_.audience_changed();
}

bool Connection::has_running_task() const {
  return std::ranges::any_of(subscribed_, [this](const std::string& id) {
    const LiveSession* session = engine_.find_live(id);
    return session != nullptr && session->running();
  });
}

Async<Result<std::vector<Delivered>>> Connection::events(runtime::CancelToken cancel, runtime::Deadline deadline) {
  return queue_->next(std::move(cancel), deadline);
}

}  // namespace lathe::engine
