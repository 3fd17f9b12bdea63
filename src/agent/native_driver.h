#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lathe/agent/options.h"
#include "lathe/ports/catalog.h"
#include "lathe/ports/driver.h"
#include "lathe/ports/model_directory.h"
#include "lathe/ports/project_facts.h"
#include "lathe/ports/tool.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/cancel.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

namespace lathe::agent {

/// What the native driver works with. Everything named here outlives it.
struct AgentParts {
  runtime::Loop& loop;
  /// For blocking reads of blobs.
  runtime::Pool& pool;
  /// In the order in which the model sees them; the same order for the whole session.
  std::vector<ports::Tool*> tools;
  /// The models to ask, first choice first. Read before each Turn, because the model may change within a Task.
  std::function<std::vector<ports::ResolvedModel>()> candidates;
  /// Facts of the folder in which the session works.
  ports::ProjectFacts& facts;
  /// Keeps what files were before commands and tools change them; null: nothing is kept.
  ports::WorkspaceHistory* history = nullptr;
  /// Its skills and agents.
  ports::Catalog& catalog;
  /// A call under a name that is none of ours, as our tool takes it; nothing when no tool is known by that name.
  std::function<std::optional<protocol::ToolCall>(const protocol::ToolCall&)> translate = {};
};

/// Our own agent: asks a model, runs the tools it calls, and so on until the model is done. One per session, on the
/// engine loop; Tasks one after another.
///
/// A Task ends as kComplete; kAborted (cancelled, budget, repeated call, approval abort); kParked, with calls left
/// without results that the next run() goes on with; or kFailed with the error of the model, or of record().
/// The engine records task_started and user_message before run() and the ending events after it; everything between
/// is recorded here. On cancellation the reason of the token is the error of the TaskEnd.
class NativeDriver final : public ports::Driver {
 public:
  NativeDriver(AgentParts parts, AgentOptions options);

  runtime::Async<ports::TaskEnd> run(ports::TaskRequest request, ports::TaskHost& host,
                                     runtime::CancelToken cancel) override;

 private:
  AgentParts parts_;
  AgentOptions options_;
  /// What is wrong with files of the catalogue is told once.
  std::set<std::string> told_problems_;
};

}  // namespace lathe::agent
