#include "lathe/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/runtime/scope.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

Error has_running_task(const std::string& session_id) {
  return {.code = base::codes::kLocked,
          .message = fmt::format("session {} has a running Task", session_id),
          .hint = fmt::format("wait for it, or stop it: lathe attach {}, then Ctrl-C", session_id)};
}

}  // namespace

Engine::Engine(EngineParts parts)
    : parts_(std::move(parts)),
      opening_(parts_.loop),
      leaving_(parts_.loop),
      watch_of_listed_(parts_, SessionWatch::Shows::kListed, [this](auto& session) { set_right(session); }),
      watch_of_all_(parts_, SessionWatch::Shows::kAll, [this](auto& session) { set_right(session); }) {}
Engine::~Engine() { CHECK(sessions_.empty()); }

std::unique_ptr<Connection> Engine::connect(std::string client) {
  return std::make_unique<Connection>(*this, std::move(client));
}

std::vector<std::string> Engine::open_sessions() const {
  std::vector<std::string> ids;
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  return ids;
}

bool Engine::in_use() const {
  return std::ranges::any_of(sessions_, [](const auto& session) { return !session.second->forsaken(); });
}

void Engine::set_right(protocol::SessionInfo& session) const {
  const auto found = sessions_.find(session.session_id);
  if (found == sessions_.end()) return;
  session.state = found->second->unrecorded_state().value_or(session.state);
}

