#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lathe/base/strings.h"
#include "lathe/engine/chain_calls.h"
#include "lathe/engine/connection.h"
#include "lathe/engine/engine.h"
#include "lathe/engine/policy_calls.h"
#include "lathe/engine/questions.h"
#include "lathe/protocol/record.h"
#include "lathe/runtime/process_context.h"

// Calls and their replies, one handler each.

namespace lathe::engine {

using base::Error;
using base::Result;
using protocol::ReplyMsg;
using runtime::Async;

namespace {

constexpr base::Millis kListLimit{10'000};
/// A local model may have to be loaded first.
constexpr base::Millis kAnswerLimit{60'000};
/// How long a Turn may take to its edge when another daemon is to go on.
constexpr base::Millis kHandOverPatience{30'000};

/// A typed result as a reply.
template <class T>
Async<Result<ReplyMsg>> as_reply(Async<Result<T>> typed) {
  auto result = co_await typed;
  if (!result.ok()) co_return std::move(result).error();
  if constexpr (std::is_void_v<T>) {
    co_return ReplyMsg(protocol::OkReply{});
  } else {
    co_return ReplyMsg(*std::move(result));
  }
}

template <class T>
Result<ReplyMsg> to_reply(Result<T> typed) {
  if (!typed.ok()) return std::move(typed).error();
  return ReplyMsg(*std::move(typed));
}

/// Why the Task of a question that was answered does not go on by that: the answer is not to be given again.
Error recorded_but_parked(Error error, const std::string& session) {
  const std::string go_on = "lathe exec --resume " + session;
  error.message = "the answer is recorded, but its Task does not go on: " + error.message;
  error.hint = error.hint.empty() ? go_on : error.hint + ", then " + go_on;
  return error;
}

Result<void> check_at_least(std::int64_t given, std::int64_t least, std::string_view field) {
  if (given >= least) return {};
  return Error{.code = base::codes::kInvalid,
               .message = fmt::format("{}: {} is below {}, the least that is taken", field, given, least)};
}

/// It stands before the "/" of a record's `by`.
bool is_client_id(std::string_view id) {
  constexpr std::size_t kMaxBytes = 64;
  return id.size() <= kMaxBytes && std::ranges::all_of(id, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

Connection::Reply Connection::call(protocol::Call call) {
  return std::visit([this](auto& typed) { return on(std::move(typed)); }, call);
}

Connection::Reply Connection::on(protocol::Hello call) {
  if (!call.client_id.empty()) {
    if (!is_client_id(call.client_id)) {
      co_return Error{.code = base::codes::kInvalid,
                      .message = fmt::format("hello: client_id \"{}\" is not one", call.client_id),
                      .hint = "up to 64 letters, digits, dots, dashes and underscores"};
    }
    client_ = call.client_id;
  }
  program_ = std::move(call.client);
  ClientContext lent = context_ ? *context_ : ClientContext();
  const bool lends_environment = !call.environment.empty();
  if (lends_environment) {
    // The names of keys may be new ones.
    engine_.parts().refreshed();
    lent.environment = std::move(call.environment);
  }
  if (!call.process.empty()) {
    CO_TRY(base::ProcessContext told, runtime::read_process_context(call.process));
    // Of its groups the system tells.
    told.groups = std::move(lent.process.groups);
    lent.process = std::move(told);
  }
  if (lent != ClientContext()) context_ = std::make_shared<const ClientContext>(std::move(lent));
  if (lends_environment) CO_TRY_OK(lend());
  protocol::HelloReply reply{
      .version = engine_.parts().version,
      .features = {"sessions", "approvals", "policy", "fork", "search", "cassettes", "claim", "watch", "hand_over"}};
  if (find_folder_) reply.features.emplace_back(protocol::kFolderFeature);
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::SessionList call) {
  CO_TRY_OK(check_at_least(call.limit, 0, "limit"));
  CO_TRY(protocol::SessionListReply reply, co_await engine_.parts().index.list(std::move(call)));
  for (protocol::SessionInfo& session : reply.sessions) engine_.set_right(session);
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::SessionGet call) {
  if (call.session.empty()) {
    co_return Error{.code = base::codes::kInvalid,
                    .message = "the session's name is empty",
                    .hint = "an id, the start of one, or \"last\""};
  }
  CO_TRY(const std::vector<std::string> found, co_await engine_.parts().index.find(call.session));
  if (found.empty()) {
    const bool last = call.session == "last";
    co_return Error{.code = base::codes::kNotFound,
                    .message = last ? "there is no session yet" : fmt::format("no session \"{}\"", call.session),
                    .hint = last ? "start one: lathe exec \"…\"" : "lathe session list"};
  }
  if (found.size() > 1) {
    co_return Error{.code = base::codes::kInvalid,
                    .message = fmt::format("\"{}\" is the start of {} sessions", call.session, found.size()),
                    .hint = fmt::format("give more of the id: {} or {}", found[0], found[1])};
  }
  protocol::SessionGetReply reply;
  CO_TRY(reply.session, co_await engine_.parts().index.get(found.front()));
  ports::SessionPlace place = engine_.parts().sessions.place(found.front());
  reply.folder = std::move(place.folder);
  reply.journal = std::move(place.journal);
  if (const LiveSession* live = engine_.find_live(found.front())) {
    engine_.set_right(reply.session);
    for (const auto& question : live->state().questions) reply.open_questions.push_back(question.id);
    co_return ReplyMsg(std::move(reply));
  }
  CO_TRY(const ports::WholePart whole, co_await engine_.parts().sessions.peek_whole(found.front()));
  if (whole.damage || reply.session.state == protocol::SessionState::kDamaged) {
    // What lists say of it is found out where it is looked at.
    CO_TRY_OK(co_await engine_.parts().index.check(found.front()));
    CO_TRY(reply.session, co_await engine_.parts().index.get(found.front()));
  }
  if (whole.damage) {
    reply.session.state = protocol::SessionState::kDamaged;
  } else {
    for (const auto& question : whole.state.questions) reply.open_questions.push_back(question.id);
  }
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::SessionSubscribe call) {
  CO_TRY_OK(check_at_least(call.since, -1, "since"));
  CO_TRY_OK(
      co_await subscribe(call.session, call.since, call.only_looks ? Audience::kOnlyLooks : Audience::kMayAnswer));
  LiveSession* const live = engine_.find_live(call.session);
  CHECK_REQUEST(live != nullptr);
  co_return ReplyMsg(protocol::SessionSubscribeReply{
      .last_seq = live->state().last_seq,
      .state = live->unrecorded_state().value_or(ports::session_state_of(live->state(), live->running())),
      .claimed_by = live->feed().claimed_by()});
}

Connection::Reply Connection::on(protocol::SessionUnsubscribe call) {
  if (LiveSession* live = engine_.find_live(call.session)) live->feed().unsubscribe(queue_.get());
  subscribed_.erase(call.session);
  engine_.audience_changed();
  co_return ReplyMsg(protocol::OkReply{});
}

Connection::Reply Connection::on(protocol::SessionClaim call) {
  CO_TRY(LiveSession* const live, co_await engine_.live(call.session));
  if (call.release) {
    live->feed().release(queue_.get());
    co_return ReplyMsg(protocol::OkReply{});
  }
  if (!live->feed().is_subscribed(queue_.get())) CO_TRY_OK(co_await subscribe(call.session, /*since=*/-1));
  LiveSession* const claimed = engine_.find_live(call.session);
  CHECK_REQUEST(claimed != nullptr);
  CO_TRY_OK(claimed->feed().claim(queue_.get(), name()));
  // Questions wait for nobody else from now on.
  engine_.audience_changed();
  co_return ReplyMsg(protocol::OkReply{});
}

Connection::Reply Connection::on(protocol::SessionFork call) { return as_reply(engine_.fork(std::move(call))); }

Connection::Reply Connection::on(protocol::SessionArchive call) {
  CO_TRY_OK(check_may_drive(call.session));
  co_return co_await as_reply(engine_.archive(call.session, call.archived));
}

// Neither drives the session, so a claim does not keep them off.
Connection::Reply Connection::on(protocol::SessionTag call) { return as_reply(engine_.tag(std::move(call))); }

Connection::Reply Connection::on(protocol::SessionMarkRead call) {
  return as_reply(engine_.mark_read(std::move(call)));
}

Connection::Reply Connection::on(protocol::SessionRemove call) {
  CO_TRY_OK(check_may_drive(call.session));
  co_return co_await as_reply(engine_.remove(call.session));
}

Connection::Reply Connection::on(protocol::SessionSearch call) {
  CO_TRY_OK(check_at_least(call.limit, 0, "limit"));
  co_return co_await as_reply(engine_.parts().index.search(std::move(call)));
}

Connection::Reply Connection::on(protocol::SessionExport call) {
  CO_TRY_OK(check_at_least(call.since, 0, "since"));
  CO_TRY_OK(check_at_least(call.limit, 0, "limit"));
  const auto limit = static_cast<std::size_t>(std::clamp<std::int64_t>(call.limit, 1, 10'000));
  CO_TRY(ports::RecordPage page, co_await engine_.parts().sessions.read(call.session, call.since, limit));
  if (page.damage && page.records.empty()) co_return *std::move(page.damage);
  protocol::SessionExportReply reply;
  // Damage is told where the page after it is asked for.
  if (page.records.size() == limit || page.damage) {
    // It may be megabytes.
    CO_TRY(const protocol::Event last,
           co_await engine_.parts().fs_pool.run([&page] { return protocol::decode_record(page.records.back()); }));
    reply.next = last.seq.value_or(0);
  }
  reply.records = std::move(page.records);
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::ApprovalList) { return as_reply(engine_.parts().index.open_questions()); }

Connection::Reply Connection::on(protocol::ApprovalAnswer call) {
  CO_TRY(const protocol::ApprovalListReply open, co_await engine_.parts().index.open_questions());
  const auto found = std::ranges::find(open.questions, call.id, &protocol::OpenQuestion::id);
  if (found == open.questions.end()) {
    std::vector<std::string> ids;
    for (const auto& question : open.questions) ids.push_back(question.id);
    const auto settled = co_await engine_.parts().index.settled_question(call.id);
    if (settled.ok() && *settled) co_return settled_error(call.id, **settled);
    std::string hint = base::did_you_mean(call.id, ids);
    co_return Error{.code = base::codes::kNotFound,
                    .message = fmt::format("no open question \"{}\"", call.id),
                    .hint = hint.empty() ? "lathe approvals list" : hint};
  }
  const std::string session_id = found->session_id;
  CO_TRY(const std::string waiting, co_await engine_.parked_root(session_id));
  CO_TRY_OK(check_may_drive(waiting));
  CO_TRY_OK(check_may_drive(session_id));
  CO_TRY_OK(co_await subscribe(session_id, /*since=*/-1));
  LiveSession* const live = engine_.find_live(session_id);
  CHECK_REQUEST(live != nullptr);
  const bool resume = call.resume;
  const std::optional<protocol::Budget> budget = call.budget;
  SettledBy by{.who = name(), .submission = client_ + "/" + call.id};
  CO_TRY_OK(co_await live->answer(std::move(call), std::move(by)));
  protocol::ApprovalAnswerReply reply{.session = session_id, .resumed = false};
  if (resume) {
    auto goes_on = co_await go_on_if_answered(session_id, budget);
    if (!goes_on.ok()) {
      const Result<std::string> root = co_await engine_.parked_root(session_id);
      co_return recorded_but_parked(std::move(goes_on).error(), root.value_or(session_id));
    }
    reply.resumed = !goes_on->empty();
    if (reply.resumed) reply.session = *std::move(goes_on);
  }
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::ModelList call) {
  engine_.parts().refreshed();
  ports::ModelDirectory& models = engine_.parts().models;
  CO_TRY(const std::vector<protocol::BackendInfo> backends, co_await models.backends());
  const Result<ports::ResolvedModel> chosen = co_await models.resolve("", "");
  protocol::ModelListReply reply;
  std::vector<std::string> names;
  for (const protocol::BackendInfo& backend : backends) {
    if (call.backend.empty() || backend.name == call.backend) names.push_back(backend.name);
  }
  // A name that is not listed gets its error, with the nearest name, from the directory.
  if (names.empty() && !call.backend.empty()) names.push_back(call.backend);
  for (const std::string& name : names) {
    auto connection = co_await models.connect(name);
    if (!connection.ok()) {
      if (!call.backend.empty()) co_return std::move(connection).error();
      reply.problems.push_back(name + ": " + connection.error().text());
      continue;
    }
    const auto listed = co_await ports::list_models_within(&engine_.parts().loop, connection->get(), kListLimit);
    if (!listed) {
      if (!call.backend.empty()) co_return listed.error().error;
      reply.problems.push_back(name + ": " + listed.error().error.text());
      continue;
    }
    for (const ports::ModelListing& model : *listed) {
      const ports::ModelFacts facts = models.facts(name, model.model);
      protocol::ModelInfo info{.backend = name,
                               .model = model.model,
                               .context_window = model.context_window > 0 ? model.context_window : facts.context_window,
                               .input_micro_usd_per_mtok = {},
                               .output_micro_usd_per_mtok = {},
                               .is_default = chosen.ok() && chosen->backend == name && chosen->model == model.model};
      if (facts.prices) {
        info.input_micro_usd_per_mtok = facts.prices->input;
        info.output_micro_usd_per_mtok = facts.prices->output;
      }
      reply.models.push_back(std::move(info));
    }
  }
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::BackendList) {
  engine_.parts().refreshed();
  CO_TRY(std::vector<protocol::BackendInfo> backends, co_await engine_.parts().models.backends());
  co_return ReplyMsg(protocol::BackendListReply{.backends = std::move(backends)});
}

namespace {

/// Asks for one short answer and gives its text.
Async<Result<std::string>> ask_briefly(runtime::Loop* loop, std::shared_ptr<ports::Model> model, std::string name) {
  const runtime::CancelAfter limit(*loop, runtime::CancelToken(), kAnswerLimit,
                                   {.code = base::codes::kTimeout,
                                    .message = "the model did not answer within a minute",
                                    .hint = "a large model may still be loading: try again",
                                    .retryable = true});
  ports::ModelRequest request;
  request.model = std::move(name);
  request.system_prompt = "Answer in one word.";
  request.items = {ports::UserInputItem{.parts = {ports::ModelText{"Say: ready"}}}};
  request.max_output_tokens = 64;
  auto stream = co_await model->open(std::move(request), limit.token());
  if (!stream) co_return stream.error().error;
  std::string text;
  while (true) {
    const auto events = co_await (*stream)->next(limit.token(), runtime::Deadline::never());
    if (!events) co_return events.error().error;
    if (events->empty()) co_return text;
    for (const ports::ModelEvent& event : *events) {
      if (const auto* delta = std::get_if<ports::TextDelta>(&event)) text += delta->text;
    }
  }
}

}  // namespace

Connection::Reply Connection::on(protocol::BackendTest call) {
  engine_.parts().refreshed();
  runtime::Loop& loop = engine_.parts().loop;
  CO_TRY(const std::shared_ptr<ports::Model> connection, co_await engine_.parts().models.connect(call.backend));
  const base::MonoTime start = loop.mono_now();
  protocol::BackendTestReply reply;
  const auto listed = co_await ports::list_models_within(&loop, connection.get(), kListLimit);
  if (!listed) co_return listed.error().error;
  reply.models = static_cast<std::int64_t>(listed->size());
  if (call.ask_model) {
    CO_TRY(const ports::ResolvedModel resolved, co_await engine_.parts().models.resolve(call.backend, call.model));
    reply.model = resolved.model;
    CO_TRY(reply.answer, co_await ask_briefly(&loop, resolved.connection, resolved.model));
  }
  reply.latency_ms = std::chrono::duration_cast<base::Millis>(loop.mono_now() - start).count();
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::UsageCall call) {
  return as_reply(engine_.parts().index.usage(std::move(call)));
}

Connection::Reply Connection::on(protocol::DaemonStatus) {
  protocol::DaemonStatusReply reply{.version = engine_.parts().version,
                                    .clients = static_cast<std::int64_t>(engine_.clients()),
                                    .listen = engine_.parts().listen_address};
  if (const SettingsState settings = engine_.parts().refreshed(); settings.problem) {
    reply.settings_problem = settings.problem->text();
  }
  std::vector<std::string> open = engine_.open_sessions();
  // Nobody is kept from the daemon's status by an index, which is not even opened where there is nothing to ask it.
  if (open.empty()) co_return ReplyMsg(std::move(reply));
  auto sessions = co_await engine_.parts().index.get_all(std::move(open));
  if (sessions.ok()) reply.sessions = *std::move(sessions);
  for (protocol::SessionInfo& session : reply.sessions) engine_.set_right(session);
  co_return ReplyMsg(std::move(reply));
}

Connection::Reply Connection::on(protocol::DaemonReload) {
  if (!engine_.parts().refresh) {
    co_return Error{.code = base::codes::kUnsupported, .message = "this engine reads the person's files once"};
  }
  SettingsState settings = engine_.parts().refreshed();
  if (settings.problem) co_return *std::move(settings.problem);
  co_return ReplyMsg(protocol::OkReply{});
}

Connection::Reply Connection::on(protocol::DaemonStop call) {
  if (!engine_.parts().end_process) {
    co_return Error{.code = base::codes::kUnsupported, .message = "this engine is no daemon: it ends with its client"};
  }
  if (call.if_unused && (engine_.clients() > 1 || engine_.in_use())) {
    co_return Error{.code = base::codes::kLocked, .message = "the daemon is in use"};
  }
  engine_.parts().end_process("a client asked for it");
  co_return ReplyMsg(protocol::OkReply{});
}

Connection::Reply Connection::on(protocol::DaemonHandOver) {
  EngineParts& parts = engine_.parts();
  // What clients lent is for no one but the person whose daemon this is.
  if (!parts.end_process || !came_locally_) {
    co_return Error{.code = base::codes::kPermission,
                    .message = "only a client of the daemon's socket may have it hand over",
                    .hint = "lathe daemon restart"};
  }
  const HandedSessions handed = co_await engine_.hand_over(kHandOverPatience);
  parts.end_process("another one takes its place");
  co_return ReplyMsg(protocol::DaemonHandOverReply{.state = text_of(handed), .listen = parts.listen_address});
}

Connection::Reply Connection::on(protocol::Vitals) { return as_reply(engine_.vitals()); }

Connection::Reply Connection::on(protocol::Watch call) {
  engine_.unwatch(queue_.get());
  CO_TRY_OK(
      co_await engine_.watch(call.archived ? SessionWatch::Shows::kAll : SessionWatch::Shows::kListed).add(queue_));
  co_return ReplyMsg(protocol::OkReply{});
}

Connection::Reply Connection::on(protocol::IndexRebuild) { return as_reply(engine_.parts().index.rebuild()); }

Connection::Reply Connection::on(protocol::Undo call) {
  CO_TRY_OK(check_may_drive(call.session));
  CO_TRY_OK(co_await subscribe(call.session, /*since=*/-1));
  LiveSession* live = engine_.find_live(call.session);
  CHECK_REQUEST(live != nullptr);
  co_return co_await as_reply(
      live->undo(std::move(call), client_ + "/" + base::short_id("undo", engine_.parts().random)));
}

Connection::Reply Connection::on(protocol::PolicyExplain call) {
  EngineParts& parts = engine_.parts();
  if (!parts.read_call)
    co_return base::Error{.code = base::codes::kUnsupported, .message = "calls are not explained here"};
  CO_TRY(protocol::ToolCall meant, explained_call(call));
  CO_TRY(const ports::Action action, co_await parts.read_call(std::move(meant), call.cwd));
  // Both may be set anew meanwhile.
  const PolicyPlaces places = parts.policy.places();
  const config::Config config = parts.config;
  co_return to_reply(co_await parts.fs_pool.run([&] { return explain(places, config, call, action); }));
}

Connection::Reply Connection::on(protocol::PolicyTest call) {
  EngineParts& parts = engine_.parts();
  const PolicyPlaces places = parts.policy.places();
  co_return to_reply(co_await parts.fs_pool.run([&] { return test_rules(places, call); }));
}

Connection::Reply Connection::on(protocol::ChainCheck call) {
  co_return protocol::ReplyMsg(co_await engine_.parts().fs_pool.run([&call] { return check_chain(call); }));
}

Connection::Reply Connection::on(protocol::ChainShow call) {
  co_return to_reply(co_await engine_.parts().fs_pool.run([&call] { return show_chain(call); }));
}

Connection::Reply Connection::on(protocol::ChainSchema) { co_return protocol::ReplyMsg(chain_schema()); }

Connection::Reply Connection::on(protocol::TrustList call) {
  EngineParts& parts = engine_.parts();
  co_return to_reply(co_await parts.fs_pool.run([&] { return list_trust(parts.policy.places().trust_file, call); }));
}

Connection::Reply Connection::on(protocol::TrustSet call) {
  EngineParts& parts = engine_.parts();
  co_return to_reply(co_await parts.fs_pool.run([&] { return set_trust(parts.policy.places().trust_file, call); }));
}

}  // namespace lathe::engine
