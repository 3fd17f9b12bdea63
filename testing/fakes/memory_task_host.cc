#include "lathe/fakes/memory_task_host.h"

#include <algorithm>

#include "lathe/base/check.h"
#include "lathe/journal/fold.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/protocol/frames.h"

namespace lathe::fakes {

using base::Error;
using base::Result;
using ports::TaskEnd;
using protocol::EventMsg;
using runtime::Async;

namespace {

constexpr const char* kSession = "01900000-0000-7000-8000-000000000001";

}  // namespace

MemoryTaskHost::MemoryTaskHost(runtime::Loop& loop) : loop_(loop) {
  protocol::SessionConfigured config;
  config.session_id = kSession;
  config.model = "m";
  config.backend = "b";
  config.cwd = "/repo";
  config.system_prompt = "You are a test.";
  config.driver = "native";
  append(std::move(config));
}

std::int64_t MemoryTaskHost::append(EventMsg msg) {
  const protocol::Event event{.session = kSession,
                              .seq = state_.last_seq + 1,
                              .id = "submission",
                              .by = {},
                              .ts = loop_.unix_now(),
                              .msg = std::move(msg)};
  journal::fold(state_, event);
  return state_.last_seq;
}

void MemoryTaskHost::start_task(std::string prompt) {
  append(protocol::TaskStarted{.task = "task-" + std::to_string(++tasks_)});
  if (prompt.empty()) return;
  append(protocol::UserMessage{.item = new_id("usr"), .content = {protocol::TextPart{std::move(prompt)}}});
}

void MemoryTaskHost::steer(std::string text) {
  append(protocol::UserMessage{.item = new_id("usr"), .content = {protocol::TextPart{std::move(text)}}, .steer = true});
  steered_ = true;
}

void MemoryTaskHost::end_task(const TaskEnd& end) {
  switch (end.kind) {
    case TaskEnd::Kind::kComplete:
      append(protocol::TaskComplete{.task = state_.task->task, .last_agent_message = end.last_agent_message});
      return;
    case TaskEnd::Kind::kAborted:
      append(protocol::TurnAborted{.reason = end.abort_reason, .detail = end.error.message});
      return;
    case TaskEnd::Kind::kFailed:
      append(protocol::ErrorEvent{.code = end.error.code, .message = end.error.message, .hint = {}, .ends_task = true});
      return;
    case TaskEnd::Kind::kParked:
      append(protocol::TaskParked{});
      return;
  }
}

void MemoryTaskHost::resume_task() { append(protocol::TaskResumed{.task = state_.task->task}); }

std::vector<std::pair<std::string, protocol::CallOutcome>> MemoryTaskHost::outcomes() const {
  std::vector<std::pair<std::string, protocol::CallOutcome>> found;
  for (const EventMsg& msg : recorded) {
    std::visit(
        [&]<class T>(const T& event) {
          if constexpr (requires { event.outcome; }) found.emplace_back(event.call_id, event.outcome);
        },
        msg);
  }
  return found;
}

Async<Result<std::int64_t>> MemoryTaskHost::record(EventMsg msg) {
  co_await loop_.yield();
  CHECK_REQUEST(protocol::is_durable(msg));
  if (disk_full_after && recorded.size() >= *disk_full_after) {
    co_return Error{.code = base::codes::kNoSpace, .message = "no space left on device"};
  }
  recorded.push_back(msg);
  all.push_back(msg);
  const std::int64_t seq = append(msg);
  if (on_record) on_record(msg);
  co_return seq;
}

void MemoryTaskHost::show(EventMsg msg) {
  CHECK_REQUEST(!protocol::is_durable(msg));
  all.push_back(msg);
  shown.push_back(std::move(msg));
}

void MemoryTaskHost::draft(ports::DraftKind, const std::string& item, std::string_view more) { drafts[item] += more; }

Async<Result<ports::GateAnswer>> MemoryTaskHost::gate(ports::Action action, runtime::CancelToken cancel) {
  co_await loop_.yield();
  gated.push_back(action);
  if (cancel.cancelled()) co_return cancel.reason();
  co_return on_gate(action);
}

Async<Result<void>> MemoryTaskHost::ask_ahead(ports::Action action) {
  asked_ahead.push_back(std::move(action));
  co_return Result<void>();
}

std::string MemoryTaskHost::new_id(std::string_view prefix) { return std::string(prefix) + std::to_string(++ids_); }

Async<Result<std::vector<std::string>>> MemoryTaskHost::ask(std::string call_id,
                                                            std::vector<protocol::Question> questions,
                                                            runtime::CancelToken) {
  if (on_ask) co_return *on_ask;
  const bool asked = std::ranges::any_of(state_.questions, [&](const auto& open) { return open.call_id == call_id; });
  if (!asked) {
    protocol::UserQuestion question{
        .id = new_id("q"), .call_id = std::move(call_id), .questions = std::move(questions)};
    CO_TRY_OK(co_await record(std::move(question)));
  }
  co_return Error{.code = protocol::error_codes::kParked, .message = "nobody is there yet"};
}

}  // namespace lathe::fakes
