#include "lathe/engine/hand_over.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/engine/engine.h"
#include "lathe/engine/live_session.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/process_context.h"

// One daemon ends and another takes its place:
//
//   serving ---> handing over ---> Tasks parked at their Turn's edge, or out of time ---> shut down, jobs left
//                no new work is taken                                                     text_of(sessions)
//
//   the next one, before its first client: take_over() opens these sessions, takes jobs over, goes on with the Tasks

namespace lathe::engine {

using base::Error;
using base::Json;
using base::Result;
using protocol::EventMsg;
using runtime::Async;

namespace {

Json json_of(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const std::string& word : words) list.push_back(word);
  return list;
}

Result<std::vector<std::string>> words_of(const Json& session, const char* name) {
  std::vector<std::string> words;
  const auto found = session.find(name);
  if (found == session.end()) return words;
  if (!found->is_array()) return Error{.code = base::codes::kInvalid, .message = "what was handed over is broken"};
  for (const Json& word : *found) {
    if (!word.is_string()) return Error{.code = base::codes::kInvalid, .message = "what was handed over is broken"};
    words.push_back(word.get<std::string>());
  }
  return words;
}

Result<SharedContext> context_of(const Json& session) {
  ClientContext context;
  TRY(std::vector<std::string> environment, words_of(session, "environment"));
  if (!environment.empty()) context.environment = std::move(environment);
  TRY(const std::vector<std::string> process, words_of(session, "process"));
  TRY(context.process, runtime::read_process_context(process));
  if (context == ClientContext()) return SharedContext();
  return SharedContext(std::make_shared<const ClientContext>(std::move(context)));
}

}  // namespace

std::string text_of(const HandedSessions& sessions) {
  Json document = Json::object();
  for (const auto& [id, context] : sessions) {
    Json session = Json::object();
    if (context) {
      session["environment"] = json_of(context->environment.value_or(std::vector<std::string>()));
      session["process"] = json_of(runtime::told(context->process));
    }
    document[id] = std::move(session);
  }
  return base::dump_json(document);
}

Result<HandedSessions> read_handed_sessions(const std::string& text) {
  TRY(const Json document, base::parse_json(text));
  if (!document.is_object()) return Error{.code = base::codes::kInvalid, .message = "what was handed over is broken"};
  HandedSessions sessions;
  for (const auto& [id, session] : document.items()) {
    TRY(sessions[id], context_of(session));
  }
  return sessions;
}

// ---- one session

void LiveSession::hand_over() {
  hands_over_ = true;
  host_.hand_over();
  // A Task that waits for an answer waits without a process.
  host_.audience_changed();
}

Result<void> LiveSession::check_takes_work() const {
  // An agent is a part of the Task that started it, and stops at its own first Turn.
  const bool agent = state().config && !state().config->parent_session.empty();
  if (!hands_over_ || agent) return {};
  return handing_over_error();
}

Error LiveSession::handing_over_error() {
  return {.code = protocol::error_codes::kHandingOver,
          .message = "another daemon is about to take the place of this one",
          .hint = "try again",
          .retryable = true};
}

bool LiveSession::leaves_work() const {
  return !state().jobs.empty() || (!running_ && state().task && state().task->handed_over);
}

Async<void> LiveSession::take_over() {
  if (closing_) co_return;
  const Visit visit(*this);
  const runtime::AsyncMutex::Holder held = co_await alone();
  // A client that came back at once may have been faster.
  if (running_ || !state().task || !state().task->handed_over) co_return;
  const auto gone_on = co_await resume_parked(std::nullopt);
  if (gone_on.ok()) co_return;
  protocol::Warning warning{
      .code = "not_continued",
      .message = "the task was not continued after the restart of the daemon: " + gone_on.error().text()};
  (void)co_await host_.record(EventMsg(std::move(warning)));
  (void)co_await host_.record(EventMsg(protocol::TaskParked{.questions = {}, .handed_over = false}));
}

// ---- all of them

Async<HandedSessions> Engine::hand_over(base::Millis patience) {
  handing_over_ = true;
  for (const auto& [id, session] : sessions_) session->hand_over();
  const runtime::Deadline deadline = runtime::Deadline::after(parts_.loop, patience);
  const auto any_runs = [this] {
    return std::ranges::any_of(sessions_, [](const auto& session) { return session.second->running(); });
  };
  while (any_runs()) {
    auto bell = std::make_shared<runtime::OneShot<bool>>(parts_.loop);
    task_ends_.push_back(bell);
    if (!(co_await bell->wait(runtime::CancelToken(), deadline)).ok()) break;
  }
  HandedSessions handed;
  for (const auto& [id, session] : sessions_) {
    // One whose Task is out of time may have jobs.
    if (session->leaves_work()) handed.emplace(id, session->context());
  }
  co_return handed;
}

void Engine::task_ended() {
  for (const auto& bell : std::exchange(task_ends_, {})) bell->set(true);
}

Result<void> Engine::expect(HandedSessions handed) {
  expected_ = std::move(handed);
  for (const auto& [id, context] : expected_) {
    if (!context || !context->environment || !parts_.borrow) continue;
    TRY_OK(parts_.borrow(*context->environment));
  }
  return {};
}

Async<std::vector<std::string>> Engine::take_over() {
  std::vector<std::string> ids;
  for (const auto& [id, context] : expected_) ids.push_back(id);
  std::vector<std::string> problems;
  for (const std::string& id : ids) {
    auto opened = co_await live(id);
    if (!opened.ok()) {
      problems.push_back("session " + id + " is not taken over: " + opened.error().text());
      continue;
    }
    // An agent goes on with the Task that waits for it.
    const auto& config = (*opened)->state().config;
    if (config && config->parent_session.empty()) co_await (*opened)->take_over();
  }
  co_return problems;
}

}  // namespace lathe::engine
