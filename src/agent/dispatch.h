#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lathe/agent/options.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/tool.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"

// Runs the calls of one answer. For each call:
//
//   prepare ──bad arguments, unknown tool──────────────> failed     (the model is told, the Task goes on)
//      │ ^──amended arguments──┐
//      └──> gate ──────────────┴─kDeclined─────────────> declined
//             │ kRun                └─kAbort, kParked──> the Task ends or parks
//             └─> begin event ─> run ─> end event        completed, failed, timed_out, cancelled
//                          ^      │ the sandbox stopped it
//                          └─kRun─┴─> gate ─kDeclined──> failed, as it ended inside
//
// Where a person may be asked, all questions of the answer are recorded before the first call's turn, so that they are
// seen together; when its turn comes each call is prepared and decided anew, and an answer that was given ahead holds
// for the action that was asked about. A change of a file that a call before it changes is asked about in its turn.
//
// Neighbouring calls of read-only tools are prepared one after another and then run at once; every other call is alone.
// Ends are recorded in the order of the calls. A call that was begun is never run again, but for one that only waits
// for a person's answer.

namespace lathe::agent {

struct PendingCall {
  protocol::ToolCall call;
  /// Its begin event is in the journal.
  bool begun = false;
};

/// One per Task, on the loop. What it is given outlives it.
class Dispatcher final {
 public:
  /// How a call under another name reads as one of `tools`.
  using Translate = std::function<std::optional<protocol::ToolCall>(const protocol::ToolCall&)>;

  Dispatcher(runtime::Loop& loop, ports::TaskHost& host, const std::vector<ports::Tool*>& tools,
             const AgentOptions& options, Translate translate = {}, ports::WorkspaceHistory* history = nullptr);

  /// Gives every call a recorded outcome. Errors: `parked`, with calls from the one that waits on left without outcome;
  /// `approval_aborted` and the cancellation's reason, with an outcome for every call; an error of record().
  /// The model sees at most `output_tokens` of each result.
  runtime::Async<base::Result<void>> run(std::vector<PendingCall> calls, std::int64_t output_tokens,
                                         runtime::CancelToken cancel);

  /// Unified diff of what file tools changed so far; cut at 256 KiB, which it says.
  [[nodiscard]] const std::string& diff() const { return diff_; }

 private:
  /// A call on its way: ready to run, or ended before it ran (`end`).
  struct Slot {
    PendingCall pending;
    std::unique_ptr<ports::PreparedCall> prepared;
    /// Told to the model before the call's own words.
    std::string remark;
    std::optional<protocol::EventMsg> end;
    std::vector<protocol::EventMsg> events;
    /// The tool itself waits for a person.
    bool parked = false;
    /// What the sandbox refused the command.
    std::string refused;
    /// A person ended the Task instead of letting it run outside.
    std::optional<base::Error> aborted;
  };

  [[nodiscard]] ports::Tool* find(const std::string& name) const;
  /// The call under our name for its tool; as it is when there is none.
  [[nodiscard]] protocol::ToolCall translated(const protocol::ToolCall& call) const;
  [[nodiscard]] std::string unknown_tool(const std::string& name) const;
  /// What is said about a call, within what a result may have.
  [[nodiscard]] std::string within_budget(std::string_view text) const;
  /// Records the questions of all calls.
  runtime::Async<base::Result<void>> ask_ahead(const std::vector<PendingCall>* calls, runtime::CancelToken cancel);
  /// Takes the answers of the gate into account until the call may run or has its end. Errors: `parked`,
  /// `approval_aborted`, cancellation.
  runtime::Async<base::Result<Slot>> make_ready(PendingCall pending, runtime::CancelToken cancel);
  runtime::Async<base::Result<void>> prepare_and_ask(Slot* slot, protocol::ToolCall call, runtime::CancelToken cancel);
  /// Offers a command that the sandbox stopped to the person, and runs it outside when they say so.
  runtime::Async<base::Result<void>> offer_outside(Slot* slot, runtime::CancelToken cancel);
  /// Snapshot, begin event and run of a call that has begun before.
  runtime::Async<base::Result<void>> run_again(Slot* slot, runtime::CancelToken cancel);
  /// What changed by now is the doing of the commands that ran, which undo takes back.
  runtime::Async<base::Result<void>> keep_changes();
  /// Runs what is ready, all at once, and records the ends.
  runtime::Async<base::Result<void>> run_batch(std::vector<Slot> batch, runtime::CancelToken cancel);
  /// Snapshots the workspace before a command that may write; the first time in a Task it is recorded. A slot whose
  /// snapshot failed has its end.
  runtime::Async<base::Result<void>> snapshot_before(Slot* slot);
  [[nodiscard]] bool keeps_history_of(const Slot& slot) const;
  runtime::Async<bool> run_slot(Slot* slot, runtime::CancelToken cancel);
  void add_diff(const std::string& diff);
  runtime::Async<base::Result<void>> record(protocol::EventMsg msg);
  /// Ends every call of `calls` from `first` on without running it.
  runtime::Async<base::Result<void>> end_rest(const std::vector<PendingCall>* calls, std::size_t first,
                                              protocol::CallStatus status, std::string text);

  runtime::Loop& loop_;
  ports::TaskHost& host_;
  const std::vector<ports::Tool*>& tools_;
  const AgentOptions& options_;
  const Translate translate_;
  ports::ToolEnvironment environment_;
  std::int64_t output_tokens_ = 0;
  bool snapshot_told_ = false;
  std::string diff_;
};

/// "aborted by user after 2.3s", or the reason when it was not the user.
[[nodiscard]] std::string cancelled_text(const base::Error& reason, std::chrono::milliseconds after);

}  // namespace lathe::agent