LiveSession* Engine::find_live(const std::string& session_id) {
  const auto found = sessions_.find(session_id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void Engine::unwatch(const EventQueue* queue) {
  watch_of_listed_.remove(queue);
  watch_of_all_.remove(queue);
}

void Engine::list_changed() {
  watch_of_listed_.look_at_all();
  watch_of_all_.look_at_all();
}

void Engine::audience_changed() {
  for (const auto& [id, session] : sessions_) session->audience_changed();
}

Async<Result<LiveSession*>> Engine::adopt(std::unique_ptr<ports::SessionStream> stream,
                                          std::optional<protocol::SessionConfigured> config, std::string by) {
  if (closing_) {
    co_await stream->close();
    if (handing_over_) co_return LiveSession::handing_over_error();
    co_return Error{
        .code = base::codes::kUnavailable, .message = "the engine is closing", .hint = "try again", .retryable = true};
  }
  auto expected = expected_.extract(stream->state().session_id);
  CO_TRY(auto session, co_await LiveSession::start(parts_, *this, std::move(stream), std::move(config), std::move(by),
                                                   expected ? expected.mapped() : SharedContext()));
  if (handing_over_) session->hand_over();
  LiveSession* adopted = session.get();
  adopted->feed().on_record([this] {
    watch_of_listed_.look_soon();
    watch_of_all_.look_soon();
  });
  sessions_.emplace(adopted->state().session_id, std::move(session));
  co_return adopted;
}

Async<Result<LiveSession*>> Engine::live(std::string session_id) {
  const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  const runtime::AsyncMutex::Holder nobody_leaves = co_await leaving_.lock();
  if (LiveSession* open = find_live(session_id)) co_return open;
  CO_TRY(auto stream, co_await parts_.sessions.open(std::move(session_id)));
  co_return co_await adopt(std::move(stream), std::nullopt, "");
}

Async<Result<LiveSession*>> Engine::create(protocol::ConfigureSession op, std::string by) {
  if (handing_over_) co_return LiveSession::handing_over_error();
  const std::string session_id = base::uuid7(parts_.loop.unix_now(), parts_.random);
  // Everything that can be wrong with the configuration is found before anything is made.
  CO_TRY(protocol::SessionConfigured config,
         co_await make_configuration(&parts_, std::move(op), std::nullopt, session_id));
  const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  CO_TRY(auto stream, co_await parts_.sessions.create(session_id));
  co_return co_await adopt_new(std::move(stream), std::move(config), std::move(by));
}

Async<Result<LiveSession*>> Engine::adopt_new(std::unique_ptr<ports::SessionStream> stream,
                                              std::optional<protocol::SessionConfigured> config, std::string by) {
  const std::string session_id = stream->state().session_id;
  auto adopted = co_await adopt(std::move(stream), std::move(config), std::move(by));
  // Nobody was told its id, and one without a beginning would stand in every list.
  if (!adopted.ok()) (void)co_await parts_.sessions.remove(session_id);
  co_return adopted;
}

Async<Result<protocol::SessionForkReply>> Engine::fork(protocol::SessionFork call) {
  ports::SessionState state;
  std::optional<Error> damage;
  if (const LiveSession* open = find_live(call.session)) {
    state = open->state();
  } else {
    // Before damage everything is whole.
    CO_TRY(ports::WholePart whole, co_await parts_.sessions.peek_whole(call.session));
    state = std::move(whole.state);
    damage = std::move(whole.damage);
  }
  if (state.bookmarks.empty()) {
    if (damage) co_return damage->within("there is no Turn to fork from");
    co_return Error{.code = base::codes::kNotFound,
                    .message = fmt::format("session {} has no Turn to fork from", call.session),
                    .hint = "lathe session show " + call.session + " shows what there is"};
  }
  auto mark = state.bookmarks.last();
  if (!call.response_id.empty()) {
    const auto found = state.bookmarks.find(call.response_id);
    if (!found) {
      co_return Error{.code = base::codes::kNotFound,
                      .message = fmt::format("no Turn \"{}\" in session {}", call.response_id, call.session),
                      .hint = "lathe session show " + call.session + " names its Turns"};
    }
    mark = found->mark;
  }
  const std::string new_id = base::uuid7(parts_.loop.unix_now(), parts_.random);
  const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  CO_TRY(auto stream, co_await parts_.sessions.fork(call.session, mark->seq, mark->response_id, new_id));
  std::optional<protocol::SessionConfigured> config = state.config;
  if (config) config->session_id = new_id;
  CO_TRY(LiveSession* const session, co_await adopt_new(std::move(stream), std::move(config), ""));
  co_return protocol::SessionForkReply{.session = session->state().session_id};
}

Async<Result<void>> Engine::close_open(std::string session_id) {
  const auto open = sessions_.find(session_id);
  if (closing_ || open == sessions_.end()) co_return Result<void>();
  if (open->second->running()) co_return has_running_task(session_id);
  if (open->second->answering()) {
    co_return Error{.code = base::codes::kLocked,
                    .message = fmt::format("session {} is answering another client", session_id),
                    .hint = "try again"};
  }
  const std::unique_ptr<LiveSession> session = std::move(open->second);
  sessions_.erase(open);
  co_await session->close();
  co_return Result<void>();
}

Async<Result<void>> Engine::close(std::string session_id) {
  const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  co_return co_await close_open(std::move(session_id));
}

Async<Result<void>> Engine::archive(std::string session_id, bool archived) {
  const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  const runtime::AsyncMutex::Holder nobody_leaves = co_await leaving_.lock();
  if (archived) {
    // One that is open here and at rest stays open: whoever looks at it goes on.
    const LiveSession* const open = find_live(session_id);
    if (open != nullptr && open->running()) co_return has_running_task(session_id);
    if (open == nullptr) CO_TRY_OK(co_await parts_.sessions.check_free(session_id));
  }
  CO_TRY_OK(co_await parts_.index.archive(std::move(session_id), archived));
  list_changed();
  co_return Result<void>();
}

Async<Result<protocol::SessionTagReply>> Engine::tag(protocol::SessionTag call) {
  CO_TRY(protocol::SessionTagReply reply, co_await parts_.index.tag(std::move(call)));
  list_changed();
  co_return reply;
}

Async<Result<void>> Engine::mark_read(protocol::SessionMarkRead call) {
  const LiveSession* const live = find_live(call.session);
  const auto last_seq = live == nullptr ? std::nullopt : std::optional(live->state().last_seq);
  CO_TRY_OK(co_await parts_.index.mark_read(std::move(call), last_seq));
  list_changed();
  co_return Result<void>();
}

Async<Result<void>> Engine::remove(std::string session_id) {
  const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  CO_TRY_OK(co_await close_open(session_id));
  CO_TRY_OK(co_await parts_.sessions.remove(session_id));
  // It is gone, whatever the index says: one that takes nothing now finds that out before the next list.
  (void)co_await parts_.index.forget(session_id);
  list_changed();
  co_return Result<void>();
}

Async<Result<LiveSession*>> Engine::create_child(protocol::SessionConfigured config) {
  const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  CO_TRY(auto stream, co_await parts_.sessions.create(config.session_id));
  co_return co_await adopt(std::move(stream), std::move(config), "");
}

Async<void> Engine::let_go(std::string session_id) {
  const runtime::AsyncMutex::Holder held = co_await leaving_.lock();
  const auto found = sessions_.find(session_id);
  if (closing_ || found == sessions_.end()) co_return;
  LiveSession& left = *found->second;
  if (left.running() || left.answering() || left.feed().has_own_subscribers()) co_return;
  const std::unique_ptr<LiveSession> session = std::move(found->second);
  sessions_.erase(found);
  co_await session->close();
}

Async<Result<std::string>> Engine::parked_root(std::string session_id) {
  std::string root = session_id;
  while (true) {
    CO_TRY(const LiveSession* const live, co_await this->live(root));
    const std::string parent = live->state().config ? live->state().config->parent_session : "";
    if (parent.empty()) co_return root;
    // A parent that cannot be read, or that another process runs, does not go on here.
    const auto state = co_await parts_.sessions.peek(parent);
    const bool waits = state.ok() && state->task && state->task->parked &&
                       std::ranges::find(state->agents, root, &protocol::AgentStarted::session) != state->agents.end();
    if (!waits) co_return root;
    root = parent;
  }
}

Async<std::size_t> Engine::close_forsaken() {
  std::vector<std::string> forsaken;
  for (const auto& [id, session] : sessions_) {
    if (session->forsaken()) forsaken.push_back(id);
  }
  for (const std::string& id : forsaken) {
    const runtime::AsyncMutex::Holder held = co_await opening_.lock();
    const auto found = sessions_.find(id);
    if (closing_ || found == sessions_.end() || !found->second->forsaken()) continue;
    const std::unique_ptr<LiveSession> session = std::move(found->second);
    sessions_.erase(found);
    co_await session->close();
  }
  co_return sessions_.size();
}

protocol::QueueVitals Engine::queues() const {
  protocol::QueueVitals all;
  for (const Connection* client : clients_) {
    const EventQueue& queue = client->queue();
    const auto bytes = static_cast<std::int64_t>(queue.waiting_bytes());
    all.events += static_cast<std::int64_t>(queue.waiting());
    all.bytes += bytes;
    all.deepest_bytes = std::max(all.deepest_bytes, bytes);
    if (queue.lags()) ++all.lagging;
  }
  return all;
}

Async<Result<protocol::VitalsReply>> Engine::vitals() {
  protocol::VitalsReply reply;
  if (parts_.read_vitals) reply.process = co_await parts_.fs_pool.run([this] { return parts_.read_vitals(); });
  CO_TRY(reply.sessions, co_await parts_.index.counts());
  CO_TRY(const protocol::ApprovalListReply open, co_await parts_.index.open_questions());
  reply.open_questions = static_cast<std::int64_t>(open.questions.size());
  reply.open_sessions = static_cast<std::int64_t>(sessions_.size());
  for (const auto& [id, session] : sessions_) {
    reply.keepers += static_cast<std::int64_t>(session->keepers());
    const auto state = session->unrecorded_state();
    if (!state || reply.sessions.running == 0) continue;
    --reply.sessions.running;
    ++(*state == protocol::SessionState::kParked ? reply.sessions.parked : reply.sessions.interrupted);
  }
  reply.clients = static_cast<std::int64_t>(clients_.size());
  reply.queues = queues();
  const runtime::LoopLoad load = parts_.loop.load();
  reply.longest_block_us = load.longest_block.count();
  reply.long_blocks = load.long_blocks;
  co_return reply;
}

Async<void> Engine::close_all(Generation generation) {
  runtime::Scope closing(parts_.loop);
  for (const auto& [id, session] : sessions_) {
    const auto& config = session->state().config;
    const bool below = config && !config->parent_session.empty();
    if (below == (generation == Generation::kBelow)) closing.spawn(session->close());
  }
  co_await closing.join();
}

Async<void> Engine::shut_down() {
  closing_ = true;
  // Whoever is opening a session is done first; nobody opens one after that. Sessions that end may need the lock.
  {
    const runtime::AsyncMutex::Holder held = co_await opening_.lock();
  }
  {
    const runtime::AsyncMutex::Holder held = co_await leaving_.lock();
  }
  // Those above others first: they end what they began below.
  co_await close_all(Generation::kOutermost);
  co_await close_all(Generation::kBelow);
  sessions_.clear();
  co_await watch_of_listed_.stop(handing_over_);
  co_await watch_of_all_.stop(handing_over_);
}

}  // namespace lathe::engine
