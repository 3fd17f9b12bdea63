#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/blob_store.h"
#include "lathe/ports/model.h"
#include "lathe/ports/output_sink.h"
#include "lathe/ports/tool_policies.h"
#include "lathe/ports/workspace_history.h"
#include "lathe/protocol/events.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"

// A tool call goes through three steps: prepare (parse and check the arguments, find out what it would do; no side
// effect), the gate (may it?), run. The agent records begin and end events around run.

namespace lathe::ports {

/// What a call would do, for the gate and for the person who is asked.
struct Action {
  enum class Kind { kCommand, kFileChange, kRead, kNetwork, kOther };
  Kind kind = Kind::kOther;
  std::string call_id = {};
  std::string tool = {};
  std::string arguments = {};
  /// kCommand. `script`: the text, when `command` gives one to a shell.
  std::vector<std::string> command = {};
  std::string script = {};
  std::string cwd = {};
  /// kCommand. Text for its standard input, whether it runs in a live terminal, when it is ended, and what it gets
  /// besides the usual environment ("NAME=value").
  std::optional<std::string> input = std::nullopt;
  bool terminal = false;
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  std::vector<std::string> environment = {};
  /// It goes on in the background under this name.
  std::string job = {};
  /// kCommand: the level of confinement that it runs at.
  std::string sandbox = {};
  /// Files that it touches, absolute, or from `cwd` on; those of `changes` and of an argument "path" need not be here.
  std::vector<std::string> paths = {};
  /// What these lead to with every link resolved, which is what the call opens; absolute. Nothing where a tool does not
  /// tell.
  std::vector<std::string> opened = {};
  /// kNetwork: hosts that it reaches, in their canonical form.
  std::vector<std::string> hosts = {};
  /// kNetwork: a command that runs waits for the answer, so that the Task cannot park for it.
  bool holds_a_command = false;
  /// kFileChange.
  std::vector<protocol::FileChange> changes = {};
  /// The model itself asked that a person decide, and why.
  bool ask_requested = false;
  /// The command is to run outside the sandbox; `refused`: what the sandbox refused when it ran inside.
  bool outside_sandbox = false;
  std::string refused = {};
  /// Why, in the model's words.
  std::string reason = {};
  /// kFileChange outside of the workspace: why it will fail. Only a decision lets the model know what is out there, so
  /// that the call goes through the gate like one that would succeed, and fails when it runs.
  std::string withheld = {};
};

/// Asks the person something in the middle of a call.
class Questioner {
 public:
  virtual ~Questioner() = default;
  /// One answer per question. `parked` ends the Task until there is an answer; `unavailable` when nobody can answer.
  virtual runtime::Async<base::Result<std::vector<std::string>>> ask(std::string call_id,
                                                                     std::vector<protocol::Question> questions,
                                                                     runtime::CancelToken cancel) = 0;
};

/// Whether rules let a tool show something of that file, of which its call was not asked by name: one below a folder
/// that it searches. Any thread; empty: they do.
using MayShow = std::function<bool(const std::string& tool, const std::string& path)>;

/// The session as a tool sees it. Outlives the call.
struct ToolEnvironment {
  /// Absolute working folder.
  std::string cwd;
  std::string session_id;
  Questioner* questioner = nullptr;
  BlobStore* blobs = nullptr;
  /// Null where nothing is kept (a driver's tests).
  WorkspaceHistory* history = nullptr;
  MayShow may_show = {};
  /// What an agent's file narrows requests of the web tools to; all of them hold.
  std::vector<WebPolicy> web = {};
};

struct RunResult {
  protocol::CallStatus status = protocol::CallStatus::kCompleted;
  /// Commands only.
  std::optional<std::int64_t> exit_code = std::nullopt;
  /// Stands before what was written to the sink; a line or two ("Exit code: 1").
  std::string header = {};
  std::vector<protocol::ContentPart> images = {};
  /// Further events to record, such as plan_update, before the end of the call.
  std::vector<protocol::EventMsg> events = {};
  /// Unified diff of what changed, for people.
  std::string diff = {};
  /// What the jail refused a command that failed, so that it can be offered to a person; empty: nothing.
  std::string refused = {};
};

/// A checked call, ready to run once.
class PreparedCall {
 public:
  virtual ~PreparedCall() = default;
  [[nodiscard]] virtual const Action& action() const = 0;
  /// A few words for a person: "read src/a.cc", "run make test".
  [[nodiscard]] virtual std::string title() const = 0;
  /// Writes its output to `out`. A failure that the model can mend is a RunResult with kFailed; an Error is turned into
  /// one by the agent, except `parked`.
  virtual runtime::Async<base::Result<RunResult>> run(OutputSink& out, runtime::CancelToken cancel) = 0;
  /// The same command outside of the jail that stopped it, for the gate to decide about; null when there is no such
  /// thing. After run().
  [[nodiscard]] virtual std::unique_ptr<PreparedCall> outside_sandbox(const std::string& refused) const {
    (void)refused;
    return nullptr;
  }
};

class Tool {
 public:
  virtual ~Tool() = default;
  [[nodiscard]] virtual const ToolSpec& spec() const = 0;
  /// Calls of read-only tools of one answer overlap; all others are alone.
  [[nodiscard]] virtual bool read_only() const = 0;
  /// `invalid` names the argument; it becomes the call's result and the Task goes on. May read files.
  virtual runtime::Async<base::Result<std::unique_ptr<PreparedCall>>> prepare(const protocol::ToolCall& call,
                                                                              const ToolEnvironment& environment) = 0;
};

}  // namespace lathe::ports
