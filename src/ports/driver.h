#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/result.h"
#include "lathe/ports/blob_store.h"
#include "lathe/ports/job_runner.h"
#include "lathe/ports/session_state.h"
#include "lathe/ports/tool.h"
#include "lathe/protocol/events.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

namespace lathe::ports {

struct GateAnswer {
  enum class Verdict {
    kRun,
    /// Not allowed, or a person said no: the model is told and the Task goes on.
    kDeclined,
    /// A person said no and stop: the Task ends.
    kAbort,
    /// Nobody is there yet: the Task parks.
    kParked,
  };
  Verdict verdict = Verdict::kDeclined;
  /// For the model: why not, or the person's note.
  std::string note = {};
  /// Arguments to use instead; the call is prepared and decided anew.
  std::optional<std::string> amended_arguments = std::nullopt;
  /// A person was asked about this very action, and this is what they said.
  bool asked = false;
  friend bool operator==(const GateAnswer&, const GateAnswer&) = default;
};

enum class DraftKind { kMessage, kReasoning };

/// A person's input that arrived while the Task runs, already recorded.
struct SteeringInput {
  std::int64_t seq = 0;
};

/// What a driver sees of the session whose Task it runs. Engine loop; outlives the run.
class TaskHost : public Questioner {
 public:
  /// Appends a durable event, folds it into state() and shows it to subscribers, in that order. An error means that
  /// nothing was recorded; the driver stops.
  virtual runtime::Async<base::Result<std::int64_t>> record(protocol::EventMsg msg) = 0;
  /// Shows a passing event.
  virtual void show(protocol::EventMsg msg) = 0;
  /// Text of an item that is still being written, so that a crash costs at most 2 s of what was shown. Called with
  /// every piece; the host decides when to write.
  virtual void draft(DraftKind kind, const std::string& item, std::string_view more) = 0;
  /// The item of the draft starts anew (a retried stream) or is complete.
  virtual void drop_draft(const std::string& item) = 0;

  /// The session with everything that record() has returned for.
  [[nodiscard]] virtual const SessionState& state() const = 0;
  /// May this action run? Records question and answer when it has to ask.
  virtual runtime::Async<base::Result<GateAnswer>> gate(Action action, runtime::CancelToken cancel) = 0;
  /// Whether a call's question may be recorded before its turn comes, so that a person sees all of an answer at once.
  [[nodiscard]] virtual bool asks_ahead() const { return false; }
  /// Records the question that gate() would ask about the action, if there is one, and does not wait: when the turn
  /// comes gate() finds it open or answered. An answer holds then for the same action only.
  virtual runtime::Async<base::Result<void>> ask_ahead(Action action) {
    (void)action;
    co_return base::Result<void>();
  }
  /// For ToolEnvironment::may_show, as rules are now.
  [[nodiscard]] virtual MayShow may_show() const { return {}; }
  /// What this Task may still use, running sub-agents and the Task that spawned this one considered; absent members
  /// have no limit. Nothing when only the Task's own budget counts, which the driver keeps.
  [[nodiscard]] virtual std::optional<protocol::Budget> room() const { return std::nullopt; }
  /// Ends of jobs that the model is to be told before it is asked again; asked for once before each Turn.
  virtual base::Result<std::vector<protocol::JobEnd>> job_news() { return state().job_news; }
  /// The Task is to end, as parked, before its next Turn: another process goes on with it.
  [[nodiscard]] virtual bool hands_over() const { return false; }
  /// True once after input was steered into the Task; it is in state() then, so one more Turn is due.
  [[nodiscard]] virtual bool take_steered() = 0;

  [[nodiscard]] virtual BlobStore& blobs() = 0;
  /// Values that no record, blob or client may ever see, as far as they are known by now.
  [[nodiscard]] virtual std::vector<std::string> secrets() const = 0;
  [[nodiscard]] virtual const base::Clock& clock() const = 0;
  /// A new id for an item, a response, …
  [[nodiscard]] virtual std::string new_id(std::string_view prefix) = 0;
  /// The same for a text that comes in pieces: short, because every piece names it.
  [[nodiscard]] virtual std::string new_text_id(DraftKind kind) = 0;
};

/// Ceilings of a Task whose budget does not name them.
inline constexpr std::int64_t kDefaultTurns = 200;
inline constexpr std::int64_t kDefaultToolCalls = 1'000;

struct TaskRequest {
  std::string task;
  protocol::Budget budget;
  std::optional<base::Json> output_schema = std::nullopt;
  /// Only compact, then end.
  bool compact_only = false;
};

/// How a Task ended; the engine records the ending events.
struct TaskEnd {
  enum class Kind { kComplete, kAborted, kFailed, kParked };
  Kind kind = Kind::kComplete;
  /// kComplete.
  std::string last_agent_message = {};
  /// kAborted by the driver itself (budget, repeated call, approval abort); by cancellation the engine knows why.
  protocol::AbortReason abort_reason = protocol::AbortReason::kInterrupted;
  /// kAborted, kFailed.
  base::Error error = {};
  /// All changes that file tools made.
  std::string diff = {};
};

/// Runs the Tasks of one session, one at a time. `host.state()` says where the conversation stands: after a parked
/// Task it holds calls without results, which are gone on with first. On cancellation the driver ends what it
/// started, records results for every call that has none, and returns kAborted within 100 ms.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual runtime::Async<TaskEnd> run(TaskRequest request, TaskHost& host, runtime::CancelToken cancel) = 0;
  /// What became of the calls and jobs that were under way when the process before this one died, as far as it can be
  /// found out: events to record. Called once, before anything else, when the journal tells of such.
  virtual runtime::Async<std::vector<protocol::EventMsg>> recover(const SessionState& state) {
    (void)state;
    co_return std::vector<protocol::EventMsg>();
  }
  /// A person types into a live job of the session, or resizes its terminal. `not_found` when there is none.
  virtual runtime::Async<base::Result<void>> type(std::string job, std::string text) {
    (void)text;
    co_return no_job(job);
  }
  virtual base::Result<void> resize(const std::string& job, std::int64_t columns, std::int64_t rows) {
    (void)columns;
    (void)rows;
    return no_job(job);
  }
  /// Keepers that it holds and that are alive.
  [[nodiscard]] virtual std::size_t keepers() const { return 0; }
  /// Ends what outlives a Task (a keeper, an agent's process). Awaited once after the last run(); by default there is
  /// nothing to end.
  virtual runtime::Async<void> stop() { co_return; }
  /// In place of stop(): jobs that live go on, and the next process has them with recover(). By default there are none.
  virtual runtime::Async<void> leave() { return stop(); }
};

}  // namespace lathe::ports
