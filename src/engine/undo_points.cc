#include "lathe/engine/undo_points.h"

#include <functional>

#include "lathe/protocol/events.h"

namespace lathe::engine {

using base::Result;
using runtime::Async;

namespace {

constexpr std::size_t kPage = 1'000;

/// The first task_started after `since` that is wanted.
Async<Result<std::optional<TaskStart>>> first_task(ports::SessionStream* stream, std::int64_t since,
                                                   std::function<bool(const std::string& id)> wanted) {
  while (true) {
    CO_TRY(const std::vector<ports::AppendedRecord> records, co_await stream->read(since, kPage));
    if (records.empty()) co_return std::optional<TaskStart>();
    for (const ports::AppendedRecord& record : records) {
      const auto* started = std::get_if<protocol::TaskStarted>(&record.event->msg);
      if (started != nullptr && wanted(started->task)) co_return TaskStart{.task = started->task, .seq = record.seq};
    }
    since = records.back().seq;
  }
}

}  // namespace

Async<Result<std::optional<TaskStart>>> find_task(ports::SessionStream* stream, std::string id) {
  return first_task(stream, 0, [id = std::move(id)](const std::string& task) { return task == id; });
}

Async<Result<std::string>> task_after(ports::SessionStream* stream, std::int64_t seq) {
  CO_TRY(const auto found, co_await first_task(stream, seq, [](const std::string&) { return true; }));
  co_return found ? found->task : std::string();
}

Async<Result<std::vector<std::string>>> agents_after(ports::SessionStream* stream, std::int64_t seq) {
  std::vector<std::string> sessions;
  while (true) {
    CO_TRY(const std::vector<ports::AppendedRecord> records, co_await stream->read(seq, kPage));
    if (records.empty()) co_return sessions;
    for (const ports::AppendedRecord& record : records) {
      const auto* started = std::get_if<protocol::AgentStarted>(&record.event->msg);
      if (started != nullptr) sessions.push_back(started->session);
    }
    seq = records.back().seq;
  }
}

}  // namespace lathe::engine
