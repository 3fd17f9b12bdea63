#include "lathe/agent/native_driver.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "lathe/agent/budget.h"
#include "lathe/agent/task_run.h"
#include "lathe/agent/turn_rules.h"
#include "lathe/base/strings.h"

namespace lathe::agent {
namespace {

using ports::TaskEnd;
using std::chrono::milliseconds;

std::int64_t active_millis(const base::Clock& clock, const std::optional<ports::OpenTask>& task) {
  if (!task) return 0;
  return task->active_ms + std::max<std::int64_t>(clock.unix_now() - task->active_since, 0);
}

/// Cancels a Task when its time is spent; tells that, and when 80 % of it is. The time that a parked Task ran before
/// counts.
class TimeBudget final {
 public:
  TimeBudget(runtime::Loop& loop, ports::TaskHost& host, const protocol::Budget& budget,
             runtime::CancelSource& source) {
    if (!budget.millis) return;
    const std::int64_t limit = *budget.millis;
    const std::int64_t used = active_millis(loop, host.state().task);
    const std::int64_t warn_at = limit * 4 / 5;
    if (used >= limit) {
      end(host, source, limit);
      return;
    }
    end_ = loop.call_after(milliseconds(limit - used), [&host, &source, limit] { end(host, source, limit); });
    warning_ = loop.call_after(milliseconds(std::max<std::int64_t>(warn_at - used, 0)), [&host, warn_at, limit] {
      host.show(protocol::BudgetStatus{.kind = "millis", .used = warn_at, .limit = limit});
    });
  }

 private:
  static void end(ports::TaskHost& host, runtime::CancelSource& source, std::int64_t limit) {
    host.show(protocol::BudgetStatus{.kind = "millis", .used = limit, .limit = limit});
    source.cancel(budget_error("millis", base::format_duration(milliseconds(limit))));
  }

  runtime::Timer end_;
  runtime::Timer warning_;
};

}  // namespace

NativeDriver::NativeDriver(AgentParts parts, AgentOptions options) : parts_(std::move(parts)), options_(options) {}

runtime::Async<TaskEnd> NativeDriver::run(ports::TaskRequest request, ports::TaskHost& host,
                                          runtime::CancelToken cancel) {
  runtime::CancelSource source(cancel);
  const TimeBudget time(parts_.loop, host, request.budget, source);
  TaskRun task(parts_, options_, std::move(request), host, told_problems_);
  base::Result<std::string> done = co_await task.run(source.token());
  TaskEnd end;
  if (done.ok()) {
    end.last_agent_message = *std::move(done);
  } else if (cancel.cancelled()) {
    end.kind = TaskEnd::Kind::kAborted;
    end.error = cancel.reason();
  } else {
    end = end_of(std::move(done).error());
  }
  end.diff = task.diff();
  co_return end;
}

}  // namespace lathe::agent
